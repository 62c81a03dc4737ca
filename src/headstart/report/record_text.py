"""Text of one record of the Analysis: a result, a comparison, an estimate."""

from collections.abc import Callable

from headstart.analyse.analysis import (
    ArmResult,
    Attribution,
    Comparison,
    Estimate,
    PublishedFigure,
    Word,
)
from headstart.analyse.text import DASH, bracketed, duration, level_percent, percent, plural

_AGAINST_CONTROL: dict[Word, str] = {
    "helps": "better",
    "hurts": "worse",
    "no measurable difference": "as good",
    "not enough evidence": "not enough evidence",
    "invalid": "withheld",
    "unfinished": "not finished",
}


def accuracy(result: ArmResult, decimals: int = 1) -> str:
    """Mean test accuracy over seeds with its standard deviation, in per cent."""
    if result.mean is None:
        return DASH
    mean = percent(result.mean, decimals)
    return mean if result.sd is None else f"{mean} ± {percent(result.sd, decimals)}"


def updates(result: ArmResult) -> str:
    """Number of updates; a dash for an arm that trains nothing."""
    return f"{result.updates:,}" if result.updates else DASH


def training_time(result: ArmResult) -> str:
    """Mean training time of a trial; a dash for an arm that trains nothing."""
    return DASH if result.seconds is None or result.updates == 0 else duration(result.seconds)


def trained(result: ArmResult) -> str:
    """Number of trained parameters; a dash where it is not known."""
    number = result.trainable_parameters
    if number is None:
        return DASH
    return f"{number:,}" if number else "nothing trained"


def parameters(result: ArmResult) -> str:
    """Number of all parameters; a dash where it is not known."""
    return DASH if result.total_parameters is None else f"{result.total_parameters:,}"


def seeds_there(result: ArmResult, vary: bool = False) -> str:
    """Number of seeds behind a result; empty where all of them are, and all arms have as many."""
    finished, planned = len(result.seeds), len(result.seeds) + len(result.missing)
    if result.missing:
        return f"{finished} of {planned} seeds"
    return plural(finished, "seed") if vary else ""


def own_images(result: ArmResult, num_images: int | None) -> str:
    """Number of images of an arm whose number differs from that of its size; else empty."""
    if result.num_images is None or result.num_images == num_images:
        return ""
    return f"on {plural(result.num_images, 'image')}"


def size_lines(size: str, num_images: int | None) -> tuple[str, ...]:
    """A size as number of images, then its label where that says more."""
    if num_images is None:
        return (size,)
    images = plural(num_images, "image")
    return (images,) if size in (str(num_images), images) else (images, size)


def interval(record: Comparison | Attribution, decimals: int = 1) -> str:
    """Interval of a gain in brackets, or that there is none."""
    if record.low_pp is None or record.high_pp is None:
        return "no interval"
    return bracketed(record.low_pp, record.high_pp, decimals)


def adjustment(comparison: Comparison) -> str:
    """Level of the verdict's interval and whether it is adjusted; empty without an interval."""
    if comparison.low_pp is None:
        return ""
    level = level_percent(comparison.confidence)
    return f"{level}, adjusted" if comparison.in_family else f"{level}, not adjusted"


def errors(comparison: Comparison) -> str:
    """Change in the number of wrong test images against the control; empty without one."""
    share = comparison.error_reduction
    if share is None or comparison.verdict in ("invalid", "unfinished"):
        return ""
    change = round(-100 * share)
    return f"errors {change:+,} %" if change else "errors ±0 %"


def detectable(comparison: Comparison, suffix: str = "") -> str:
    """Smallest gain that the data could have shown; empty where the verdict is decided."""
    least = comparison.detectable_pp
    if comparison.verdict != "not enough evidence" or comparison.low_pp is None:
        return ""
    return "no gain" if least is None else f"{least:.1f} pp{suffix}"


def verdict_note(comparison: Comparison) -> str:
    """Shortest note that a verdict must not be shown without; the full reason is `why`."""
    if least := detectable(comparison, " or more"):
        seeds = comparison.seeds_needed
        more = f"; about {seeds:,} seeds might decide" if seeds else ""
        return f"{least} could have been seen{more}"
    if comparison.verdict == "invalid" or comparison.low_pp is None:
        return comparison.why
    return comparison.qualifier


def against_control(attribution: Attribution) -> str:
    """Verdict on an arm against an explaining control, which does not say that transfer helps."""
    return _AGAINST_CONTROL[attribution.verdict]


def figure_value(value: float | None, figure: PublishedFigure) -> str:
    """Value of a published figure as notebooks print it; empty without one."""
    if value is None:
        return ""
    if figure.is_count:
        return f"{value:,.0f}"
    return f"{value:.1f} s" if figure.is_time else f"{value:.4f}"


def bound_text(estimate: Estimate, number: Callable[[float], str]) -> str:
    """Value of an estimate, or the known bound on it; a dash without either."""
    if estimate.value is not None:
        return number(estimate.value)
    if estimate.at_least is not None:
        return f"> {number(estimate.at_least)}"
    return DASH if estimate.at_most is None else f"< {number(estimate.at_most)}"


def estimate_text(estimate: Estimate, number: Callable[[float], str]) -> str:
    """Value of an estimate, or a bound, with its interval in brackets; an ellipsis is open."""
    value = bound_text(estimate, number)
    if value == DASH or estimate.low is None:
        return value
    high = "\u2026" if estimate.high is None else number(estimate.high)
    return f"{value} [{number(estimate.low)}, {high}]"


def scaled_estimate(
    estimate: Estimate, scale: float = 1.0, decimals: int = 1, sign: bool = True
) -> str:
    """Estimate with its interval, times a scale."""
    plus = "+" if sign else ""

    def number(value: float) -> str:
        return f"{scale * value:{plus},.{decimals}f}"

    return estimate_text(estimate, number)
