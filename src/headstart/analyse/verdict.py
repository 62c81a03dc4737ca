"""Verdict from an interval, never stronger than the interval (docs/verdict.md)."""

from dataclasses import dataclass

from headstart.analyse.analysis import FEWEST_SEEDS, MOST_PP, More, Qualifier, Word
from headstart.analyse.statistics import MOST_IMAGES, MOST_SEEDS, Crossed
from headstart.analyse.text import level_percent, plural, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Verdict with its reason, and the data that might decide where evidence is short."""

    word: Word
    why: str
    qualifier: Qualifier = ""
    detectable_pp: float | None = None
    seeds_needed: int | None = None
    images_needed: int | None = None
    more: More | None = None


def judge(
    difference: Crossed,
    margin_pp: float,
    *,
    level: float,
    equivalence_level: float,
    next_level: float | None = None,
) -> Judged:
    """Verdict on a difference in accuracy.

    Args:
        difference: Crossed statistics of the difference.
        margin_pp: Smallest difference that matters, in percentage points.
        level: Error level of the two-sided test after Holm's adjustment, if any. Its interval
            decides between helps and hurts.
        equivalence_level: Error level of each of the two one-sided tests against the margin, which
            are never adjusted: the interval at 1 - 2 levels inside the margin shows that there is
            no difference that matters.
        next_level: Error level of the test that more data would be put to, another look; that of
            this one by default.
    """
    more = level if next_level is None else next_level
    low, high = (100 * end for end in difference.cautious_interval(level))
    inner = tuple(100 * end for end in difference.interval(1 - 2 * equivalence_level))
    small = -margin_pp < inner[0] and inner[1] < margin_pp
    gain = 100 * difference.mean
    result = f"gain {signed(gain)} pp, {span(low, high, level, equivalence_level, margin_pp)}"
    if difference.num_seeds < FEWEST_SEEDS:
        result = f"{result}; {difference.num_seeds} seeds are too few for a verdict"
        return _undecided(difference, result, margin_pp, level, more)
    if low > 0 or high < 0:
        qualifier = _qualifier(max(low, -high), small, margin_pp)
        return Judged(
            word="helps" if low > 0 else "hurts",
            why=f"{result}: {_beyond(qualifier, margin_pp)}",
            qualifier=qualifier,
        )
    if small:
        ends = " to ".join(signed(end, (0, margin_pp, -margin_pp)) for end in inner)
        return Judged(
            word="no measurable difference",
            why=f"{result}; less than {margin_pp:g} pp either way "
            f"({level_percent(1 - 2 * equivalence_level)} interval {ends})",
        )
    result = f"{result}, which contains 0, no difference"
    return _undecided(difference, result, margin_pp, level, more)


def too_few(num_seeds: int, gain_pp: float) -> Judged:
    """Verdict without any interval."""
    return Judged(
        word="not enough evidence",
        why=f"gain {signed(gain_pp)} pp from {plural(num_seeds, 'seed')}: no interval; "
        f"a verdict takes at least {FEWEST_SEEDS} seeds, and five or more to be worth much",
    )


def cannot_tell_apart(num_images: int, most_pp: float) -> Judged:
    """Verdict on two arms that are right on every test image in every seed.

    Nothing was measured between them, so neither more seeds nor a narrower margin would tell more;
    `most_pp` is by how much they may still differ on other images.
    """
    return Judged(
        word="no measurable difference",
        why=f"both at 100 % of {plural(num_images, 'image')}: the test part cannot tell them "
        f"apart; on other images they may still differ by up to {most_pp:.2g} pp. Only more or "
        "harder test images can show that",
    )


def no_variance(score: float, what: str) -> Judged:
    """Verdict where both arms are right on the same test images in every seed, but not on all."""
    return Judged(
        word="not enough evidence",
        why=f"both arms {what} in every seed ({100 * score:.1f} % right on the mean); "
        "there is no variance to judge by. More or harder test images are needed",
    )


def unfinished(done: tuple[int, ...], planned: tuple[int, ...], gain_pp: float) -> Judged:
    """No verdict, for trials are missing that may still be run."""
    return Judged(
        word="unfinished",
        why=f"gain {signed(gain_pp)} pp from {len(done)} of {plural(len(planned), 'seed')}: an "
        "estimate, which says nothing yet; there is a verdict once all of them are run",
    )


def span(low_pp: float, high_pp: float, level: float, nominal: float, margin_pp: float) -> str:
    """Text of an interval, with its level, and whether that was adjusted from a nominal one."""
    marks = (0.0, margin_pp, -margin_pp)
    adjusted = " (Holm)" if level < nominal else ""
    ends = f"{signed(low_pp, marks)} to {signed(high_pp, marks)}"
    return f"{level_percent(1 - level)} interval{adjusted} {ends}"


def _qualifier(nearest_to_zero: float, small: bool, margin_pp: float) -> Qualifier:
    if nearest_to_zero > margin_pp:
        return "beyond the margin"
    return "smaller than the margin" if small else ""


def _beyond(qualifier: Qualifier, margin_pp: float) -> str:
    if qualifier == "beyond the margin":
        return f"beyond the margin of {margin_pp:g} pp"
    if qualifier == "smaller than the margin":
        return f"clear of 0, but smaller than the margin of {margin_pp:g} pp"
    return f"clear of 0, not clear of the margin of {margin_pp:g} pp"


def _undecided(
    difference: Crossed, result: str, margin_pp: float, level: float, next_level: float
) -> Judged:
    detectable = 100 * difference.detectable(level)
    # Few seeds that disagree could show only a difference that is impossible.
    possible = detectable <= MOST_PP
    least = f"of {detectable:.2f} pp or more" if possible else "of no size"
    effect = max(abs(100 * difference.mean), margin_pp)
    seeds = difference.seeds_needed(effect / 100, next_level)
    images = difference.images_needed(effect / 100, next_level)
    return Judged(
        word="not enough evidence",
        why=f"{result}; a difference {least} could have been seen; "
        f"{_would_do(seeds, images, f'{effect:.2f} pp', difference)}",
        detectable_pp=detectable if possible else None,
        seeds_needed=seeds,
        images_needed=images,
        more=difference.more,
    )


_HELPS_MORE: dict[More, str] = {
    "seeds": "more seeds would help more than more test images",
    "test images": "more test images would help more than more seeds",
    "either": "more seeds and more test images would help alike",
}


def _would_do(seeds: int | None, images: int | None, effect: str, difference: Crossed) -> str:
    """Numbers of seeds or images that would show an effect, and which help more."""
    more, meant = difference.more, difference.images_meant
    if not difference.over_images:
        enough = f"about {seeds} seeds would show {effect}" if seeds else "more seeds might show it"
        return f"{enough} on these test images; answers to single images would say more"
    by_images = f"about {_rough(images):,} {meant} with the same seeds" if images else ""
    if seeds and images:
        return f"about {seeds} seeds would show {effect}, or {by_images}; {_HELPS_MORE[more]}"
    if seeds and more == "seeds":
        return f"about {seeds} seeds would show {effect}; more test images alone would not"
    if images and more == "test images":
        return f"{by_images} would show {effect}; more seeds alone would not"
    if seeds or images:
        enough = by_images or f"about {seeds} seeds"
        return f"{enough} would show {effect}; {_HELPS_MORE[more]}"
    return (
        f"neither {MOST_SEEDS:,} seeds nor {MOST_IMAGES:,} test images would show {effect} on "
        f"their own; {_HELPS_MORE[more]}"
    )


def _rough(number: int) -> int:
    """A number with two significant digits, since the variance is known no better."""
    return int(float(f"{number:.1e}"))
