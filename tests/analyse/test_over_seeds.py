"""Secondary tests against their vectors and against brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from headstart.analyse.over_seeds import (
    favourable,
    mcnemar_p,
    order_violation,
    paired_t,
    sign_flip_p,
)

T = np.array([0.912, 0.918, 0.915, 0.909, 0.921, 0.917])
C = np.array([0.905, 0.911, 0.912, 0.908, 0.910, 0.913])


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [(8, 0, 0.0078125), (10, 2, 0.0385742188), (34, 26, 0.3662940067), (5, 5, 1), (0, 0, 1)],
)
def test_vector_v6(won: int, lost: int, p: float) -> None:
    assert mcnemar_p(won, lost) == pytest.approx(p)
    assert mcnemar_p(lost, won) == pytest.approx(p)


def test_vector_v7_paired_t() -> None:
    result = paired_t(T - C)
    assert result.mean == pytest.approx(0.0055)
    assert (T - C).std(ddof=1) == pytest.approx(0.0035637059)
    assert result.mean / result.error == pytest.approx(3.7803886814)
    assert result.p_value == pytest.approx(0.0128847542)
    assert result.interval(0.95) == pytest.approx((0.0017601200, 0.0092398800))
    assert result.interval(0.90) == pytest.approx((0.0025683528, 0.0084316472))


def test_vector_v7_equivalence() -> None:
    result = paired_t(T - C)
    assert result.equivalence_p(0.005) == pytest.approx(0.6274633)
    assert result.equivalence_p(0.01) == pytest.approx(0.0135329, abs=1e-7)


def test_vector_v7_sign_flip() -> None:
    thousandths = np.rint(1000 * (T - C)).astype(int)
    assert sign_flip_p(thousandths) == 0.03125


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8))
def test_sign_flip_is_the_share_of_all_signs_that_reach_as_far(gains: list[int]) -> None:
    sums = [
        sum(s * gain for s, gain in zip(signs, gains, strict=True))
        for signs in product((-1, 1), repeat=len(gains))
    ]
    reached = sum(abs(total) >= abs(sum(gains)) for total in sums)
    assert sign_flip_p(np.array(gains)) == pytest.approx(reached / len(sums))


def test_five_seeds_cannot_reach_five_per_cent_by_signs() -> None:
    assert sign_flip_p(np.array([9, 8, 7, 9, 8])) == pytest.approx(2 / 32)
    assert sign_flip_p(np.array([9, 8, 7, 9, 8, 9])) == pytest.approx(2 / 64)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-0.03, 0.03, allow_subnormal=False),
    st.floats(0.0005, 0.02),
    st.floats(0.005, 0.02),
    st.floats(0.01, 0.2),
)
def test_equivalence_p_agrees_with_the_interval_inside_the_margin(
    mean: float, spread: float, margin: float, level: float
) -> None:
    result = paired_t(mean + spread * np.array([-1.0, 0.5, 0.25, 0.25, 0.0]))
    low, high = result.interval(1 - 2 * level)
    assert (result.equivalence_p(margin) < level) == (-margin < low and high < margin)
    both = stats.ttest_1samp
    gains = mean + spread * np.array([-1.0, 0.5, 0.25, 0.25, 0.0])
    larger = max(
        both(gains, -margin, alternative="greater").pvalue,
        both(gains, margin, alternative="less").pvalue,
    )
    assert result.equivalence_p(margin) == pytest.approx(larger)


def test_ties_are_half_in_favour() -> None:
    assert favourable(np.array([1.0, 2.0, 0.0, -1.0])) == pytest.approx(2.5 / 4)


def test_vector_v14() -> None:
    """Quantile by quantile A is ahead, though not seed by seed."""
    a, b = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.5, 0.85, 0.65, 0.55])
    assert order_violation(a, b) == 0
    assert order_violation(b, a) == 1
    assert order_violation(a, a[::-1]) is None


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (2, 6), elements=st.floats(0, 1, width=32)))
def test_violations_of_both_orders_add_up_to_one(scores: np.ndarray) -> None:
    there, back = order_violation(scores[0], scores[1]), order_violation(scores[1], scores[0])
    if there is None or back is None:
        assert there is back is None
    else:
        assert there + back == pytest.approx(1)
