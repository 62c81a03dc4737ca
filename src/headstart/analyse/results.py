"""Results of arms and source runs: means over seeds and learning curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from headstart.analyse.analysis import ArmResult, Curve
from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.evidence import Tested
from headstart.analyse.records import Record, Records
from headstart.plan.preference import mean_accuracy
from headstart.plan.steps import Trial
from headstart.study.arms import ArmSpec
from headstart.study.study import StudySpec


def by_cell(trials: tuple[Trial, ...]) -> dict[Cell, list[Trial]]:
    """Planned trials by cell."""
    planned: dict[Cell, list[Trial]] = {}
    for trial in trials:
        planned.setdefault(cell_of(trial), []).append(trial)
    return planned


def results_of(
    study: StudySpec, planned: dict[Cell, list[Trial]], records: Records
) -> tuple[ArmResult, ...]:
    """Result of every planned cell with a finished trial."""
    swept = {arm.name: arm for arm in study.all_arms}
    return tuple(
        _arm_result(trials, records[cell], swept.get(cell[3]))
        for cell, trials in planned.items()
        if records[cell]
    )


def _arm_result(trials: list[Trial], by_seed: dict[int, Record], arm: ArmSpec | None) -> ArmResult:
    records = [by_seed[trial.seed] for trial in trials if trial.seed in by_seed]
    first = records[0].trial
    scores = [record.score for record in records if record.score is not None]
    return ArmResult(
        arm=first.arm,
        size=first.size,
        num_images=first.num_images,
        source=first.source,
        target=first.target,
        seeds=tuple(record.trial.seed for record in records),
        **spread_of(scores),
        validation_mean=mean_accuracy(
            record.checkpoint.get("validation_accuracy") for record in records
        ),
        trainable_parameters=first.trainable_parameters,
        total_parameters=first.total_parameters,
        updates=first.updates,
        seconds=float(np.mean([record.seconds for record in records])),
        flops=round(np.mean([record.flops for record in records])),
        curves=tuple(_curve(record) for record in records),
        missing=tuple(trial.seed for trial in trials if trial.seed not in by_seed),
        family=arm.family if arm else "",
        cut=arm.cut if arm else "",
        **_metric_means(records),
    )


def spread_of(scores: Sequence[float]) -> dict[str, Any]:
    """Scores of the seeds of an arm, with mean, standard deviation and range."""
    return {
        "test_accuracy": tuple(scores),
        "mean": float(np.mean(scores)) if scores else None,
        "sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "lowest": min(scores, default=None),
        "highest": max(scores, default=None),
    }


def _metric_means(records: list[Record]) -> dict[str, Any]:
    fits = [record.fit["accuracy"] if record.fit else None for record in records]
    return {**metric_means(records), "train_mean": mean_of_all(fits)}


def metric_means(records: Sequence[Tested]) -> dict[str, Any]:
    """Means of each metric over seeds, None where a seed has none."""
    return {
        name: mean_of_all([record.metrics[name] if record.metrics else None for record in records])
        for name in ("accuracy", "balanced_accuracy", "nll", "brier", "ece")
    }


def mean_of_all(column: Sequence[float | None]) -> float | None:
    """Mean of one value for each seed; None where a seed has none."""
    values = [value for value in column if value is not None]
    return float(np.mean(values)) if values and len(values) == len(column) else None


def _curve(record: Record) -> Curve:
    # Values that were not finite are stored as null.
    updates, train_loss, loss, accuracy, train_accuracy = list(zip(*record.curve, strict=True)) or (
        (),
        (),
        (),
        (),
        (),
    )
    return Curve(
        seed=record.trial.seed,
        updates=tuple(int(update) for update in updates),
        train_loss=tuple(train_loss),
        validation_loss=tuple(loss),
        validation_accuracy=tuple(accuracy),
        train_accuracy=tuple(train_accuracy),
        checkpoint=record.checkpoint.get("update", record.trial.updates),
    )
