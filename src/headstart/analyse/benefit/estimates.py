"""Estimates from one value for each seed, or from the answers of seeds to images."""

from collections.abc import Sequence

import numpy as np

from headstart.analyse.analysis import Estimate
from headstart.analyse.multiplicity import NOMINAL
from headstart.analyse.statistics import Crossed, CrossedLine, crossed, t_half_width
from headstart.analyse.verdict import FEWEST_SEEDS

FEW = f"no interval: fewer than {FEWEST_SEEDS} seeds"


def withheld(why: str) -> Estimate:
    """Estimate without a number, with the reason."""
    return Estimate(value=None, why=why)


def over_seeds(values: Sequence[float | None], scale: float = 1.0) -> Estimate:
    """Mean of one value for each seed, with its t interval over seeds."""
    array = np.array([np.nan if value is None else value for value in values], np.float64)
    if not len(array) or not np.isfinite(array).all():
        return withheld("not measured, or not finite, in every seed")
    mean = scale * float(array.mean())
    if len(array) < FEWEST_SEEDS:
        return Estimate(value=mean, why=FEW)
    half = abs(scale) * t_half_width(array, 1 - NOMINAL)
    return Estimate(value=mean, low=mean - half, high=mean + half)


def surplus(arm: Sequence[float], control: Sequence[float]) -> Estimate:
    """Surplus of the arm's mean as a share of the control's; paired values, one for each seed.

    The interval is that of the delta method, with t over seeds.
    """
    own, other = np.array(arm), np.array(control)
    if other.mean() <= 0:
        return withheld("the control does not rise above chance")
    ratio = float(own.mean() / other.mean())
    if len(own) < FEWEST_SEEDS:
        return Estimate(value=ratio - 1, why=FEW)
    half = t_half_width(own - ratio * other, 1 - NOMINAL) / float(other.mean())
    return Estimate(value=ratio - 1, low=ratio - 1 - half, high=ratio - 1 + half)


def gain_pp(arm: np.ndarray, control: np.ndarray) -> Estimate:
    """Difference of two tables of right answers (seeds, images), in percentage points."""
    differences = arm.astype(np.int8) - control.astype(np.int8)
    mean = 100 * float(differences.mean())
    if not differences.any():
        return Estimate(value=0.0, why="no answer differs")
    if len(differences) < FEWEST_SEEDS:
        return Estimate(value=mean, why=FEW)
    low, high = (100 * end for end in crossed(differences).interval(1 - NOMINAL))
    return Estimate(value=mean, low=low, high=high)


def error_reduction(arm: np.ndarray, control: np.ndarray) -> Estimate:
    """Share of the control's errors removed: (e_C - e_T) / e_C.

    Tables of right answers (seeds, images). The interval is that of the delta method: that of
    e_T - r e_C, with r the ratio of errors found, over seeds and images, divided by e_C.
    """
    wrong, control_wrong = ~arm, ~control
    errors = float(control_wrong.mean())
    if errors == 0:
        return withheld("the control makes no error")
    ratio = float(wrong.mean()) / errors
    if len(arm) < FEWEST_SEEDS:
        return Estimate(value=1 - ratio, why=FEW)
    difference = CrossedLine(wrong.astype(np.int8), -control_wrong.astype(np.int8)).at(ratio)
    half = half_width(difference) / errors
    return Estimate(value=1 - ratio, low=1 - ratio - half, high=1 - ratio + half)


def half_width(difference: Crossed) -> float:
    """Half the width of the crossed 95 % interval."""
    low, high = difference.interval(1 - NOMINAL)
    return (high - low) / 2
