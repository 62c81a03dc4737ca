"""Levels for several looks, Holm's steps, and intervals that say the same as Holm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.analyse.multiplicity import holm, level_of
from headstart.analyse.statistics import MeanError, crossed


def test_vector_v7_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05).adjusted == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_levels_are_those_of_the_steps() -> None:
    decisions = holm([0.01, 0.04, 0.03, 0.005], 0.05)
    assert decisions.rejected == (True, False, False, True)
    # 0.005 is held to a quarter, 0.01 to a third; 0.03 fails at a half, and 0.04 stays there.
    assert decisions.levels == pytest.approx((0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4))
    assert holm([0.2], 0.05).levels == (0.05,)
    assert holm([], 0.05).levels == ()
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([float("nan")], 0.05)


ESTIMATES = st.lists(
    st.builds(
        MeanError,
        mean=st.floats(-4, 4),
        error=st.floats(0.05, 2),
        df=st.floats(1, 50),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(ESTIMATES, st.sampled_from([1, 2, 3]))
def test_an_interval_excludes_0_exactly_where_holm_rejects(
    estimates: list[MeanError], looks: int
) -> None:
    level = level_of(looks)
    decisions = holm([estimate.p_value for estimate in estimates], level)
    for estimate, own, adjusted, rejected in zip(
        estimates, decisions.levels, decisions.adjusted, decisions.rejected, strict=True
    ):
        low, high = estimate.interval(1 - own)
        assert (low > 0 or high < 0) == rejected == (adjusted < level)
        assert own <= level


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_bonferroni_and_no_adjustment(p_values: list[float]) -> None:
    decisions = holm(p_values, 0.05)
    for p, adjusted, rejected in zip(p_values, decisions.adjusted, decisions.rejected, strict=True):
        assert p <= adjusted <= 1
        assert rejected or p >= 0.05 / len(p_values)
    ranked = [adjusted for _, adjusted in sorted(zip(p_values, decisions.adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_levels_of_arm_styles() -> None:
    assert [level_of(looks) for looks in (1, 2, 3, 4, 5)] == [0.05, 0.0294, 0.0221, 0.0182, 0.0158]
    assert level_of(10) == pytest.approx(0.005)
    with pytest.raises(ValueError, match="at least one look"):
        level_of(0)


def test_two_looks_at_the_level_of_two_err_about_as_often_as_one_look() -> None:
    """Seeds 5, then 10, no true difference: false alarms at either look."""
    drawn = np.random.default_rng(3)
    studies = 1500
    gains = drawn.normal(0, 1, (studies, 10))
    alarms = {1: 0, 2: 0}
    for own in gains:
        p_values = [crossed(np.repeat(own[:seeds, None], 2, axis=1)).p_value for seeds in (5, 10)]
        for looks in alarms:
            alarms[looks] += min(p_values) < level_of(looks)
    assert alarms[2] / studies == pytest.approx(0.05, abs=0.015)
    assert alarms[1] / studies > 0.065  # what peeking without a price gives
