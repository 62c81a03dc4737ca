"""Benefit of every transfer arm at each size of each pair, from the records of trials."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from headstart.analyse.analysis import Benefit, Estimate
from headstart.analyse.benefit.context import BenefitContext
from headstart.analyse.benefit.estimates import error_reduction, gain_pp, over_seeds, withheld
from headstart.analyse.benefit.labels import ControlPoint, labels_matched
from headstart.analyse.benefit.speed import speed
from headstart.analyse.cells import Cell, beside
from headstart.analyse.records import Record, Records
from headstart.analyse.repeated import tabled
from headstart.study.arms import ArmSpec
from headstart.study.facts import Facts
from headstart.study.part_counts import task_counts
from headstart.study.study import StudySpec
from headstart.study.tasks import TaskSpec


def benefits_of(
    study: StudySpec,
    facts: Facts,
    records: Records,
    source_flops: dict[str, int],
    withheld_cells: dict[Cell, str],
) -> tuple[Benefit, ...]:
    """Benefit of every transfer arm with a common seed with the control, in the study's order.

    `source_flops` are the operations of a source run, by source task.
    """
    benefits = []
    for cell in records:
        context = _context(study, facts, records, source_flops, cell)
        if context is None:
            continue
        reason = withheld_cells.get(cell) or withheld_cells.get(beside(cell, study.control))
        benefit = _benefit(context)
        benefits.append(_without_numbers(benefit, reason) if reason else benefit)
    return tuple(benefits)


def _context(
    study: StudySpec, facts: Facts, records: Records, source_flops: dict[str, int], cell: Cell
) -> BenefitContext | None:
    arm = study.arm(cell[3])
    control = records.get(beside(cell, study.control), {})
    seeds = [seed for seed in study.seeds if seed in records[cell] and seed in control]
    if not arm.transfers or arm.name == study.control or not seeds:
        return None
    if min(len(control[seed].labels) for seed in seeds) < 2:  # test images leaked: a gate says so
        return None
    task = study.tasks[cell[1]]
    groups = task.groups(facts.of(task).classes).values()
    fresh = _fresh_twin(study, arm)
    return BenefitContext(
        cell=cell,
        control_name=study.control,
        arm=tuple(records[cell][seed] for seed in seeds),
        control=tuple(control[seed] for seed in seeds),
        sizes=tuple(
            by_seed
            for other, by_seed in records.items()
            if (other[0], other[1], other[3]) == (*cell[:2], study.control)
        ),
        fresh=(fresh, records.get(beside(cell, fresh), {})),
        chance=1 / sum(1 for group in groups if group),
        source_flops=source_flops.get(cell[0], 0),
        overlap=_overlap(task, facts),
    )


def _overlap(task: TaskSpec, facts: Facts) -> float:
    """Test images of a seed for each training image, where seeds split the same images anew."""
    if not task.split.repeats:
        return 0.0
    images = sum(task_counts(task, facts.of(task)))
    return task.split.num_test_cut(images) / task.split.num_left(images)


def _fresh_twin(study: StudySpec, arm: ArmSpec) -> str:
    """Arm that differs only by its fresh start; empty without one."""
    alike = (arm.strategy, arm.frozen, arm.training, arm.size, arm.compute_of)
    for other in study.all_arms:
        own = (other.strategy, other.frozen, other.training, other.size, other.compute_of)
        if not other.origins and own == alike:
            return other.name
    return ""


def _benefit(context: BenefitContext) -> Benefit:
    source, target, size, arm = context.cell
    num_images = context.arm[0].trial.num_images
    labels = _labels(context)
    errors, tested = _errors(context.arm)
    control_errors, _ = _errors(context.control)
    return Benefit(
        arm=arm,
        control=context.control_name,
        size=size,
        num_images=num_images,
        source=source,
        target=target,
        seeds=context.seeds,
        labels=labels,
        multiplier=_scaled(labels, 1 / num_images),
        source_flops=context.source_flops,
        error_reduction=error_reduction(errors, control_errors, tested),
        fresh_arm=context.fresh[0],
        negative_transfer_pp=_negative_transfer(context),
        balanced_gain_pp=_metric_gain(context, "balanced_accuracy", 100.0, 100.0),
        nll_gain=_metric_gain(context, "nll", -1.0),
        brier_gain=_metric_gain(context, "brier", -1.0, 2.0),
        ece_gain=_metric_gain(context, "ece", -1.0, 1.0),
        gap_pp=_gap(context.arm, context.overlap),
        control_gap_pp=_gap(context.control, context.overlap),
        **speed(context),
    )


def _scores(records: Iterable[Record]) -> tuple[np.ndarray, np.ndarray | None]:
    """Scores (seeds, images), and which images each seed was tested on."""
    rows = [(record.scores, record.images) for record in records]
    return tabled([scores for scores, _ in rows], [images for _, images in rows])


def _errors(records: Iterable[Record]) -> tuple[np.ndarray, np.ndarray | None]:
    """Errors (seeds, images), and which images each seed was tested on."""
    rows = [(record.errors, record.images) for record in records]
    return tabled([errors for errors, _ in rows], [images for _, images in rows])


def _labels(context: BenefitContext) -> Estimate:
    """Matched labels, over the seeds that the arm and all sizes of the control have."""
    seeds = [s for s in context.seeds if all(s in by_seed for by_seed in context.sizes)]
    if not seeds:
        return withheld("no seed has the control at every size")
    arm, tested = _scores(record for record in context.arm if record.trial.seed in seeds)
    return labels_matched(
        arm,
        [
            ControlPoint(
                num_images=by_seed[seeds[0]].trial.num_images,
                scores=_scores(by_seed[seed] for seed in seeds)[0],
            )
            for by_seed in context.sizes
        ],
        tested,
    )


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    changes: dict[str, Any] = {}
    for name in ("value", "low", "high", "at_least", "at_most"):
        number = getattr(estimate, name)
        changes[name] = None if number is None else factor * number
    return replace(estimate, **changes)


def _negative_transfer(context: BenefitContext) -> Estimate:
    by_seed = context.fresh[1]
    own = {record.trial.seed: record for record in context.arm}
    seeds = [seed for seed in own if seed in by_seed]
    if not seeds:
        return withheld("no arm of the study is the same strategy from fresh weights")
    fresh, tested = _scores(by_seed[seed] for seed in seeds)
    return gain_pp(fresh, _scores(own[seed] for seed in seeds)[0], tested)


def _metric_gain(
    context: BenefitContext, name: str, scale: float, most: float | None = None
) -> Estimate:
    """Metric of the arm minus that of the control, seed by seed; `most` is how much it can be."""
    own, control = (
        [_metric(record, name) for record in records] for records in (context.arm, context.control)
    )
    return over_seeds(_differences(own, control), scale, most, overlap=context.overlap)


def _metric(record: Record, name: str) -> float | None:
    value = (record.metrics or {}).get(name)
    return None if value is None else float(value)


def _differences(own: Iterable[float | None], other: Iterable[float | None]) -> list[float | None]:
    return [
        None if one is None or two is None else one - two
        for one, two in zip(own, other, strict=True)
    ]


def _gap(records: tuple[Record, ...], overlap: float) -> Estimate:
    fits = [record.fit["accuracy"] if record.fit else None for record in records]
    gaps = _differences(fits, [record.score for record in records])
    return over_seeds(gaps, 100.0, 100.0, overlap=overlap)


def _without_numbers(benefit: Benefit, reason: str) -> Benefit:
    """Benefit with every estimate withheld, where the verdict is."""
    gone = withheld(f"withheld: {reason}")
    estimates = [f.name for f in fields(benefit) if isinstance(getattr(benefit, f.name), Estimate)]
    changes: dict[str, Any] = dict.fromkeys(estimates, gone)
    return replace(benefit, **changes)
