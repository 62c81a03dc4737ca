"""Data multiplier: number of labels with which the control does as well (docs/tables.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import numpy as np

from headstart.analyse.analysis import FEWEST_SEEDS, Estimate
from headstart.analyse.benefit.estimates import half_width, withheld
from headstart.analyse.repeated import RepeatedLine, line_of, mean_of
from headstart.analyse.statistics import CrossedLine

_GRID = np.linspace(0, 1, 17)  # between two sizes, to search for a change of sign
_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """Control at one size: labelled images, and its scores (seeds, images)."""

    num_images: int
    scores: np.ndarray


def labels_matched(
    arm: np.ndarray, control: Sequence[ControlPoint], tested: np.ndarray | None = None
) -> Estimate:
    """Number of labels with which the control does as well as the arm.

    The value is the smallest number at which the control's means, made monotone and interpolated in
    log n, reach the arm's. The interval is the set of numbers whose crossed interval of the
    difference contains 0, with the control's answers interpolated between neighbouring sizes, seed
    by seed and image by image.

    Args:
        arm: scores (seeds, images).
        control: the control at each size, the same seeds and images.
        tested: which images each seed was tested on (seeds, images); None: all seeds on all.
    """
    by_number = {point.num_images: point for point in reversed(control)}
    points = [by_number[number] for number in sorted(by_number)]
    if len(points) < 2:
        return withheld("one size only: there is no curve of the control to read it off")
    numbers = [point.num_images for point in points]
    value, beyond = number_for(
        mean_of(arm, tested), numbers, [mean_of(point.scores, tested) for point in points]
    )
    low: float | None = None
    high: float | None = None
    if len(arm) < FEWEST_SEEDS:
        reasons = [f"no interval: fewer than {FEWEST_SEEDS} seeds"]
    elif arm.shape[1] < 2:
        reasons = ["no interval: one test image only"]
    else:
        low, high, reasons = _interval(arm, points, tested)
    if beyond:
        reasons.insert(0, f"beyond the sizes of the study: the control never does as {beyond}")
    return Estimate(
        value=value,
        low=low,
        high=high,
        at_least=float(numbers[-1]) if beyond == "well" else None,
        at_most=float(numbers[0]) if beyond == "badly" else None,
        why="; ".join(reasons),
    )


def number_for(
    score: float, numbers: Sequence[int], means: Sequence[float]
) -> tuple[float | None, str]:
    """Smallest number of labels at which monotone means reach a score.

    Returns None and `well` where they never do, None and `badly` where all are above it.
    """
    fitted = monotone(means)
    reached = next((at for at, mean in enumerate(fitted) if mean >= score), None)
    if reached is None:
        return None, "well"
    if reached == 0:
        return (float(numbers[0]), "") if fitted[0] == score else (None, "badly")
    below, above = fitted[reached - 1], fitted[reached]
    share = (score - below) / (above - below)
    first, second = log(numbers[reached - 1]), log(numbers[reached])
    return exp(first + share * (second - first)), ""


def monotone(values: Sequence[float]) -> list[float]:
    """Nearest values (least squares) that never fall: neighbours that do are pooled."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, some), (other, more) = blocks[-2:]
            blocks[-2:] = [((one * some + other * more) / (some + more), some + more)]
    return [value for value, count in blocks for _ in range(count)]


def _interval(
    arm: np.ndarray, points: Sequence[ControlPoint], tested: np.ndarray | None
) -> tuple[float, float | None, list[str]]:
    """Both ends of the interval, and notes on them.

    An end beyond the sizes of the study is open: 0 below, None above.
    """
    inside: list[float] = []
    ends = [False, False]
    for number, (first, second) in enumerate(pairwise(points)):
        line = line_of(arm - first.scores, first.scores - second.scores, tested)
        ends_inside = _zero_set(line)
        start, length = log(first.num_images), log(second.num_images) - log(first.num_images)
        inside += [start + length * share for share in ends_inside]
        ends[0] |= number == 0 and 0.0 in ends_inside
        ends[1] |= number == len(points) - 2 and 1.0 in ends_inside
    smallest, largest = points[0].num_images, points[-1].num_images
    if not inside:
        above = mean_of(arm, tested) > mean_of(points[-1].scores, tested)
        reasons = [f"so is its whole interval, {'above' if above else 'below'} them"]
        return (largest, None, reasons) if above else (0.0, smallest, reasons)
    reasons = []
    if ends[0]:
        reasons.append(f"the interval reaches below {smallest:,}")
    if ends[1]:
        reasons.append(f"the interval reaches above {largest:,}")
    return 0.0 if ends[0] else exp(min(inside)), None if ends[1] else exp(max(inside)), reasons


def _zero_set(line: CrossedLine | RepeatedLine) -> list[float]:
    """Ends of the stretches of 0 to 1 on which the interval of the difference contains 0."""

    def excess(share: float) -> float:
        difference = line.at(share)
        return abs(difference.mean) - half_width(difference)

    shares = {*_GRID.tolist()}
    slope = line.at(1).mean - line.at(0).mean
    if slope:  # the zero of the difference itself, however narrow the interval is there
        shares.add(min(max(-line.at(0).mean / slope, 0.0), 1.0))
    contains = [(share, excess(share) <= 0) for share in sorted(shares)]
    ends = [share for share, holds in (contains[0], contains[-1]) if holds]
    for (one, holds), (other, other_holds) in pairwise(contains):
        if holds != other_holds:
            inside, outside = (one, other) if holds else (other, one)
            for _ in range(_HALVINGS):
                middle = (inside + outside) / 2
                inside, outside = (middle, outside) if excess(middle) <= 0 else (inside, middle)
            ends.append(inside)
    return ends
