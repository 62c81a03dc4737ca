"""Metrics of one trial: a worked vector and cases by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.metrics import Metrics, calibration_error, losses_of, metrics_of, nll

P = np.array(
    [
        [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.2, 0.7, 0.1],
        [0.1, 0.8, 0.1], [0.3, 0.6, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8], [0.2, 0.1, 0.7],
        [0.1, 0.3, 0.6], [0.3, 0.4, 0.3],
    ]
)  # fmt: skip
Y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])


def told(labels: np.ndarray, probabilities: np.ndarray) -> Metrics:
    with np.errstate(divide="ignore"):
        losses = losses_of(labels, np.log(probabilities))
    return metrics_of(labels, probabilities.argmax(1), probabilities, losses)


def test_the_vector_of_calibration() -> None:
    found = told(Y, P)
    assert found.accuracy == 0.75
    assert found.ece == pytest.approx(0.3416666667, abs=1e-9)
    assert calibration_error(P.argmax(1) == Y, P, 10) == pytest.approx(0.3416666667, abs=1e-9)
    assert found.nll == pytest.approx(0.5257072188, abs=1e-9)
    assert found.brier == pytest.approx(0.28, abs=1e-9)


def test_recall_counts_and_the_class_that_has_no_image() -> None:
    labels = np.array([0, 0, 0, 2, 2])
    probabilities = np.eye(4)[[0, 0, 3, 2, 1]]
    found = told(labels, probabilities)
    assert found.recall == (2 / 3, None, 0.5, None)
    assert found.counts == (3, 0, 2, 0)
    assert found.accuracy == 3 / 5
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.num_images == 5


def test_a_truth_held_to_be_impossible_costs_everything_and_an_unlikely_one_its_logarithm() -> None:
    held_impossible = told(np.array([0, 1]), np.array([[0.0, 1.0], [0.5, 0.5]]))
    assert (held_impossible.nll, held_impossible.brier) == (np.inf, 1.25)
    # Far less than single precision holds apart from 0, and than 1e-12.
    unlikely = losses_of(np.array([0, 1]), np.array([[-500, 0], [-40, -1]], np.float32))
    assert unlikely.tolist() == [500, 1]
    assert nll(unlikely) == 250.5
    sure = told(np.array([1, 0]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert (sure.nll, sure.brier, sure.ece) == (0, 0, 0)


def test_a_bin_holds_its_upper_end() -> None:
    # 0.2 = 3/15 ends the third bin, so it does not fall in with 0.21.
    low, high = np.full((1, 5), 0.2), np.array([[0.21, 0.2, 0.2, 0.2, 0.19]])
    correct = np.array([True, False])
    apart = (abs(0.2 - 1) + 0.21) / 2
    assert calibration_error(correct, np.concatenate([low, high])) == pytest.approx(apart)


def test_numbers_that_are_not_finite_stay_so() -> None:
    nothing = np.array([[np.nan, np.nan]])
    found = metrics_of(np.array([0]), np.array([0]), nothing, nothing[0, :1])
    assert np.isnan([found.nll, found.brier, found.ece]).all()
    assert found.accuracy == 1


def test_no_image_is_an_error() -> None:
    none = np.empty(0, np.int64)
    with pytest.raises(ValueError, match="at least one image"):
        metrics_of(none, none, np.empty((0, 3)), np.empty(0))


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 6))
def test_metrics_keep_to_their_ranges(seed: int, images: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    found = told(draw.integers(0, width, images), draw.dirichlet(np.ones(width), images))
    assert 0 <= found.ece <= 1
    assert 0 <= found.brier <= 2
    assert found.nll >= 0
    assert sum(found.counts) == images
