"""What the pages show, as markup: the parts of a study, the list of studies."""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from headstart.analyse.text import bracketed, plural, points, shorten
from headstart.flow.live import Live, TrialCurve
from headstart.flow.matrix import CellState, Matrix, MatrixPart
from headstart.flow.run_text import STATES, moment, run_sentence
from headstart.flow.watch import State
from headstart.metrics import METRICS
from headstart.plan.cost_estimate import StudyProgress
from headstart.report.figures.learning_curves import CurveLine, CurvesPanel, curves_domain
from headstart.report.figures.legend import Key
from headstart.report.figures.palette import styles_of
from headstart.report.html.environment import plain_environment, typeset
from headstart.report.record_text import size_lines
from headstart.study.study import StudySpec
from headstart.web.feed import Parts
from headstart.web.resume import Started, why_not

if TYPE_CHECKING:
    from jinja2 import Environment

SYMBOLS: dict[CellState, str] = {
    "waiting": "·",
    "running": "▶",
    "done": "✓",
    "from store": "✓",
    "failed": "✕",
}
STARTING = "It is being started."
ANNOUNCED_PERCENT = 10  # of the trials, between two times that a screen reader speaks


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLine:
    """A study in the list: where it is (`at`), how far, and what its run does."""

    at: str
    store: str
    progress: StudyProgress
    state: State

    @property
    def state_text(self) -> str:
        """The state in a word."""
        return STATES[self.state]

    @property
    def used(self) -> str:
        """When it was last used, by the clock of this machine, as its run has it."""
        return moment(datetime.fromisoformat(self.progress.used_at).timestamp())


@cache
def jinja() -> "Environment":
    """Environment of all pages; those of reports are at hand too."""
    from jinja2 import ChoiceLoader, PackageLoader

    made = plain_environment()
    assert made.loader is not None, "reports have templates"
    made.loader = ChoiceLoader([PackageLoader("headstart.web"), made.loader])
    made.globals |= {
        "bracketed": typeset(bracketed),
        "points": typeset(points),
        "last_line": _last_line,
        "symbols": SYMBOLS,
        "title": part_title,
    }
    return made


def render(template: str, **values: Any) -> str:
    """A page."""
    return jinja().get_template(template).render(**values)


def style(name: str) -> str:
    """A file of the style or script, by the name that pages use."""
    ours = ("headstart.web", "static")
    package, folder = ("headstart.report.html", "templates") if name == "report.css" else ours
    return (files(package) / folder / name).read_text(encoding="utf-8")


def bar(at: str, caveat: str = "") -> str:
    """What stands above a report that the site shows."""
    return render("bar.html.j2", css=style("live.css"), at=at, caveat=caveat)


def studies_parts(
    rows: Sequence[StudyLine], notes: Sequence[tuple[str, str]], several: bool
) -> Parts:
    """The parts of the list of studies.

    Args:
        rows: the studies.
        notes: what is to be said of stores, each with a command or none.
        several: whether there are several stores.
    """
    choices = [
        (row.at, f"{row.progress.study} ({row.used})" + (f" in {row.store}" if several else ""))
        for row in rows
    ]
    zone = time.strftime("%Z")
    shown = render("studies.html.j2", rows=rows, notes=notes, several=several, zone=zone)
    return {"studies": shown, "compare": render("compare.html.j2", choices=choices)}


def study_parts(live: Live, at: str, stopping: bool, started: Started | None) -> Parts:
    """The parts of the page of a study, and behind the matrix its cells."""
    tracker, state, study = live.watch.tracker, live.watch.state, live.study.loaded.study
    (done, _, _), total = tracker.trials, tracker.num_trials
    running, finished = state == "running", live.finished
    far = tracker.text() if running else f"{done} of {plural(total, 'trial')} done."
    log = started.last_lines if started and started.never_began else ""
    starting = not running and started is not None and started.alive and not started.began
    why = STARTING if starting else why_not(live.watch.run)
    analysis = live.report[0] if live.report else None
    gains = [c for c in analysis.comparisons if c.seeds] if analysis else []
    matrix, cost = live.matrix(), tracker.cost
    drawings, keys = _curves(study, matrix, live.curves())
    return {
        "state": _part("state", *_state(live, starting), log),
        "progress": _part("progress", cost - tracker.cost_left, cost, far),
        "announced": STARTING if starting else _announced(state, done, total),
        "actions": _part("actions", at, running, stopping, not why, finished, why),
        "verdict": _part(
            "verdict", finished, analysis, done, gains, len(study.pairs) > 1, live.why_no_report
        ),
        **_matrix_parts(matrix),
        "failures": _part("failures", live.failures),
        "workers": _part("workers", live.busy, len(live.watch.lost)) if running else "",
        "curves": _part("curves", drawings, keys, matrix.num_waiting),
    }


def _state(live: Live, starting: bool) -> tuple[str, str, str]:
    """What a run does: for the style, in a word, in a sentence."""
    if starting:
        return "starting", "starting", "Its command was started again here."
    state = live.watch.state
    return state, STATES[state], run_sentence(live.watch)


def with_cells(parts: Parts) -> str:
    """The matrix with its cells, for a page that is opened."""
    return re.sub(r'id="(cell-[^"]+)">', lambda at: at[0] + parts[at[1]], parts["matrix"])


def part_title(part: MatrixPart) -> str:
    """What the trials of a part of the matrix are on."""
    if not part.size:
        return f"Source runs on {part.source}"
    return f"{part.source} → {part.target}: {', '.join(size_lines(part.size, part.num_images))}"


def _curves_title(part: MatrixPart, several: bool) -> str:
    """What curves are of, in few words: a drawing has room for some thirty letters."""
    if not part.size:
        return part_title(part)
    if several:
        return f"{part.source} → {part.target}: {part.size}"
    return ", ".join(size_lines(part.size, part.num_images))


def _matrix_parts(matrix: Matrix) -> Parts:
    """The matrix without its cells, and every cell.

    Cells bear a mark of the matrix in their ids: of another matrix all are new.
    """
    markup = _part("matrix", matrix, _cell_ids(""))
    shape = hashlib.sha256(markup.encode()).hexdigest()[:8]
    ids, symbols = _cell_ids(shape), {state: _part("symbol", state) for state in SYMBOLS}
    cells = {
        ids(number, row, column): symbols[cell.state]
        for number, part in enumerate((*matrix.sources, *matrix.parts))
        for row, one in enumerate(part.rows)
        for column, cell in enumerate(one.cells)
        if cell is not None
    }
    return {"matrix": markup.replace('id="cell--', f'id="cell-{shape}-'), **cells}


def _cell_ids(shape: str) -> Callable[[int, int, int], str]:
    return lambda part, row, column: f"cell-{shape}-{part}-{row}-{column}"


def _curves(
    study: StudySpec, matrix: Matrix, curves: Sequence[TrialCurve]
) -> tuple[list[str], list[Key]]:
    """A drawing for each part of the matrix with any curve, and their legend."""
    parts, several = (*matrix.sources, *matrix.parts), len(study.pairs) > 1
    of_sources = dict.fromkeys(row.arm for part in matrix.sources for row in part.rows)
    styles = styles_of(study.control, [*(arm.name for arm in study.arms), *of_sources])
    lines = {
        number: [
            CurveLine(
                arm=curve.trial.arm,
                seed=curve.trial.seed,
                points=tuple((update, 100 * value) for update, value in curve.points),
            )
            for curve in curves
            if part.holds(curve.trial) and curve.trial.arm in styles  # a sweep has no colours
        ]
        for number, part in enumerate(parts)
    }
    drawn = [line for of_part in lines.values() for line in of_part]
    domain = curves_domain(drawn)
    drawings = [
        CurvesPanel(
            title=_curves_title(part, several),
            measured=METRICS[study.metric].on("validation"),
            lines=lines[number],
            domain=domain,
            name=f"live-{number}",
        ).svg(styles)
        for number, part in enumerate(parts)
        if lines[number]
    ]
    arms = {line.arm for line in drawn}
    return drawings, [
        Key(arm=arm, colour=style.colour, shape=style.shape)
        for arm, style in styles.items()
        if arm in arms
    ]


def _announced(state: State, done: int, total: int) -> str:
    """What a screen reader says: now and then how far a run is, and how it ended."""
    if state != "running":
        return f"{STATES[state]}, {done} of {plural(total, 'trial')} done"
    percent = 100 * done // max(total, 1) // ANNOUNCED_PERCENT * ANNOUNCED_PERCENT
    return f"running, {percent} per cent of the trials done"


def _part(name: str, *values: object) -> str:
    """One part of a page of a study."""
    return str(getattr(jinja().get_template("parts.html.j2").module, name)(*values)).strip()


def _last_line(error: str) -> str:
    """What a traceback comes to."""
    lines = error.strip().splitlines()
    return shorten(lines[-1], 160) if lines else "no reason was given"
