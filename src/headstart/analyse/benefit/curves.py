"""Measures of a validation curve: time to a threshold, area above chance (docs/tables.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.records import Record

SHARE_OF_RISE = 0.95


@dataclass(frozen=True, slots=True)
class ValidationCurve:
    """Validation accuracy over the updates of one trial, starting from chance.

    A fresh head is at chance, whatever the trunk.
    """

    updates: np.ndarray
    accuracy: np.ndarray


def validation_curve(record: Record, chance: float) -> ValidationCurve | None:
    """Validation curve of a trial; None where validation was not measured."""
    points = record.curve
    if not points or any(point[3] is None for point in points):
        return None
    return ValidationCurve(
        updates=np.array([0, *(point[0] for point in points)], np.float64),
        accuracy=np.array([chance, *(point[3] for point in points)], np.float64),
    )


def threshold_of(final: float, chance: float) -> float:
    """Chance plus 95 % of the control's final gain over it."""
    return chance + SHARE_OF_RISE * (final - chance)


def time_to(times: np.ndarray, accuracy: np.ndarray, threshold: float) -> float:
    """First interpolated time at which the running maximum reaches the threshold, or inf."""
    best = np.maximum.accumulate(accuracy)
    reached = np.flatnonzero(best >= threshold)
    if not len(reached):
        return float("inf")
    at = int(reached[0])
    if at == 0:
        return float(times[0])
    share = (threshold - best[at - 1]) / (best[at] - best[at - 1])
    return float(times[at - 1] + share * (times[at] - times[at - 1]))


def area_above(times: np.ndarray, accuracy: np.ndarray, chance: float) -> float:
    """Area above chance under a curve, by the trapezoid rule."""
    return float(np.trapezoid(accuracy - chance, times))


def flops_until(record: Record, update: float) -> float:
    """Operations up to an update: the fixed cost of each phase, its updates in proportion."""
    return _until(record, update, [(step.once, step.flops - step.once) for step in record.steps])


def seconds_until(record: Record, update: float) -> float:
    """Seconds of updates up to an update."""
    return _until(record, update, [(0.0, row.result["seconds"]) for row in record.train_rows])


def _until(record: Record, update: float, costs: Sequence[tuple[float, float]]) -> float:
    if not np.isfinite(update):
        return float("inf")
    total, done = 0.0, 0
    for step, (once, rest) in zip(record.steps, costs, strict=True):
        if update > done:
            total += once + rest * min((update - done) / step.updates, 1.0)
        done += step.updates
    return total
