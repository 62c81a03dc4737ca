"""Estimates from one value a seed, or from the answers of seeds to images."""

from collections.abc import Sequence

import numpy as np

from headstart.analyse.analysis import Estimate
from headstart.analyse.multiplicity import NOMINAL
from headstart.analyse.statistics import Crossed, CrossedLine, crossed, t_half_width
from headstart.analyse.verdict import FEWEST_SEEDS

FEW = f"no interval: fewer than {FEWEST_SEEDS} seeds"


def withheld(why: str) -> Estimate:
    """No number, and the reason."""
    return Estimate(value=None, why=why)


def over_seeds(values: Sequence[float | None], scale: float = 1.0) -> Estimate:
    """The mean of one value a seed, with its t interval over seeds."""
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    if not len(found) or not np.isfinite(found).all():
        return withheld("not measured, or not finite, in every seed")
    mean = scale * float(found.mean())
    if len(found) < FEWEST_SEEDS:
        return Estimate(value=mean, why=FEW)
    half = abs(scale) * t_half_width(found, 1 - NOMINAL)
    return Estimate(value=mean, low=mean - half, high=mean + half)


def surplus(arm: Sequence[float], control: Sequence[float]) -> Estimate:
    """How much more the arm's mean is, as a share of the control's; one value a seed, paired.

    The interval is the delta method's with t over seeds.
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
    """The difference of two tables of right answers (seeds, images), in percentage points."""
    differences = arm.astype(np.int8) - control.astype(np.int8)
    mean = 100 * float(differences.mean())
    if not differences.any():
        return Estimate(value=0.0, why="no answer differs")
    if len(differences) < FEWEST_SEEDS:
        return Estimate(value=mean, why=FEW)
    low, high = (100 * end for end in crossed(differences).interval(1 - NOMINAL))
    return Estimate(value=mean, low=low, high=high)


def error_reduction(arm: np.ndarray, control: np.ndarray) -> Estimate:
    """The share of the control's errors that is gone: (e_C - e_T) / e_C.

    Tables of right answers (seeds, images). The interval is the delta method's: that of
    e_T - r e_C, with r the ratio of errors found, over seeds and images, divided by e_C.
    """
    wrong, wrong_before = ~arm, ~control
    errors = float(wrong_before.mean())
    if errors == 0:
        return withheld("the control makes no error")
    ratio = float(wrong.mean()) / errors
    if len(arm) < FEWEST_SEEDS:
        return Estimate(value=1 - ratio, why=FEW)
    found = CrossedLine(wrong.astype(np.int8), -wrong_before.astype(np.int8)).at(ratio)
    half = half_width(found) / errors
    return Estimate(value=1 - ratio, low=1 - ratio - half, high=1 - ratio + half)


def half_width(found: Crossed) -> float:
    """Half the crossed interval."""
    low, high = found.interval(1 - NOMINAL)
    return (high - low) / 2
