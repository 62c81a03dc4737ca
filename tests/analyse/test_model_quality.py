"""Quality of one model: accuracy with Wilson's interval, and its calibration in numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headstart.analyse.model_quality import model_quality, share_interval


@given(st.integers(1, 5000).flatmap(lambda num: st.tuples(st.integers(0, num), st.just(num))))
def test_the_interval_of_a_share_is_that_of_scipy(counts: tuple[int, int]) -> None:
    count, num = counts
    wanted = stats.binomtest(count, num).proportion_ci(0.95, method="wilson")
    assert share_interval(count, num) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_answers_that_are_too_sure() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]], np.float32)
    found = model_quality(labels, probabilities.argmax(1), probabilities)
    assert (found.num_images, found.accuracy, found.balanced) == (4, 0.75, 0.75)
    assert found.confidence == pytest.approx(0.9)
    assert found.ece == pytest.approx(0.15)
    assert found.low < 0.75 < found.high


def test_probabilities_that_are_not_finite_have_no_calibration() -> None:
    labels = np.array([0, 1])
    probabilities = np.array([[np.nan, np.nan], [0.0, 1.0]], np.float32)
    found = model_quality(labels, np.array([0, 1]), probabilities)
    assert (found.accuracy, found.confidence, found.ece) == (1.0, None, None)
