"""The words: each from an interval that says it, and none stronger."""

import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.analyse.statistics import Crossed
from headstart.analyse.text import level_percent, listed, signed
from headstart.analyse.verdict import Judged, judge, too_few

single = partial(judge, level=0.05, equivalence_level=0.05)


def difference(mean_pp: float, error_pp: float, seeds: int = 5, df: float = 1000) -> Crossed:
    """An analysis with a given mean and standard error; 1.96 errors make the interval."""
    error = error_pp / 100
    return Crossed(
        mean=mean_pp / 100,
        error=error,
        df=df,
        between_seeds=error**2 * seeds * 1000,
        between_images=0.01,
        rest=0.01,
        num_seeds=seeds,
        num_images=1000,
    )


@pytest.mark.parametrize(
    ("mean", "error", "word", "text"),
    [
        (5.0, 1.0, "helps", "95 % interval +3.04 to +6.96: beyond the margin of 1 pp"),
        (2.5, 1.0, "helps", "clear of 0, not clear of the margin of 1 pp"),
        (0.4, 0.1, "helps", "clear of 0, but smaller than the margin of 1 pp"),
        (-5.0, 1.0, "hurts", "beyond the margin of 1 pp"),
        (-0.4, 0.1, "hurts", "clear of 0, but smaller than the margin of 1 pp"),
        (0.1, 0.3, "no measurable difference", "less than 1 pp either way"),
        (0.5, 1.0, "not enough evidence", "which contains 0, no difference"),
    ],
)
def test_words(mean: float, error: float, word: str, text: str) -> None:
    judged = single(difference(mean, error), margin_pp=1.0)
    assert judged.word == word
    assert text in judged.why
    assert signed(mean) in judged.why


def told_interval(judged: Judged) -> tuple[float, float]:
    """The interval that a sentence prints."""
    printed = re.search(r"interval(?: \(Holm\))? (\S+) to ([^\s:;,]+)", judged.why)
    assert printed, judged.why
    return float(printed[1]), float(printed[2])


@settings(max_examples=150, deadline=None)
@given(
    mean=st.floats(-4, 4),
    error=st.floats(0.01, 3),
    df=st.floats(2, 500),
    seeds=st.integers(2, 20),
    margin=st.sampled_from([0.2, 0.5, 1.0]),
    level=st.sampled_from([0.05, 0.0294, 0.0221]),
    family=st.integers(1, 12),
)
def test_no_sentence_is_stronger_than_its_interval(
    mean: float, error: float, df: float, seeds: int, margin: float, level: float, family: int
) -> None:
    analysed = difference(mean, error, seeds=seeds, df=df)
    judged = judge(analysed, margin, level=level / family, equivalence_level=level)
    low, high = (100 * end for end in analysed.cautious_interval(level / family))
    inner = [100 * end for end in analysed.interval(1 - 2 * level)]
    small = -margin < inner[0] <= inner[1] < margin
    shown = told_interval(judged)
    # What is printed lies on the same side of 0 and of the margin as what was computed.
    for end, text in zip((low, high), shown, strict=True):
        for mark in (0, margin, -margin):
            if abs(end - mark) > 1e-5:
                assert (text > mark) == (end > mark)
    if seeds < 3:
        assert judged.word == "not enough evidence"
    elif judged.word == "helps":
        assert low > 0
        assert shown[0] > 0
    elif judged.word == "hurts":
        assert high < 0
        assert shown[1] < 0
    else:
        assert low <= 0 <= high
        assert (judged.word == "no measurable difference") == small
    if judged.qualifier == "beyond the margin":
        assert max(low, -high) > margin
        assert not small
    if judged.qualifier == "smaller than the margin":
        assert small
    if judged.qualifier:
        assert judged.word in ("helps", "hurts")
    assert ("which contains 0, no difference" in judged.why) == (
        judged.word == "not enough evidence" and seeds > 2
    )
    assert ("Holm" in judged.why) == (family > 1)


def test_two_seeds_never_give_a_verdict() -> None:
    judged = single(difference(50.0, 0.1, seeds=2), margin_pp=1.0)
    assert judged.word == "not enough evidence"
    assert "2 seeds are too few for a verdict" in judged.why


def test_one_seed_gives_no_interval() -> None:
    judged = too_few(1, 3.2)
    assert judged.word == "not enough evidence"
    assert judged.why == (
        "gain +3.20 pp from 1 seed: no interval; a verdict takes at least 3 seeds, and five or "
        "more to be worth much"
    )


def test_short_evidence_says_what_could_have_been_seen_and_what_would_do() -> None:
    judged = single(difference(0.5, 1.0, seeds=5, df=4), margin_pp=1.0)
    assert judged.detectable_pp == pytest.approx(3.76, abs=0.01)  # 1.68 sd of 5 seeds
    assert judged.seeds_needed is not None
    assert f"about {judged.seeds_needed} seeds would show 1.00 pp" in judged.why
    assert "a difference of 3.76 pp or more could have been seen" in judged.why


def test_a_difference_larger_than_any_is_no_size_to_speak_of() -> None:
    judged = single(difference(0.5, 40.0, seeds=3, df=2), margin_pp=1.0)
    assert judged.detectable_pp is None
    assert "a difference of no size could have been seen" in judged.why


def with_parts(seeds_part: float, images_part: float) -> Crossed:
    """Five seeds, 1,000 images and a gain of half a point, the variance as given."""
    return Crossed(
        mean=0.005,
        error=((seeds_part + images_part) / 5000) ** 0.5,
        df=30,
        between_seeds=seeds_part,
        between_images=images_part,
        rest=0.01,
        num_seeds=5,
        num_images=1000,
    )


@pytest.mark.parametrize(
    ("seeds_part", "images_part", "more", "text"),
    [
        (0.2, 0.1, "seeds", "more seeds would help more than more test images"),
        (0.1, 0.2, "test images", "more test images would help more than more seeds"),
        (0.5, 0.5, "either", "more seeds and more test images would help alike"),
    ],
)
def test_short_evidence_says_what_to_get_more_of(
    seeds_part: float, images_part: float, more: str, text: str
) -> None:
    judged = single(with_parts(seeds_part, images_part), margin_pp=1.0)
    assert judged.word == "not enough evidence"
    assert judged.more == more
    assert judged.why.endswith(text)


def test_what_cannot_be_bought_with_seeds_or_images_alone_is_said() -> None:
    seeds_only = single(with_parts(4.0, 0.011), margin_pp=1.0)
    assert seeds_only.images_needed is None
    assert seeds_only.why.endswith("would show 1.00 pp; more test images alone would not")
    images_only = single(with_parts(0.011, 9.0), margin_pp=1.0)
    assert images_only.seeds_needed is None
    assert images_only.why.endswith(
        "test images with the same seeds would show 1.00 pp; more seeds alone would not"
    )
    neither = single(with_parts(60.0, 60.0), margin_pp=0.2)
    assert (neither.seeds_needed, neither.images_needed) == (None, None)
    assert (
        "neither 1,000 seeds nor 1,000,000 test images would show 0.50 pp on their own; more seeds "
        "and more test images would help alike"
    ) in neither.why


def test_holm_makes_an_interval_wider_and_can_take_a_verdict_away() -> None:
    alone = judge(difference(2.2, 1.0), 1.0, level=0.05, equivalence_level=0.05)
    among = judge(difference(2.2, 1.0), 1.0, level=0.05 / 8, equivalence_level=0.05)
    assert alone.word == "helps"
    assert among.word == "not enough evidence"
    assert "99.38 % interval (Holm)" in among.why


def test_a_number_shows_its_side_of_zero_and_zero_has_no_minus() -> None:
    assert signed(-0.001) == "-0.001"
    assert signed(0.004) == "+0.004"
    assert signed(-1e-17) == "+0.00"
    assert signed(0.999, (1.0,)) == "+0.999"
    assert signed(2.345) in ("+2.34", "+2.35")
    assert [level_percent(c) for c in (0.95, 0.9, 0.99375, 1 - 0.0221)] == [
        "95 %", "90 %", "99.38 %", "97.79 %"
    ]  # fmt: skip


def test_lists_read_as_sentences() -> None:
    assert [listed(names, "and") for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a", "a and b", "a, b and c"
    ]  # fmt: skip
