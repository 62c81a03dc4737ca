"""Levels for several looks, Holm's steps, and intervals that say the same as Holm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from headstart.analyse.multiplicity import NOMINAL, PLANNED, holm, later_level, planned_level
from headstart.analyse.statistics import MeanError


def test_vector_v7_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], [0.05] * 4).adjusted == pytest.approx(
        (0.03, 0.06, 0.06, 0.02)
    )


def test_levels_are_those_of_the_steps() -> None:
    decisions = holm([0.01, 0.04, 0.03, 0.005], [0.05] * 4)
    assert decisions.rejected == (True, False, False, True)
    # 0.005 is held to a quarter, 0.01 to a third; 0.03 fails at a half, and 0.04 stays there.
    assert decisions.levels == pytest.approx((0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4))
    assert holm([0.2], [0.05]).levels == (0.05,)
    assert holm([], []).levels == ()
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([float("nan")], [0.05])


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
    level = planned_level(looks)
    decisions = holm([estimate.p_value for estimate in estimates], [level] * len(estimates))
    for estimate, own, adjusted, rejected in zip(
        estimates, decisions.levels, decisions.adjusted, decisions.rejected, strict=True
    ):
        low, high = estimate.interval(1 - own)
        assert (low > 0 or high < 0) == rejected == (adjusted < level)
        assert own <= level


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_bonferroni_and_no_adjustment(p_values: list[float]) -> None:
    decisions = holm(p_values, [0.05] * len(p_values))
    for p, adjusted, rejected in zip(p_values, decisions.adjusted, decisions.rejected, strict=True):
        assert p <= adjusted <= 1
        assert rejected or p >= 0.05 / len(p_values)
    ranked = [adjusted for _, adjusted in sorted(zip(p_values, decisions.adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_a_member_with_a_stricter_level_is_held_to_a_share_of_it() -> None:
    decisions = holm([0.01, 0.001], [0.04, 0.005])
    assert decisions.levels == pytest.approx((0.04, 0.0025))
    assert decisions.rejected == (True, True)
    assert holm([0.03, 0.004], [0.04, 0.005]).rejected == (False, False)


def test_levels_of_planned_looks() -> None:
    assert [planned_level(looks) for looks in (1, 2, 3, 4, 5)] == [
        0.04, 0.0233, 0.0164, 0.0126, 0.0102
    ]  # fmt: skip
    assert planned_level(10) == pytest.approx(0.004)
    for level in (planned_level, later_level):
        with pytest.raises(ValueError, match="at least one look"):
            level(0)


def test_later_looks_never_use_up_what_is_left() -> None:
    assert sum(later_level(number) for number in range(1, 60)) <= NOMINAL - PLANNED


@pytest.mark.parametrize("seeds", [(5, 10), (5, 10, 20), (4, 8, 16, 32)])
def test_planned_looks_err_together_in_four_of_a_hundred(seeds: tuple[int, ...]) -> None:
    """Means of seeds that are added, with a known variance: Pocock's own setting."""
    gains = np.random.default_rng(3).normal(0, 1, (40_000, seeds[-1]))
    z = np.stack([gains[:, :number].sum(1) / np.sqrt(number) for number in seeds])
    wrong = (2 * norm.sf(np.abs(z)) < planned_level(len(seeds))).any(0).mean()
    assert wrong == pytest.approx(PLANNED, abs=0.004)
