"""What validation curves tell: how soon, how much sooner, how much in all (docs/tables.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.analyse.records import Record

SHARE_OF_RISE = 0.95


@dataclass(frozen=True, slots=True)
class Rise:
    """Validation accuracy over the updates of one trial, from chance before the first update.

    A fresh head is at chance whatever it sits on.
    """

    updates: np.ndarray
    accuracy: np.ndarray


def rise_of(record: Record, chance: float) -> Rise | None:
    """The curve of a trial; None where validation was not measured."""
    points = [point for row in record.train_rows for point in row.result["curve"]]
    if not points or any(point[3] is None for point in points):
        return None
    return Rise(
        updates=np.array([0, *(point[0] for point in points)], np.float64),
        accuracy=np.array([chance, *(point[3] for point in points)], np.float64),
    )


def threshold_of(final: float, chance: float) -> float:
    """Chance and 95 % of what the control finally gains over it."""
    return chance + SHARE_OF_RISE * (final - chance)


def time_to(times: np.ndarray, accuracy: np.ndarray, threshold: float) -> float:
    """The first interpolated time at which the best accuracy so far is at the threshold, or inf."""
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
    """The area above chance under a curve, by the trapezoid rule."""
    return float(np.trapezoid(accuracy - chance, times))


def flops_until(record: Record, update: float) -> float:
    """Operations up to an update: each phase's start in full, its updates in proportion."""
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
