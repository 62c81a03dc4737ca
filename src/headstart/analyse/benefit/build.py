"""Records -> Worth: one line for each pair, size and transfer arm."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from headstart.analyse.analysis import Benefit, Estimate
from headstart.analyse.benefit.context import Case
from headstart.analyse.benefit.estimates import error_reduction, gain_pp, over_seeds, withheld
from headstart.analyse.benefit.labels import ControlPoint, labels_matched
from headstart.analyse.benefit.speed import speed
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Records
from headstart.analyse.records import Record
from headstart.study.arms import ArmSpec
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def worth_of(
    study: StudySpec,
    facts: Facts,
    records: Records,
    source_flops: dict[str, int],
    withheld_cells: dict[Cell, str],
) -> tuple[Benefit, ...]:
    """Every transfer arm that is there with the control, in the order of the study.

    `source_flops` are the operations of a source run, by source task.
    """
    found = []
    for cell in records:
        case = _case(study, facts, records, source_flops, cell)
        if case is None:
            continue
        reason = withheld_cells.get(cell) or withheld_cells.get((*cell[:3], study.control))
        told = _worth(case)
        found.append(_without_numbers(told, reason) if reason else told)
    return tuple(found)


def _case(
    study: StudySpec, facts: Facts, records: Records, source_flops: dict[str, int], cell: Cell
) -> Case | None:
    arm = next(arm for arm in study.all_arms if arm.name == cell[3])
    control = records.get((*cell[:3], study.control), {})
    seeds = [seed for seed in study.seeds if seed in records[cell] and seed in control]
    if not arm.transfers or arm.name == study.control or not seeds:
        return None
    if not len(control[seeds[0]].labels):  # every test image leaked, which a gate tells
        return None
    task = study.tasks[cell[1]]
    groups = task.groups(facts.of(task).classes).values()
    fresh = _fresh_twin(study, arm)
    return Case(
        cell=cell,
        control=study.control,
        arm=tuple(records[cell][seed] for seed in seeds),
        against=tuple(control[seed] for seed in seeds),
        sizes=tuple(
            by_seed
            for other, by_seed in records.items()
            if (other[0], other[1], other[3]) == (*cell[:2], study.control)
        ),
        fresh=(fresh, records.get((*cell[:3], fresh), {})),
        chance=1 / sum(1 for group in groups if group),
        source_flops=source_flops.get(cell[0], 0),
    )


def _fresh_twin(study: StudySpec, arm: ArmSpec) -> str:
    """The arm that is the same but for its start, which is fresh; empty where there is none."""
    alike = (arm.strategy, arm.frozen, arm.training, arm.size, arm.compute_of)
    for other in study.all_arms:
        own = (other.strategy, other.frozen, other.training, other.size, other.compute_of)
        if not other.origins and own == alike:
            return other.name
    return ""


def _worth(case: Case) -> Benefit:
    first = case.arm[0].trial
    labels = _labels(case)
    return Benefit(
        arm=case.cell[3],
        control=case.control,
        size=case.cell[2],
        num_images=first.num_images,
        source=case.cell[0],
        target=case.cell[1],
        seeds=case.seeds,
        labels=labels,
        multiplier=_scaled(labels, 1 / first.num_images),
        source_flops=case.source_flops,
        error_reduction=error_reduction(_correct(case.arm), _correct(case.against)),
        fresh_arm=case.fresh[0],
        negative_transfer_pp=_negative_transfer(case),
        balanced_gain_pp=_metric_gain(case, "balanced_accuracy", 100.0),
        nll_gain=_metric_gain(case, "nll", -1.0),
        brier_gain=_metric_gain(case, "brier", -1.0),
        ece_gain=_metric_gain(case, "ece", -1.0),
        gap_pp=_gap(case.arm),
        control_gap_pp=_gap(case.against),
        **speed(case),
    )


def _correct(records: Iterable[Record]) -> np.ndarray:
    return np.stack([record.correct for record in records])


def _labels(case: Case) -> Estimate:
    """The control's curve over the seeds that all of its sizes and the arm have."""
    seeds = [s for s in case.seeds if all(s in by_seed for by_seed in case.sizes)]
    if not seeds:
        return withheld("no seed has the control at every size")
    arm = _correct(record for record in case.arm if record.trial.seed in seeds)
    return labels_matched(
        arm,
        [
            ControlPoint(
                num_images=by_seed[seeds[0]].trial.num_images,
                correct=_correct(by_seed[seed] for seed in seeds),
            )
            for by_seed in case.sizes
        ],
    )


def _scaled(found: Estimate, factor: float) -> Estimate:
    ends = (found.value, found.low, found.high, found.at_least, found.at_most)
    value, low, high, least, most = (end if end is None else factor * end for end in ends)
    return Estimate(value=value, low=low, high=high, at_least=least, at_most=most, why=found.why)


def _negative_transfer(case: Case) -> Estimate:
    by_seed = case.fresh[1]
    own = {record.trial.seed: record for record in case.arm}
    seeds = [seed for seed in own if seed in by_seed]
    if not seeds:
        return withheld("no arm of the study is the same strategy from fresh weights")
    return gain_pp(_correct(by_seed[s] for s in seeds), _correct(own[s] for s in seeds))


def _metric_gain(case: Case, name: str, scale: float) -> Estimate:
    """The arm's metric minus the control's, seed by seed."""
    own, other = (
        [_metric(record, name) for record in records] for records in (case.arm, case.against)
    )
    return over_seeds([one - two for one, two in zip(own, other, strict=True)], scale)


def _metric(record: Record, name: str) -> float:
    value = (record.metrics or {}).get(name)
    return float("nan") if value is None else float(value)


def _gap(records: tuple[Record, ...]) -> Estimate:
    return over_seeds(
        [
            record.fit["accuracy"] - record.metrics["accuracy"]
            if record.fit and record.metrics
            else None
            for record in records
        ],
        100.0,
    )


def _without_numbers(told: Benefit, reason: str) -> Benefit:
    """The same line with every estimate withheld, where the verdict is."""
    gone = withheld(f"withheld: {reason}")
    estimates = [f.name for f in fields(told) if isinstance(getattr(told, f.name), Estimate)]
    changes: dict[str, Any] = dict.fromkeys(estimates, gone)
    return replace(told, **changes)
