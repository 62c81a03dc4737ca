"""One self-contained HTML file a study, in the order in which its story is told.

The verdict and its picture, what it is worth, how sure it is, why, what could be wrong, how to
repeat it. No network, no script: style sheet and drawings are inside. The same analysis and
summary give the same bytes.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis, Gate
from headstart.core.files import write_whole
from headstart.core.version import __version__
from headstart.report import evidence, text
from headstart.report.benefit import (
    TITLES,
    forgetting_lines,
    operations,
    pick_lines,
    worth_note,
)
from headstart.report.figures.palette import ICONS
from headstart.report.figures.svg import SHAPES
from headstart.report.html.sections import pair_page
from headstart.report.leaks import data_uri, leak_line, leak_notes
from headstart.report.rows import pairs_of, sweep_arms
from headstart.report.run_summary import RunSummary

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_SWATCHES = {**SHAPES, "dashed": "M-1.1-.2h.9v.4h-.9zM.2-.2h.9v.4h-.9z"}


def write_html(analysis: Analysis, summary: RunSummary, path: Path) -> None:
    """Write the page of a study to `path`, whole or not at all.

    A page that shows this very analysis is left as it is: drawing its figures takes longer than all
    the rest of a run that finds everything stored.
    """
    mark = _mark(analysis, summary)
    if mark in _beginning(path):
        return
    write_whole(path, page(analysis, summary).encode())


def _mark(analysis: Analysis, summary: RunSummary) -> str:
    """What a page shows and which version of headstart drew it, in one hash near its top."""
    shown = f"{__version__}{summary.command}{analysis!r}"
    return f"analysis {hashlib.sha256(shown.encode()).hexdigest()}"


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(500)
    except OSError:
        return ""


def page(analysis: Analysis, summary: RunSummary) -> str:
    """The page of a study."""
    template = _environment(analysis).get_template("report.html.j2")
    pairs = pairs_of(analysis)
    several = len(pairs) > 1
    return template.render(
        a=analysis,
        mark=_mark(analysis, summary),
        summary=summary,
        pages=[pair_page(analysis, pair) for pair in pairs],
        num_swept=len(sweep_arms(analysis)),
        warnings=text.warnings_of(analysis),
        remarks=text.remarks_of(analysis),
        broken=[g for g in analysis.gates if not g.passed and g.severity == "invalid"],
        caveats=[g for g in analysis.gates if not g.passed and g.severity == "caveat"],
        picks=list(pick_lines(analysis, several)),
        forgotten=list(forgetting_lines(analysis, several)),
    )


def _environment(analysis: Analysis) -> "Environment":
    from functools import partial

    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("headstart.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    decimals = text.decimals_for(analysis)
    numbers: tuple[Callable[..., str], ...] = (text.percent, text.accuracy, text.points)
    numbers += (text.interval, evidence.plain_interval, evidence.bracketed)
    for function in numbers:
        found.filters[function.__name__] = _typeset(partial(function, decimals=decimals))
    for function in (text.errors, evidence.estimate):
        found.filters[function.__name__] = _typeset(function)
    found.filters["name"] = _name
    words: tuple[Callable[..., str], ...]
    words = (text.plural, text.listing, text.seeds_there, text.own_images, text.updates)
    words += (text.training_time, text.trained, text.figure_value, operations)
    words += (evidence.adjustment, evidence.verdict_note, evidence.p_value, evidence.number)
    words += (evidence.share, evidence.beside)
    for function in words:
        found.filters[function.__name__] = function
    shared: tuple[Callable[..., Any], ...]
    shared = (text.interval_note, text.margin_note, text.confidence, text.steps_note)
    shared += (text.adjustment_note, text.attribution_lines, text.published_notes, worth_note)
    shared += (data_uri, leak_line, leak_notes, evidence.tuned_share)
    for function in shared:
        found.globals[function.__name__] = function
    found.globals["worth_titles"] = [t.format(control=analysis.control) for t in TITLES[1:]]
    found.globals["from_python"] = text.FROM_PYTHON
    found.globals["icons"] = ICONS
    found.globals["swatches"] = _SWATCHES
    found.globals["data_notes"] = _data_notes
    found.globals["gate_state"] = _gate_state
    return found


def _finalize(value: Any) -> Any:
    """What a study says is shown without control characters; drawings are left as they are."""
    from markupsafe import Markup

    return text.printable(value) if type(value) is not Markup and isinstance(value, str) else value


def _name(name: str) -> "Markup":
    """A name that may be broken after its underscores and at-signs."""
    from markupsafe import Markup, escape

    found = escape(text.printable(name))
    for sign in "_@":
        found = Markup(f"{sign}<wbr>").join(found.split(sign))
    return found


def _typeset(function: Callable[..., str]) -> Callable[..., str]:
    """A number with a true minus sign, which a terminal may not have."""
    return lambda *given, **named: function(*given, **named).replace("-", "\u2212")


def _data_notes(analysis: Analysis) -> list[tuple[str, str]]:
    """(data set, what is to be known of it), each once."""
    return list(dict.fromkeys((task.dataset, task.note) for task in analysis.tasks if task.note))


def _gate_state(gate: Gate) -> str:
    """The state of a gate in one word, also the name of its style."""
    if gate.passed:
        return "passed"
    return "failed" if gate.severity == "invalid" else "caveat"
