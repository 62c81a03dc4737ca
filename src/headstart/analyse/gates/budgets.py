"""Gates of trainings: budgets, learning rates, seeds, finite numbers."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, in_words, on_cells
from headstart.analyse.records import Record
from headstart.analyse.text import plural
from headstart.core.hashing import Json
from headstart.study.arms import SELF, ArmSpec
from headstart.study.input_range import LARGEST_INPUT, is_too_large

ENOUGH_SEEDS = 5
_END = {"low": "smallest", "high": "largest"}


@check("CHK-07", "invalid", "Equal budgets and data")
def _budgets(evidence: Evidence) -> Iterator[Finding]:
    """All arms had the same number of updates on the same number of images at each size."""
    # Updates on the target, those of the arms that an arm starts from included, and images.
    budgets: dict[tuple[str, str, str], dict[Cell, tuple[int, int]]] = {}
    for cell, record in evidence.each():
        arm = evidence.arm(cell[3])
        if record.train_rows and arm.compute_of is None and SELF not in arm.origins:
            budget = (_target_updates(arm, cell, evidence), record.trial.num_images)
            budgets.setdefault(cell[:3], {})[cell] = budget
    for place, by_cell in budgets.items():
        control = by_cell.get((*place, evidence.study.control))
        usual = control or Counter(by_cell.values()).most_common(1)[0][0]
        unequal = {cell: budget for cell, budget in by_cell.items() if budget != usual}
        if unequal:
            arms = "; ".join(
                f"{cell[3]} has {updates:,} updates on {images:,} images"
                for cell, (updates, images) in sorted(unequal.items())
            )
            yield Finding(
                message=f"unequal budgets at {in_words(place[2])}: {arms}, where {usual[0]:,} "
                f"updates on {usual[1]:,} images are the control's.",
                cells=frozenset(unequal),
            )


def _target_updates(arm: ArmSpec, cell: Cell, evidence: Evidence) -> int:
    """Updates on the target behind an arm's weights."""
    names = {other.name for other in evidence.study.all_arms}
    records = evidence.records.get((*cell[:3], arm.name), {}).values()
    updates = max(
        (sum(s.payload["phase"]["updates"] for s in record.steps) for record in records), default=0
    )
    before = [_target_updates(evidence.arm(o), cell, evidence) for o in arm.origins if o in names]
    return updates + max(before, default=0)


@check("CHK-07-solver", "caveat", "One solver")
def _solver(evidence: Evidence) -> Iterator[Finding]:
    """Every arm was trained by updates of one kind."""
    # Heads solved to convergence have the same images, but no number of updates.
    solved = [arm.name for arm in evidence.study.all_arms if arm.converges]
    counts = [
        row.result["solver"]["iterations_of_path"]
        for cell, record in evidence.each()
        if cell[3] in solved
        for row in record.train_rows
    ]
    if counts:
        yield Finding(
            message=f"the head of {', '.join(solved)} was solved to convergence (in "
            f"{sum(counts) / len(counts):,.0f} full-batch iterations on average, its penalty "
            "picked on validation), not trained for the others' number of updates: compare it by "
            "accuracy and cost, not by budget.",
            cells=evidence.cells_of(solved),
        )


@check("CHK-09", "caveat", "Learning rates tuned alike")
def _tuned(evidence: Evidence) -> Iterator[Finding]:
    """Every arm chose its learning rate from one grid, by validation on seeds that do not test."""
    training = evidence.study.training
    if not training.rates:
        yield Finding(
            message=f"not tuned: one fixed learning rate ({training.optimiser.lr:g}) for all arms "
            "and sizes; an arm that needs another one is at a disadvantage."
        )
    yield from _unequal_tries(evidence)
    at_edge = {
        (*place, arm): f"{choice.rates[arm]:g}, the {_END[side]} tried"
        for place, choices in evidence.choices.items()
        for choice in choices
        for arm, side in choice.edges.items()
    }
    for edge in sorted(set(at_edge.values())):
        yield from on_cells(
            (cell for cell, rate in at_edge.items() if rate == edge),
            f"the best learning rate of {{cells}} is {edge}, even after the grid was extended for "
            "all arms: a better one may lie beyond.",
        )


def _unequal_tries(evidence: Evidence) -> Iterator[Finding]:
    """Arms that tried fewer rates than others at the same place."""
    tries = set()
    for choice in chain.from_iterable(evidence.choices.values()):
        counts = {n: len(s) for n, s in choice.scores.items() if evidence.arm(n).has_rate}
        usual = max(counts.values(), default=0)
        tries |= {f"{name} {count} of {usual}" for name, count in counts.items() if count < usual}
    if tries:
        yield Finding(
            message=f"learning rates were not searched alike: {', '.join(sorted(tries))} tried."
        )


@check("CHK-17", "caveat", "Enough seeds")
def _enough_seeds(evidence: Evidence) -> Iterator[Finding]:
    """Every arm shares five seeds or more with the control."""
    # Seeds that an arm shares with its control: only those are paired.

    def num_paired(cell: Cell) -> int:
        control = evidence.records.get((*cell[:3], evidence.study.control))
        own = evidence.records[cell].keys()
        return len(own & control.keys()) if control is not None else len(own)

    least = min(map(num_paired, evidence.records), default=ENOUGH_SEEDS)
    if least < ENOUGH_SEEDS:
        yield Finding(
            message=f"{plural(least, 'finished seed')} where {ENOUGH_SEEDS} "
            "are the least for a verdict to lean on."
        )


@check("CHK-17-paired", "invalid", "Seeds are paired")
def _paired(evidence: Evidence) -> Iterator[Finding]:
    """With the same seed all arms of a size drew the same images from the same streams."""
    # An arm with a size of its own is unpaired on purpose, which CHK-07 reports.
    resized = {arm.name for arm in evidence.study.all_arms if arm.size is not None}
    yield from on_cells(
        (
            cell
            for cell, record in evidence.each()
            if record.steps
            and cell[3] not in resized
            and _streams(record) != _control_streams(evidence, cell, record.trial.seed)
        ),
        "{cells} had other training or validation images, or other random streams, than the "
        "control of the same seed: the seeds are not paired.",
    )


def _streams(record: Record) -> list[Json]:
    """Origin of a trial's random draws: its images, and the seed and role of its streams."""
    return [
        {name: step.payload[name] for name in ("data", "seed", "role")} for step in record.steps[:1]
    ]


def _control_streams(evidence: Evidence, cell: Cell, seed: int) -> list[Json]:
    """Streams of the control of the same seed; without it, those of any arm."""
    control = (*cell[:3], evidence.study.control)
    beside = [control, *(other for other in evidence.records if other[:3] == cell[:3])]
    for other in beside:
        record = evidence.records.get(other, {}).get(seed)
        if record is not None and record.steps:
            return _streams(record)
    return []


@check("CHK-22", "invalid", "Finite numbers")
def _finite(evidence: Evidence) -> Iterator[Finding]:
    """All weights and losses were finite."""
    yield from on_cells(
        evidence.cells_where(
            lambda record: not all(row.result["finite"] for row in record.train_rows)
        ),
        "{cells} met numbers that are not finite; lower the learning rate.",
    )


@check("CHK-22-range", "caveat", "Inputs in a sane range")
def _range(evidence: Evidence) -> Iterator[Finding]:
    """No input was larger than 50 in size."""

    def wide(record: Record) -> bool:
        facts = [row.result["inputs"] for row in record.train_rows] + [record.test_inputs]
        return any(is_too_large((f["min"], f["max"])) for f in facts)

    yield from on_cells(
        (cell for cell, record in evidence.each() if wide(record)),
        f"inputs of {{cells}} reach beyond {LARGEST_INPUT} in size: scale them, or raise the "
        "floor of the deviation they are divided by.",
    )


GATES: tuple[GateSpec, ...] = (
    _budgets, _solver, _tuned, _enough_seeds, _paired, _finite, _range,
)  # fmt: skip
