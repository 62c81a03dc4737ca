"""How sure a verdict is, as a reader says it: which interval is adjusted, p-values, bounds."""

import math
from collections.abc import Sequence

from headstart.analyse.analysis import MOST_PP, Attribution, Comparison, Estimate, Word
from headstart.analyse.text import per_cent
from headstart.report.text import NOTHING, points

_BESIDE: dict[Word, str] = {
    "helps": "better",
    "hurts": "worse",
    "no measurable difference": "as good",
    "not enough evidence": "not enough evidence",
    "invalid": "withheld",
}


def beside(attribution: Attribution) -> str:
    """What an arm is beside a control: whether transfer helps is not asked there."""
    return _BESIDE[attribution.verdict]


def adjustment(comparison: Comparison) -> str:
    """The level of the interval that the verdict is read from, and whether it is adjusted.

    Empty without an interval.
    """
    if comparison.low_pp is None:
        return ""
    level = per_cent(comparison.confidence)
    return f"{level}, adjusted" if comparison.in_family else f"{level}, not adjusted"


def verdict_note(comparison: Comparison) -> str:
    """The shortest that a verdict must not stand without; the whole reason is `why`."""
    c = comparison
    if c.verdict == "not enough evidence" and c.detectable_pp is not None:
        least = f"{c.detectable_pp:.1f} pp or more" if c.detectable_pp <= MOST_PP else "no gain"
        note = f"{least} could have been seen"
        more = f"; about {c.seeds_needed:,} seeds might decide" if c.seeds_needed else ""
        return note + more
    if c.verdict == "invalid" or c.low_pp is None:
        return c.why
    return c.qualifier


def plain_interval(comparison: Comparison, decimals: int = 1) -> str:
    """The plain 95 % interval in brackets, adjusted for nothing; a dash without one."""
    return bracketed(comparison.low95_pp, comparison.high95_pp, decimals)


def bracketed(low: float | None, high: float | None, decimals: int = 1) -> str:
    """Two ends in brackets; a dash where either is not there."""
    if low is None or high is None:
        return NOTHING
    return f"[{points(low, decimals)}, {points(high, decimals)}]"


def p_value(value: float | None) -> str:
    """A p-value as papers print it: 0.043, or < 0.001."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return "< 0.001" if value < 0.0005 else f"{value:.3f}"


def share(value: float | None) -> str:
    """A share of a few seeds in whole per cent."""
    return NOTHING if value is None else f"{100 * value:.0f}"


def number(value: float | None, decimals: int) -> str:
    """A plain number; a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{decimals}f}"


def estimate(found: Estimate, scale: float = 1.0, decimals: int = 1, sign: bool = True) -> str:
    """An estimate with its interval, times a scale; a bound where only that is known."""
    plus = "+" if sign else ""

    def told(value: float) -> str:
        if math.isinf(value):
            return "\u2026"
        return f"{scale * value:{plus},.{decimals}f}"

    if found.value is not None:
        words = told(found.value)
    elif found.at_least is not None:
        words = f"> {told(found.at_least)}"
    elif found.at_most is not None:
        words = f"< {told(found.at_most)}"
    else:
        return NOTHING
    if found.low is None or found.high is None:
        return words
    return f"{words} [{told(found.low)}, {told(found.high)}]"


def tuned_share(accuracies: Sequence[float], index: int) -> float:
    """The length of a bar, 0 to 1; nothing for what is not a number."""
    value = accuracies[index]
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
