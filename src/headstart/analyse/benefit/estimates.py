"""Estimates from one value for each seed, or from the answers of seeds to images."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from headstart.analyse.analysis import FEWEST_SEEDS, Estimate
from headstart.analyse.multiplicity import NOMINAL
from headstart.analyse.repeated import crossed_of, line_of, mean_of
from headstart.analyse.statistics import Crossed, t_half_width

FEW = f"no interval: fewer than {FEWEST_SEEDS} seeds"
NO_IMAGE = "no test image is left"


def withheld(why: str) -> Estimate:
    """Estimate without a number, with the reason."""
    return Estimate(value=None, why=why)


def over_seeds(
    values: Sequence[float | None],
    scale: float = 1.0,
    most: float | None = None,
    *,
    overlap: float = 0.0,
) -> Estimate:
    """Mean of one value for each seed, with its t interval over seeds.

    Args:
        values: one for each seed; None where it was not measured.
        scale: what mean and interval are multiplied by.
        most: largest size that the scaled mean can have; the interval ends there.
        overlap: that of the seeds' splits (`statistics.t_half_width`).
    """
    known = [value for value in values if value is not None and isfinite(value)]
    if not known or len(known) < len(values):
        return withheld("not measured, or not finite, in every seed")
    array = np.array(known, np.float64)
    mean = scale * float(array.mean())
    if len(array) < FEWEST_SEEDS:
        return Estimate(value=mean, why=FEW)
    half = abs(scale) * t_half_width(array, 1 - NOMINAL, overlap)
    low, high = mean - half, mean + half
    if most is not None:
        low, high = max(low, -most), min(high, most)
    return Estimate(value=mean, low=low, high=high)


def surplus(arm: Sequence[float], control: Sequence[float], *, overlap: float = 0.0) -> Estimate:
    """Surplus of the arm's mean as a share of the control's; paired values, one for each seed.

    The interval is that of the delta method, with t over seeds; `overlap` as in `over_seeds`.
    """
    own, other = np.array(arm), np.array(control)
    if other.mean() <= 0:
        return withheld("the control does not rise above chance")
    ratio = float(own.mean() / other.mean())
    if len(own) < FEWEST_SEEDS:
        return Estimate(value=ratio - 1, why=FEW)
    half = t_half_width(own - ratio * other, 1 - NOMINAL, overlap) / float(other.mean())
    return Estimate(value=ratio - 1, low=ratio - 1 - half, high=ratio - 1 + half)


def gain_pp(arm: np.ndarray, control: np.ndarray, tested: np.ndarray | None = None) -> Estimate:
    """Difference of two tables of scores (seeds, images), in percentage points.

    `tested` says which images each seed was tested on, None where all seeds have the same.
    """
    differences = arm - control
    if differences.shape[1] == 0:
        return withheld(NO_IMAGE)
    mean = 100 * mean_of(differences, tested)
    if not differences.any():
        return Estimate(value=0.0, why="no answer differs")
    if few := _too_few(differences, tested):
        return Estimate(value=mean, why=few)
    low, high = (100 * end for end in crossed_of(differences, tested).interval(1 - NOMINAL))
    return Estimate(value=mean, low=low, high=high)


def error_reduction(
    errors: np.ndarray, control_errors: np.ndarray, tested: np.ndarray | None = None
) -> Estimate:
    """Share of the control's errors removed: (e_C - e_T) / e_C, at most 1.


    Tables of errors (seeds, images), `tested` as in `gain_pp`. The interval is that of the delta
    method: that of e_T - r e_C, with r the ratio of errors found, over seeds and images, divided
    by e_C.
    """
    if control_errors.shape[1] == 0:
        return withheld(NO_IMAGE)
    mean = mean_of(control_errors, tested)
    if mean == 0:
        return withheld("the control makes no error")
    ratio = mean_of(errors, tested) / mean
    if few := _too_few(errors, tested):
        return Estimate(value=1 - ratio, why=few)
    half = half_width(line_of(errors, -control_errors, tested).at(ratio)) / mean
    return Estimate(value=1 - ratio, low=1 - ratio - half, high=min(1 - ratio + half, 1.0))


def half_width(difference: Crossed) -> float:
    """Half the width of the crossed 95 % interval."""
    low, high = difference.interval(1 - NOMINAL)
    return (high - low) / 2


def _too_few(table: np.ndarray, tested: np.ndarray | None) -> str:
    """Why a table (seeds, images) is too small for an interval; empty where it is not."""
    if len(table) < FEWEST_SEEDS:
        return FEW
    images = table.shape[1] if tested is None else int(tested.sum(1).min())
    return "" if images > 1 else "no interval: one test image only"
