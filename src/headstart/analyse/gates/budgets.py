"""Gates of trainings: budgets, learning rates, seeds, finite numbers."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from headstart.analyse.analysis import ENOUGH_SEEDS
from headstart.analyse.cells import Cell, beside
from headstart.analyse.evidence import AnswerEvidence, Budget
from headstart.analyse.gates.convergence import (
    from_diverged_source,
    is_finite,
    sources_where,
    unlearnt_cells,
)
from headstart.analyse.gates.gate import (
    AnswerGateSpec,
    Evidence,
    Finding,
    GateSpec,
    check,
    in_words,
    named,
    on_cells,
)
from headstart.analyse.records import Record
from headstart.analyse.text import listed, plural
from headstart.analyse.trainings import settings_of_cells
from headstart.core.hashing import Json
from headstart.study.input_range import LARGEST_INPUT, is_too_large
from headstart.study.study import StudySpec

_END = {"low": "smallest", "high": "largest"}


@check("CHK-07", "invalid", "Equal updates and data", needs="updates")
def _budgets(evidence: AnswerEvidence) -> Iterator[Finding]:
    """At each size arms had the same number of updates on the same number of images, but for those
    that train nothing, are solved to convergence, match another arm's cost, or go on from a run on
    the target itself."""
    budgets: dict[tuple[str, str, str], dict[Cell, Budget]] = {}
    for cell, budget in evidence.budgets():
        budgets.setdefault(cell[:3], {})[cell] = budget
    for place, by_cell in budgets.items():
        control = by_cell.get((*place, evidence.study.control))
        usual = control or Counter(by_cell.values()).most_common(1)[0][0]
        unequal = {cell: budget for cell, budget in by_cell.items() if budget != usual}
        if unequal:
            whose = "the control's" if control else "most arms'"
            arms = "; ".join(
                f"{cell[3]} has {_in_words(budget)}" for cell, budget in sorted(unequal.items())
            )
            yield Finding(
                message=f"unequal budgets at {in_words(place[2])}: {arms}, where "
                f"{_in_words(usual)} are {whose}.",
                cells=frozenset(unequal),
            )


def _in_words(budget: Budget) -> str:
    updates, images = budget
    return f"{updates:,} updates" + ("" if images is None else f" on {images:,} images")


@check("CHK-07-training", "caveat", "Trained alike", could_turn=True)
def _trained_alike(evidence: Evidence) -> Iterator[Finding]:
    """Every arm that has a learning rate was trained with the control's settings."""
    by_settings: dict[str, set[Cell]] = {}
    for cell, settings in settings_of_cells(evidence.study, evidence.records).items():
        by_settings.setdefault(settings, set()).add(cell)
    for settings, cells in by_settings.items():
        yield from on_cells(
            cells,
            f"{{cells}} had other settings than {evidence.study.control}: {settings}. What sets "
            "them apart may be that, and not the source.",
        )


@check("CHK-07-learns", "invalid", "No arm is untrained for its settings")
def _untrained(evidence: Evidence) -> Iterator[Finding]:
    """No arm with settings that are not the control's failed to learn where the control did, nor
    the other way round."""
    unlearnt = unlearnt_cells(evidence.records)
    # By sentence: the cells that did not learn, each with the one whose verdict is withheld.
    found: dict[str, dict[Cell, Cell]] = {}
    for cell, settings in settings_of_cells(evidence.study, evidence.records).items():
        control = beside(cell, evidence.study.control)
        if evidence.records.get(control) and (cell in unlearnt) != (control in unlearnt):
            failed, other = (cell, control) if cell in unlearnt else (control, cell)
            said = (
                f"did not learn and {other[3]} did, with other settings: {cell[3]} had {settings}. "
                "That says nothing of the source."
            )
            found.setdefault(said, {})[failed] = cell
    for said, cells in found.items():
        yield Finding(message=f"{named(cells)} {said}", cells=frozenset(cells.values()))


@check("CHK-07-solver", "caveat", "One solver")
def _solver(evidence: Evidence) -> Iterator[Finding]:
    """No head was solved to convergence beside arms that are trained by a number of updates."""
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


@check("CHK-09", "caveat", "Learning rates tuned alike", could_turn=True)
def _tuned(evidence: Evidence) -> Iterator[Finding]:
    """Every arm that has a learning rate chose it by validation, from as many as the others; no
    arm's best is the smallest or the largest tried."""
    if message := _fixed_rates(evidence.study):
        yield Finding(message=message)
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


def _fixed_rates(study: StudySpec) -> str:
    """Arms whose learning rate is given and not chosen, and which; empty without any."""
    arms = [arm for arm in study.all_arms if arm.has_rate]
    fixed = {
        arm.name: study.training_of(arm).optimiser.lr
        for arm in arms
        if not study.training_of(arm).rates
    }
    every = "all arms" if len(arms) == len(study.all_arms) else "all arms that have one"
    unfair = "an arm that needs another one is at a disadvantage."
    rates = Counter(fixed.values())
    usual = fixed.get(study.control, max(rates, key=lambda rate: rates[rate], default=0.0))
    others = "; ".join(
        f"{listed([name for name in fixed if fixed[name] == rate], 'and')} {rate:g}"
        for rate in rates
        if len(fixed) < len(arms) or rate != usual
    )
    if not fixed:
        return ""
    if len(fixed) < len(arms):
        return (
            f"not tuned alike: one fixed learning rate for some arms ({others}), where the others "
            "chose theirs by validation."
        )
    if not others:
        return f"not tuned: one fixed learning rate ({usual:g}) for {every} and sizes; {unfair}"
    return (
        f"not tuned: fixed learning rates at all sizes, {usual:g} for {every} but these: {others}; "
        f"{unfair}"
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


@check("CHK-17", "caveat", "Enough seeds", could_turn=True, needs="scores")
def _enough_seeds(evidence: AnswerEvidence) -> Iterator[Finding]:
    """Every arm shares five seeds or more with the control."""
    # Seeds that an arm shares with its control: only those are paired.
    paired = {cell: evidence.num_paired(cell) for cell in evidence.seeds}
    few = [cell for cell, number in paired.items() if number < ENOUGH_SEEDS]
    if few:
        least = plural(min(paired.values()), "finished seed")
        where = f" of {named(few)}" if evidence.study.looks else ""  # others may have more
        yield Finding(
            message=f"{least}{where} where {ENOUGH_SEEDS} are the least for a verdict to lean on."
        )


@check("CHK-17-paired", "invalid", "Seeds are paired")
def _paired(evidence: Evidence) -> Iterator[Finding]:
    """With the same seed all arms of a size drew the same images from the same streams, but for
    arms with a size to themselves."""
    # An arm that names another size is unpaired on purpose, which CHK-07 reports.
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
    """All weights and training losses of finished trials were finite, and those of the source runs
    behind them."""
    yield from on_cells(
        evidence.cells_where(lambda r: not is_finite(r) and not from_diverged_source(evidence, r)),
        "{cells} met numbers that are not finite; lower the learning rate.",
    )
    for source, cells, runs in sources_where(evidence, lambda r: not is_finite(r)):
        yield from on_cells(
            cells,
            f"the source '{source}' diverged: {runs} met numbers that are not finite. What starts "
            "from it has no verdict ({cells}). Lower the learning rate of its training "
            "(source_training).",
        )


@check("CHK-22-range", "caveat", "Inputs in a sane range")
def _range(evidence: Evidence) -> Iterator[Finding]:
    """No input of a finished trial, trained or tested on, was larger than 50 in size."""

    def wide(record: Record) -> bool:
        facts = [row.result["inputs"] for row in record.train_rows] + [record.test_inputs]
        return any(is_too_large((f["min"], f["max"])) for f in facts)

    yield from on_cells(
        (cell for cell, record in evidence.each() if wide(record)),
        f"inputs of {{cells}} reach beyond {LARGEST_INPUT} in size: scale them, or raise the "
        "floor of the deviation they are divided by.",
    )


GATES: tuple[GateSpec | AnswerGateSpec, ...] = (
    _budgets, _trained_alike, _untrained, _solver, _tuned, _enough_seeds, _paired, _finite, _range,
)  # fmt: skip
