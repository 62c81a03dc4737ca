"""One self-contained HTML file a study: verdict first, then everything that it rests on.

No network, no script: style sheet and drawings are inside. The same analysis and summary give the
same bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.analyse.analysis import Analysis, Gate
from headstart.core.files import write_whole
from headstart.core.version import __version__
from headstart.report import text
from headstart.report.cut_figure import cuts_figure
from headstart.report.figures import NARROW, curve_arms, curves_figure, gain_figure, seeds_figure
from headstart.report.leaks import data_uri, leak_line, leak_notes
from headstart.report.palette import ICONS, Look, family_looks, looks
from headstart.report.rows import Pair, SizeRows, pairs_of, sizes_of, sweep_arms
from headstart.report.run_summary import RunSummary
from headstart.report.sweep import Sweep, sweeps_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_SWATCHES = {
    "circle": "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
    "square": "M2 2h8v8h-8z",
    "triangle-up": "M6 1L11 10H1z",
    "diamond": "M6 0.5L10.5 6L6 11.5L1.5 6z",
    "triangle-down": "M1 2H11L6 11z",
    "cross": "M4.2 1h3.6v3.2H11v3.6H7.8V11H4.2V7.8H1V4.2h3.2z",
    "triangle-right": "M2 1L11 6L2 11z",
}
_DASHED = "M0 5h5v2H0zM7 5h5v2H7z"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """An entry of a legend; `note` says more than the name of the arm or family."""

    arm: str
    note: str = ""
    look: Look
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _SweepPage:
    """One sweep as the template shows it."""

    sweep: Sweep
    wide: str
    narrow: str
    keys: tuple[_Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _PairPage:
    """One pair as the template shows it."""

    pair: Pair
    groups: tuple[SizeRows, ...]
    gain_wide: str
    gain_narrow: str
    curves: tuple[str, ...]
    seeds: tuple[str, ...]
    compared: tuple[_Key, ...]
    drawn: tuple[_Key, ...]
    sweeps: tuple[_SweepPage, ...]


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
    return template.render(
        a=analysis,
        mark=_mark(analysis, summary),
        summary=summary,
        pages=[_pair_page(analysis, pair) for pair in pairs_of(analysis)],
        num_swept=len(sweep_arms(analysis)),
        warnings=text.warnings_of(analysis),
        broken=[g for g in analysis.gates if not g.passed and g.severity == "invalid"],
        caveats=[g for g in analysis.gates if not g.passed and g.severity == "caveat"],
        icons=ICONS,
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
    numbers: tuple[Callable[..., str], ...] = (text.percent, text.accuracy)
    numbers += (text.points, text.interval)
    for function in numbers:
        found.filters[function.__name__] = _typeset(partial(function, decimals=decimals))
    found.filters["name"] = _name
    found.filters["errors"] = lambda comparison: _true_minus(text.errors(comparison))
    words: tuple[Callable[..., str], ...]
    words = (text.plural, text.listing, text.seeds_there, text.own_images)
    words += (text.updates, text.training_time, text.trained, text.figure_value)
    for function in words:
        found.filters[function.__name__] = function
    for note in (text.interval_note, text.margin_note, text.confidence, text.steps_note):
        found.globals[note.__name__] = note
    for shared in (data_uri, leak_line, leak_notes):
        found.globals[shared.__name__] = shared
    found.globals["adjustment_note"] = text.adjustment_note
    found.globals["attribution_lines"] = text.attribution_lines
    found.globals["published_notes"] = text.published_notes
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
    return lambda value: _true_minus(function(value))


def _true_minus(number: str) -> str:
    return number.replace("-", "\u2212")


def _data_notes(analysis: Analysis) -> list[tuple[str, str]]:
    """(data set, what is to be known of it), each once."""
    return list(dict.fromkeys((task.dataset, task.note) for task in analysis.tasks if task.note))


def _pair_page(analysis: Analysis, pair: Pair) -> _PairPage:
    from markupsafe import Markup

    groups = sizes_of(analysis, pair)
    rows = [row for group in groups for row in group.rows]
    return _PairPage(
        pair=pair,
        groups=groups,
        gain_wide=Markup(gain_figure(analysis, pair)),
        gain_narrow=Markup(gain_figure(analysis, pair, NARROW)),
        curves=tuple(map(Markup, curves_figure(analysis, pair))),
        seeds=tuple(map(Markup, seeds_figure(analysis, pair))),
        compared=_keys(analysis, [row.arm for row in rows if row.comparison]),
        drawn=_keys(analysis, list(curve_arms(analysis, pair))),
        sweeps=tuple(_sweep_page(analysis, pair, sweep) for sweep in sweeps_of(analysis, pair)),
    )


def _sweep_page(analysis: Analysis, pair: Pair, sweep: Sweep) -> _SweepPage:
    from markupsafe import Markup

    found = family_looks()
    keys = [
        _Key(arm=rows.family, note=rows.words, look=look, path=_SWATCHES[look.shape])
        for rows in sweep.families
        if (look := found[rows.family])
    ]
    if sweep.control:
        band = "control, with a band of ± sd" if sweep.control.sd else "control"
        look = looks(analysis)[analysis.control]
        keys.append(_Key(arm=analysis.control, note=band, look=look, path=_DASHED))
    return _SweepPage(
        sweep=sweep,
        wide=Markup(cuts_figure(analysis, pair, sweep)),
        narrow=Markup(cuts_figure(analysis, pair, sweep, NARROW)),
        keys=tuple(keys),
    )


def _keys(analysis: Analysis, arms: list[str]) -> tuple[_Key, ...]:
    found = looks(analysis)
    return tuple(
        _Key(arm=arm, look=found[arm], path=_SWATCHES[found[arm].shape])
        for arm in dict.fromkeys(arms)
    )


def _gate_state(gate: Gate) -> str:
    """The state of a gate in one word, also the name of its style."""
    if gate.passed:
        return "passed"
    return "failed" if gate.severity == "invalid" else "caveat"
