"""Jinja environment of the page: the filters and functions that its templates may call."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from headstart.analyse import text
from headstart.analyse.analysis import Analysis, Gate, interval_over
from headstart.report import caveats, first_screen, notes, record_text
from headstart.report.benefit import TITLES, benefit_note
from headstart.report.figures.palette import ICONS
from headstart.report.figures.svg import SHAPES
from headstart.report.found import (
    counts_found,
    groups_found,
    images_found,
    left_out_text,
    rarely_tested,
)
from headstart.report.leaks import leak_line, leak_notes
from headstart.report.mistakes import (
    confusion_cells,
    file_name,
    mistakes_sentence,
    wrong_answer,
    wrong_probability,
    wrong_seeds,
)
from headstart.report.pictures import data_uri, is_tiny

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_WITH_DECIMALS: tuple[Callable[..., str], ...] = (
    text.percent, text.points, text.bracketed, record_text.accuracy, record_text.interval,
)  # fmt: skip
_FILTERS: tuple[Callable[..., str], ...] = (
    text.comma_list, text.operations, text.p_value, text.number,
    record_text.seeds_there, record_text.own_images, record_text.updates,
    record_text.training_time, record_text.trained, record_text.parameters,
    record_text.figure_value,
    record_text.adjustment, record_text.verdict_note, record_text.against_control,
    mistakes_sentence, wrong_answer, wrong_probability, wrong_seeds, file_name,
)  # fmt: skip
_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    notes.interval_note, notes.margin_note, notes.confidence, notes.steps_note,
    notes.adjustment_note, notes.arm_notes, notes.has_other_settings,
    notes.attribution_lines, notes.published_notes,
    notes.most_seeds, notes.over_seeds,
    caveats.turning, caveats.lesser, caveats.lesser_title,
    benefit_note, interval_over,
    data_uri, is_tiny, leak_line, leak_notes, confusion_cells,
    first_screen.bar_groups, first_screen.bars_title, first_screen.bracket_note,
    first_screen.next_steps,
    counts_found, images_found, rarely_tested,
)  # fmt: skip


def environment(analysis: Analysis) -> "Environment":
    """Environment for one study, whose margin sets the decimals of percentages."""
    jinja = plain_environment()
    decimals = notes.decimals_for(analysis)
    jinja.filters |= {
        **{f.__name__: typeset(partial(f, decimals=decimals)) for f in _WITH_DECIMALS},
        **{f.__name__: f for f in _FILTERS},
        "errors": typeset(record_text.errors),
        "estimate": typeset(record_text.scaled_estimate),
    }
    jinja.globals |= {
        **{f.__name__: f for f in _FUNCTIONS},
        "checks_title": caveats.CHECKS,
        "turning_title": caveats.TURNING,
        "benefit_titles": [t.format(control=analysis.control) for t in TITLES[1:]],
        "from_python": notes.FROM_PYTHON,
        "data_notes": _data_notes,
        "gate_state": _gate_state,
        "bar_length": _bar_length,
    }
    return jinja


def plain_environment() -> "Environment":
    """Environment for any page: what is not markup is escaped, and an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    jinja = Environment(
        loader=PackageLoader("headstart.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    jinja.filters |= {"name": _name, "plural": text.plural}
    jinja.globals |= {"icons": ICONS, "swatches": SHAPES}
    return jinja


def _finalize(value: Any) -> Any:
    """Text without control characters; drawings, which are markup, unchanged."""
    from markupsafe import Markup

    return text.printable(value) if type(value) is not Markup and isinstance(value, str) else value


def _name(name: str) -> "Markup":
    """A name that may be broken after its underscores and at-signs."""
    from markupsafe import Markup, escape

    markup = escape(text.printable(name))
    for sign in "_@":
        markup = Markup(f"{sign}<wbr>").join(markup.split(sign))
    return markup


def typeset(function: Callable[..., str]) -> Callable[..., str]:
    """A formatter with a true minus sign, which a terminal may not have."""
    return lambda *given, **named: function(*given, **named).replace("-", "\u2212")


def _data_notes(analysis: Analysis) -> list[tuple[str, str]]:
    """(data set, its labels, groups, files left out or note) of the tasks, each once."""
    notes = [
        (task.dataset, note)
        for task in analysis.tasks
        for note in (
            task.note,
            task.labels_from and f"labels: {task.labels_from}",
            groups_found(task) and f"groups: {groups_found(task)}",
            task.left_out and f"left out: {left_out_text(task.left_out)}",
        )
        if note
    ]
    return list(dict.fromkeys(notes))


def _gate_state(gate: Gate) -> str:
    """State of a gate in one word, also the name of its style."""
    if gate.passed:
        return "passed"
    return "failed" if gate.severity == "invalid" else "caveat"


def _bar_length(accuracies: Sequence[float], index: int) -> float:
    """Length of a bar, from 0 to 1."""
    return min(max(accuracies[index], 0.0), 1.0)
