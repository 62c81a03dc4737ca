"""From an interval to one of the words, never stronger than the interval (SCIENCE.md 5.4)."""

from dataclasses import dataclass

from headstart.analyse.analysis import Word
from headstart.analyse.statistics import Crossed

CONFIDENCE = 0.95
FEWEST_SEEDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with its reason, and what more data could do where evidence is short."""

    word: Word
    why: str
    detectable_pp: float | None = None
    seeds_needed: int | None = None


def judge(found: Crossed, margin_pp: float) -> Judged:
    """The verdict for a difference in accuracy, with a fixed number of seeds.

    The two-sided interval decides between helps and hurts; the interval at twice the level, inside
    the margin, shows that there is no difference that matters (two one-sided tests).
    """
    low, high = (100 * end for end in found.interval(CONFIDENCE))
    inner = tuple(100 * end for end in found.interval(2 * CONFIDENCE - 1))
    small = -margin_pp < inner[0] and inner[1] < margin_pp
    told = f"gain {signed(100 * found.mean)} pp, {span(low, high)}"
    if found.num_seeds < FEWEST_SEEDS:
        told = f"{told}; {found.num_seeds} seeds are too few for a verdict"
        return _short(found, told, margin_pp)
    if low > 0:
        return Judged(word="helps", why=f"{told}: {_beyond(low, small, margin_pp)}")
    if high < 0:
        return Judged(word="hurts", why=f"{told}: {_beyond(-high, small, margin_pp)}")
    if small:
        return Judged(
            word="no measurable difference",
            why=f"{told}; less than {margin_pp:g} pp either way "
            f"(90 % interval {signed(inner[0])} to {signed(inner[1])})",
        )
    return _short(found, f"{told}, which holds 0", margin_pp)


def too_few(num_seeds: int, gain_pp: float) -> Judged:
    """The verdict where there is no interval at all."""
    seeds = f"{num_seeds} seed{'s' if num_seeds != 1 else ''}"
    return Judged(
        word="not enough evidence",
        why=f"gain {signed(gain_pp)} pp from {seeds}: no interval; five seeds are the least",
    )


def signed(number: float) -> str:
    """A number with its sign and two decimals, and no minus before zero."""
    return f"{round(number, 2) + 0.0:+.2f}"


def span(low_pp: float, high_pp: float) -> str:
    """An interval in words."""
    return f"95 % interval {signed(low_pp)} to {signed(high_pp)}"


def _beyond(nearest_to_zero: float, small: bool, margin_pp: float) -> str:
    if nearest_to_zero > margin_pp:
        return f"beyond the margin of {margin_pp:g} pp"
    if small:
        return f"clear of 0, but smaller than the margin of {margin_pp:g} pp"
    return f"clear of 0, not clear of the margin of {margin_pp:g} pp"


def _short(found: Crossed, told: str, margin_pp: float) -> Judged:
    detectable = 100 * found.detectable(CONFIDENCE)
    effect = max(abs(100 * found.mean), margin_pp)
    needed = found.seeds_needed(effect / 100, CONFIDENCE)
    more = (
        f"about {needed} seeds would show {effect:.2f} pp"
        if needed
        else f"more seeds alone would not show {effect:.2f} pp: more test images are needed"
    )
    return Judged(
        word="not enough evidence",
        why=f"{told}; a gain of {detectable:.2f} pp or more could have been seen; {more}",
        detectable_pp=detectable,
        seeds_needed=needed,
    )
