"""Numbers and names as a reader wants them: one place, so that terminal and page say the same."""

import math
from collections.abc import Sequence

from headstart.analyse.analysis import (
    Analysis,
    ArmResult,
    Attribution,
    AttributionNote,
    Comparison,
    PublishedFigure,
)
from headstart.analyse.text import listed, per_cent
from headstart.report.run_summary import RunSummary

NOTHING = "\u2013"  # en dash


def decimals_for(analysis: Analysis) -> int:
    """Decimals of percentages: one, or two where the study cares for less than a point."""
    return 2 if any(c.margin_pp < 1 for c in analysis.comparisons) else 1


def percent(fraction: float | None, decimals: int = 1) -> str:
    """A fraction in per cent, without the sign: 0.931 is 93.1."""
    if fraction is None or not math.isfinite(fraction):
        return NOTHING
    return f"{100 * fraction:.{decimals}f}"


def points(value: float | None, decimals: int = 1) -> str:
    """Percentage points with their sign, also where they round to 0: the side of zero matters."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:+.{decimals}f}" if value else f"{0:.{decimals}f}"


def accuracy(result: ArmResult, decimals: int = 1) -> str:
    """Mean test accuracy over seeds with its standard deviation, in per cent."""
    if not result.seeds:
        return NOTHING
    mean = percent(result.mean, decimals)
    return mean if result.sd is None else f"{mean} ± {percent(result.sd, decimals)}"


def interval(comparison: Comparison | Attribution, decimals: int = 1) -> str:
    """The interval of a gain in brackets, or that there is none."""
    if comparison.low_pp is None or comparison.high_pp is None:
        return "no interval"
    low, high = points(comparison.low_pp, decimals), points(comparison.high_pp, decimals)
    return f"[{low}, {high}]"


def errors(comparison: Comparison) -> str:
    """The change in the number of wrong test images against the control; empty where none."""
    share = comparison.error_reduction
    if share is None or not math.isfinite(share) or comparison.verdict == "invalid":
        return ""
    change = round(-100 * share)
    return f"errors {change:+,} %" if change else "errors ±0 %"


def updates(result: ArmResult) -> str:
    """The number of updates; a dash for an arm that trains nothing."""
    return f"{result.updates:,}" if result.updates else NOTHING


def training_time(result: ArmResult) -> str:
    """Mean training time of a trial; a dash for an arm that trains nothing."""
    return duration(result.seconds) if result.updates else NOTHING


def trained(result: ArmResult) -> str:
    """How many parameters were trained."""
    number = result.trainable_parameters
    return f"{number:,}" if number else "nothing trained"


def figure_value(value: float | None, figure: PublishedFigure) -> str:
    """A published figure's value as notebooks print it; empty where there is none."""
    if value is None or not math.isfinite(value):
        return ""
    if figure.is_count:
        return f"{value:,.0f}"
    return f"{value:.1f} s" if figure.is_time else f"{value:.4f}"


def published_notes(analysis: Analysis) -> tuple[str, ...]:
    """What stands in the columns of the published figures, where there is anything in them."""
    given = analysis.published
    notes = []
    if any(figure.keras is not None for figure in given):
        notes.append("Keras here: Keras 3 run once on a 2-core machine.")
    if any(figure.headstart is not None for figure in given):
        several = len(analysis.seeds) > 1
        mean = f"mean over {len(analysis.seeds)} seeds" if several else "one seed"
        notes.append(f"headstart: {mean}.")
    return tuple(notes)


def seeds_there(result: ArmResult) -> str:
    """How many seeds a result rests on, where that is not all of them."""
    there, asked = len(result.seeds), len(result.seeds) + len(result.missing)
    return f"{there} of {asked} seeds" if result.missing else ""


def own_images(result: ArmResult, num_images: int | None) -> str:
    """The number of images of an arm that has not as many as others at its size; else empty."""
    return "" if result.num_images == num_images else f"on {plural(result.num_images, 'image')}"


def size_lines(size: str, num_images: int | None) -> tuple[str, ...]:
    """A size as number of images, then as it was given where that says more."""
    if num_images is None:
        return (size,)
    images = plural(num_images, "image")
    return (images,) if size in (str(num_images), images) else (images, size)


def plural(number: int, noun: str) -> str:
    """A count with its noun: 1 seed, 5 seeds."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 0.42 s, 8.1 s, 42 s, 3 min 20 s, 2 h 5 min."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def shorten(name: str, length: int) -> str:
    """A name that fits: its middle is left out, since variants of an arm differ at their ends."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[-tail:]}"


def printable(text: str) -> str:
    """Text without control characters, so that no name can steer a terminal or break a page."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def confidence(analysis: Analysis) -> str:
    """The level of the intervals, such as 95 % or 95 % to 99.38 %; empty where there are none."""
    levels = sorted({c.confidence for c in analysis.comparisons if c.low_pp is not None})
    return " to ".join(dict.fromkeys(per_cent(level) for level in (levels[:1] + levels[-1:])))


def adjustment_note(analysis: Analysis) -> str:
    """What the intervals are adjusted for, to go on from "intervals"."""
    looks = f", at the level of one of {analysis.looks} looks" if analysis.looks > 1 else ""
    if analysis.family_size < 2 or not any(c.in_family for c in analysis.comparisons):
        return f"not adjusted for the number of comparisons ({len(analysis.comparisons)}){looks}"
    return (
        f"for transfer arms adjusted for their {analysis.family_size} comparisons (Holm), for "
        f"other arms not adjusted{looks}"
    )


def attribution_lines(analysis: Analysis) -> tuple[str, ...]:
    """What each gain may be put down to, a sentence for all arms and sizes that read alike."""
    several = len({(c.source, c.target) for c in analysis.comparisons}) > 1
    helped = {_place(c) for c in analysis.comparisons if c.verdict == "helps"}
    found: dict[str, list[str]] = {}
    for note in analysis.attribution_notes:
        if _place(note) in helped:
            pair = f", {note.source} to {note.target}" if several else ""
            where = f"{note.arm} with {plural(note.num_images, 'image')}{pair}"
            found.setdefault(note.reading, []).append(where)
    return tuple(f"{'; '.join(where)}: {reading}." for reading, where in found.items())


def _place(told: Comparison | AttributionNote) -> tuple[str, str, str, str]:
    return (told.source, told.target, told.size, told.arm)


def interval_note(analysis: Analysis) -> str:
    """What brackets hold; empty where nothing was compared."""
    if not analysis.comparisons:
        return ""
    level = confidence(analysis)
    if not level:
        return "There is no interval: that takes at least two seeds."
    return (
        f"In brackets: {level} intervals over seeds and test images, {adjustment_note(analysis)}."
    )


def remarks_of(analysis: Analysis) -> tuple[str, ...]:
    """The sentences to be read with the headline, without those that say what a gate says."""
    said = [gate.message for gate in analysis.gates if not gate.passed]
    return tuple(line for line in analysis.detail if not any(message in line for message in said))


def margin_note(analysis: Analysis) -> str:
    """The margin of the study in words; empty where nothing was compared."""
    margins = sorted({c.margin_pp for c in analysis.comparisons})
    return f"{listed([f'±{margin:g}' for margin in margins], 'and')} pp" if margins else ""


def warnings_of(analysis: Analysis) -> tuple[str, ...]:
    """What a reader must know before the headline is believed; most serious first."""
    found = []
    broken = [g.message for g in analysis.gates if not g.passed and g.severity == "invalid"]
    if broken:
        found.append(f"Verdicts are withheld where the protocol failed: {' '.join(broken)}")
    if analysis.num_done < analysis.num_trials:
        found.append(
            f"Incomplete: {analysis.num_done} of {plural(analysis.num_trials, 'trial')} are done. "
            "What is shown rests on these only."
        )
    if len(analysis.seeds) == 1:
        found.append("One seed only: nothing here says how much of a gain is luck.")
    if not analysis.comparisons:
        found.append("Nothing was compared with a control, so there is no verdict.")
    return tuple(found)


FROM_PYTHON = "This study was run from Python; its run() repeats it."


def steps_note(summary: RunSummary) -> str:
    """What the present command ran and reused, and how long it took."""
    return (
        f"{plural(summary.steps_run, 'step')} run, {summary.steps_reused:,} reused, "
        f"in {duration(summary.seconds)}."
    )


def listing(names: Sequence[object]) -> str:
    """Values in a row: 0, 1, 2."""
    return ", ".join(str(name) for name in names)
