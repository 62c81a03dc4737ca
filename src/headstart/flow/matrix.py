"""The trials of a study as a matrix of arm, size and seed, with the state of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from headstart.flow.tracker import Tracker
from headstart.plan.steps import Plan, Trial
from headstart.study.study import StudySpec

CellState = Literal["waiting", "running", "done", "from store", "failed"]
"""`from store`: done before the run that is followed; `failed`: a step of it, or one it needs."""

Needed = Mapping[str, frozenset[str]]
"""The keys of all steps that a trial needs, by the key of its score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One trial."""

    seed: int
    state: CellState


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """The trials of an arm at one size, by seed; None where there is none."""

    arm: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixPart:
    """The trials at one size of one pair, or all source runs (`size` is empty)."""

    source: str
    target: str
    size: str
    num_images: int
    seeds: tuple[int, ...]
    rows: tuple[MatrixRow, ...]

    def holds(self, trial: Trial) -> bool:
        """Whether a trial is one of these."""
        place = (trial.target, trial.size) == (self.target, self.size) if self.size else True
        return place and trial.source == self.source and trial.arm in {r.arm for r in self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All trials of a plan: those of sources, those of targets, and how many are not planned yet.

    `settling` says what is chosen before they can be, by `pilots` trainings, some of them done.
    """

    sources: tuple[MatrixPart, ...]
    parts: tuple[MatrixPart, ...]
    num_waiting: int
    settling: tuple[str, ...]
    pilots: int
    pilots_done: int


def needed_by(plan: Plan) -> Needed:
    """The steps that each trial of a plan needs."""
    return {trial.score_key: plan.behind([trial]) for trial in (*plan.trials, *plan.sources)}


def matrix_of(
    study: StudySpec, plan: Plan, needed: Needed, tracker: Tracker, failed: frozenset[str]
) -> Matrix:
    """The matrix of a plan.

    Args:
        study: that was planned.
        plan: of it.
        needed: by its trials, from `needed_by`.
        tracker: what is done and running.
        failed: keys of steps that failed.
    """
    order = [arm.name for arm in study.all_arms]

    def part(trials: list[Trial], arms: Iterable[str], size: str) -> MatrixPart:
        first = trials[0]
        seeds = tuple(sorted({trial.seed for trial in trials}))
        cells = {
            (trial.arm, trial.seed): Cell(
                seed=trial.seed, state=_state(trial, needed[trial.score_key], tracker, failed)
            )
            for trial in trials
        }
        return MatrixPart(
            source=first.source,
            target=first.target,
            size=size,
            num_images=first.num_images,
            seeds=seeds,
            rows=tuple(
                MatrixRow(arm=arm, cells=tuple(cells.get((arm, seed)) for seed in seeds))
                for arm in arms
            ),
        )

    places: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in plan.trials:
        places.setdefault((trial.source, trial.target, trial.size), []).append(trial)
    sources: dict[str, list[Trial]] = {}
    for trial in plan.sources:
        sources.setdefault(trial.source, []).append(trial)
    pilots = _pilots(plan)
    return Matrix(
        sources=tuple(part(of, dict.fromkeys(t.arm for t in of), "") for of in sources.values()),
        parts=tuple(
            part(of, [arm for arm in order if any(t.arm == arm for t in of)], size)
            for (_, _, size), of in places.items()
        ),
        num_waiting=plan.num_waiting,
        settling=plan.settling,
        pilots=len(pilots),
        pilots_done=len(pilots & tracker.done),
    )


def _pilots(plan: Plan) -> set[str]:
    """The trainings whose results choose what is not settled yet."""
    left, found = list(plan.undecided), set()
    while left:
        key = left.pop()
        if key in found or key not in plan.steps:
            continue
        found.add(key)
        left += plan.steps[key].inputs
    return {key for key in found if plan.steps[key].kind == "train"}


def _state(
    trial: Trial, needed: frozenset[str], tracker: Tracker, failed: frozenset[str]
) -> CellState:
    if trial.score_key in tracker.done:
        return "done" if trial.keys & tracker.ran else "from store"
    if trial.keys & tracker.running:
        return "running"
    return "failed" if needed & failed else "waiting"
