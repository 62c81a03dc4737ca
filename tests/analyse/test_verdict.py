"""The words: each from an interval that says it, and none stronger."""

import numpy as np
import pytest

from headstart.analyse.statistics import Crossed
from headstart.analyse.verdict import judge, signed, too_few


def found(mean_pp: float, error_pp: float, seeds: int = 5, df: float = 1000) -> Crossed:
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
    ("mean", "error", "word", "said"),
    [
        (5.0, 1.0, "helps", "beyond the margin of 1 pp"),
        (2.5, 1.0, "helps", "clear of 0, not clear of the margin of 1 pp"),
        (0.4, 0.1, "helps", "clear of 0, but smaller than the margin of 1 pp"),
        (-5.0, 1.0, "hurts", "beyond the margin of 1 pp"),
        (-0.4, 0.1, "hurts", "clear of 0, but smaller than the margin of 1 pp"),
        (0.1, 0.3, "no measurable difference", "less than 1 pp either way"),
        (0.5, 1.0, "not enough evidence", "which holds 0"),
    ],
)
def test_words(mean: float, error: float, word: str, said: str) -> None:
    judged = judge(found(mean, error), margin_pp=1.0)
    assert judged.word == word
    assert said in judged.why
    assert signed(mean) in judged.why


@pytest.mark.parametrize("mean", np.linspace(-4, 4, 33))
@pytest.mark.parametrize("error", [0.05, 0.3, 1.0, 3.0])
def test_no_word_is_stronger_than_its_interval(mean: float, error: float) -> None:
    analysed = found(float(mean), error)
    low, high = analysed.interval(0.95)
    inner = analysed.interval(0.90)
    word = judge(analysed, margin_pp=1.0).word
    assert (word == "helps") == (low > 0)
    assert (word == "hurts") == (high < 0)
    if word == "no measurable difference":
        assert -0.01 < inner[0] <= inner[1] < 0.01
        assert low <= 0 <= high
    if word == "not enough evidence":
        assert low <= 0 <= high
        assert inner[0] <= -0.01 or inner[1] >= 0.01


def test_two_seeds_never_give_a_verdict() -> None:
    judged = judge(found(50.0, 0.1, seeds=2), margin_pp=1.0)
    assert judged.word == "not enough evidence"
    assert "2 seeds are too few for a verdict" in judged.why


def test_one_seed_gives_no_interval() -> None:
    judged = too_few(1, 3.2)
    assert judged.word == "not enough evidence"
    assert judged.why == "gain +3.20 pp from 1 seed: no interval; five seeds are the least"


def test_short_evidence_says_what_could_have_been_seen_and_what_would_do() -> None:
    judged = judge(found(0.5, 1.0, seeds=5, df=4), margin_pp=1.0)
    assert judged.detectable_pp == pytest.approx(3.76, abs=0.01)  # 1.68 sd of 5 seeds
    assert judged.seeds_needed is not None
    assert f"about {judged.seeds_needed} seeds would show 1.00 pp" in judged.why
    assert "a gain of 3.76 pp or more could have been seen" in judged.why


def test_zero_has_no_minus() -> None:
    assert signed(-0.001) == "+0.00"
