"""What a head start is worth: worked vectors and cases by hand."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.analyse.benefit.curves import area_above, threshold_of, time_to
from headstart.analyse.benefit.estimates import error_reduction, gain_pp, over_seeds, surplus
from headstart.analyse.benefit.labels import ControlPoint, labels_matched, monotone, number_for
from headstart.analyse.statistics import CrossedLine, crossed

# V9.

EPOCHS = np.arange(6.0)
T = np.array([0.30, 0.70, 0.80, 0.85, 0.87, 0.88])
C = np.array([0.10, 0.40, 0.65, 0.78, 0.84, 0.87])


def test_the_vector_of_curves() -> None:
    assert T[0] - C[0] == pytest.approx(0.20)
    assert T[-1] - C[-1] == pytest.approx(0.01)
    areas = [area_above(EPOCHS, curve, 0.0) for curve in (T, C)]
    assert areas == pytest.approx([3.81, 3.155])
    assert surplus(areas[:1], areas[1:]).value == pytest.approx(0.2076069731)
    assert time_to(EPOCHS, T, 0.80) == pytest.approx(2.0)
    assert time_to(EPOCHS, C, 0.80) == pytest.approx(10 / 3)
    assert (time_to(EPOCHS, T, 0.90), time_to(EPOCHS, C, 0.90)) == (inf, inf)
    wrong = 1 - np.array([0.88, 0.87])
    estimate = [(np.arange(100)[None] < round(100 * share)).astype(np.int8) for share in wrong]
    assert error_reduction(estimate[0], estimate[1]).value == pytest.approx(0.0769230769)


def test_a_threshold_is_reached_by_the_best_so_far() -> None:
    times, accuracy = np.array([0.0, 10, 20, 30]), np.array([0.2, 0.6, 0.4, 0.8])
    assert time_to(times, accuracy, 0.5) == pytest.approx(7.5)
    # Between 10 and 20 the best stays 0.6; it rises again only after 20.
    assert time_to(times, accuracy, 0.7) == pytest.approx(25)
    assert time_to(times, accuracy, 0.2) == 0
    assert threshold_of(0.9, 0.1) == pytest.approx(0.1 + 0.95 * 0.8)


def test_area_lies_above_chance() -> None:
    assert area_above(np.array([0.0, 4]), np.array([0.5, 0.5]), 0.5) == 0
    assert area_above(np.array([0.0, 4]), np.array([0.5, 1.0]), 0.5) == 1


# V12: errors of .05 + 2 / sqrt(n).

NUMBERS = [100, 200, 400, 800, 1600, 3200]
MEANS = [1 - (0.05 + 2 * n**-0.5) for n in NUMBERS]


def test_the_vector_of_the_data_multiplier() -> None:
    value, bound = number_for(1 - 0.10, NUMBERS, MEANS)
    assert value == pytest.approx(1600)
    assert bound == ""
    assert value is not None
    assert value / 200 == pytest.approx(8)


def test_what_lies_beyond_the_curve_is_a_bound() -> None:
    assert number_for(0.99, NUMBERS, MEANS) == (None, "well")
    assert number_for(0.10, NUMBERS, MEANS) == (None, "badly")
    assert number_for(MEANS[0], NUMBERS, MEANS) == (100.0, "")


def test_a_curve_that_dips_is_made_monotone() -> None:
    assert monotone([0.5, 0.8, 0.6, 0.9]) == pytest.approx([0.5, 0.7, 0.7, 0.9])
    assert monotone([3, 2, 1]) == pytest.approx([2, 2, 2])
    # Half way from 0.7 to 0.9 lies half way in log n.
    value, _ = number_for(0.8, [10, 20, 40, 80], [0.5, 0.8, 0.6, 0.9])
    assert value == pytest.approx((40 * 80) ** 0.5)
    # The smallest number at which it is reached.
    value, _ = number_for(0.7, [10, 20, 40, 80], [0.5, 0.8, 0.6, 0.9])
    assert value == pytest.approx(20)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_monotone_keeps_the_mean_and_never_falls(values: list[float]) -> None:
    fitted = monotone(values)
    assert len(fitted) == len(values)
    assert all(one <= other + 1e-12 for one, other in pairwise(fitted))
    assert np.mean(fitted) == pytest.approx(np.mean(values))


def answers(accuracy: float, seed: int, seeds: int = 5, images: int = 400) -> np.ndarray:
    """Right answers where hard images are hard for all, with noise of their own."""
    hard = np.random.default_rng(99).random(images)
    noise = np.random.default_rng(seed).normal(0, 0.05, (seeds, images))
    return (hard + noise < accuracy).astype(np.int8)


CURVE = [ControlPoint(n, answers(a, n)) for n, a in ((50, 0.5), (200, 0.7), (800, 0.9))]


def test_labels_with_their_interval() -> None:
    estimate = labels_matched(answers(0.8, 1), CURVE)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert 200 < estimate.low < estimate.value < estimate.high < 800
    assert estimate.value == pytest.approx(400, rel=0.15)
    # At both ends the crossed interval of the difference touches 0.
    for end in (estimate.low, estimate.high):
        share = np.log(end / 200) / np.log(4)
        between = (1 - share) * CURVE[1].scores + share * CURVE[2].scores
        low, high = crossed(answers(0.8, 1) - between).interval(0.95)
        assert min(abs(low), abs(high)) < 1e-6


def test_an_interval_that_reaches_beyond_the_sizes_is_open() -> None:
    top = labels_matched(answers(0.9, 2), CURVE)
    assert (top.low is not None, top.high) == (True, None)
    assert "the interval reaches above 800" in top.why
    bottom = labels_matched(answers(0.5, 2), CURVE)
    assert bottom.low == 0
    assert "the interval reaches below 50" in bottom.why


def test_an_arm_beyond_the_curve_has_bounds_only() -> None:
    better = labels_matched(answers(0.99, 1), CURVE)
    assert (better.value, better.at_least, better.low, better.high) == (None, 800, 800, None)
    assert better.why.startswith("beyond the sizes of the study: the control never does as well")
    worse = labels_matched(answers(0.2, 1), CURVE)
    assert (worse.value, worse.at_most, worse.low, worse.high) == (None, 50, 0, 50)


def test_what_cannot_be_had_is_withheld_in_words() -> None:
    one = labels_matched(answers(0.8, 1), CURVE[:1])
    assert one.value is None
    assert one.why == "one size only: there is no curve of the control to read it off"
    few = labels_matched(
        answers(0.8, 1)[:2], [ControlPoint(p.num_images, p.scores[:2]) for p in CURVE]
    )
    assert few.value is not None
    assert (few.low, few.high, few.why) == (None, None, "no interval: fewer than 3 seeds")


def test_sizes_of_the_same_number_are_one_point() -> None:
    twice = [*CURVE, ControlPoint(800, CURVE[2].scores)]
    assert labels_matched(answers(0.8, 1), twice) == labels_matched(answers(0.8, 1), CURVE)


@given(st.integers(0, 10_000), st.floats(-2, 2))
def test_a_line_of_tables_is_analysed_as_each_table_is(seed: int, t: float) -> None:
    draw = np.random.default_rng(seed)
    a, b = draw.integers(-1, 2, (2, 4, 30)).astype(np.int8)
    estimate, expected = CrossedLine(a, b).at(t), crossed(a + t * b)
    for name in ("mean", "error", "df", "between_seeds", "between_images", "rest"):
        assert getattr(estimate, name) == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-9)


# Estimates over seeds.


def test_means_over_seeds_have_a_t_interval() -> None:
    # V7: paired differences of mean .0055 with the interval [.00176012, .00923988].
    arm = np.array([0.912, 0.918, 0.915, 0.909, 0.921, 0.917])
    control = np.array([0.905, 0.911, 0.912, 0.908, 0.910, 0.913])
    estimate = over_seeds(list(arm - control), 100)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (0.55, 0.17601200, 0.92398800)
    )
    turned = over_seeds(list(arm - control), -100)
    assert (turned.low, turned.high) == pytest.approx((-0.92398800, -0.17601200))


def test_values_that_are_not_there_withhold_a_mean() -> None:
    for values in ([], [0.1, None, 0.2], [0.1, float("nan")]):
        assert over_seeds(values).value is None
        assert over_seeds(values).why
    two = over_seeds([0.1, 0.3])
    assert two.value == pytest.approx(0.2)
    assert two.low is None


def test_the_interval_of_errors_gone_is_that_of_the_gain_where_the_control_is_certain() -> None:
    # Every seed of the control makes the same errors: the ratio's interval is that of e_T alone.
    errors = 1 - answers(0.8, 3)
    control = np.broadcast_to((np.arange(400) < 100).astype(np.int8), (5, 400))
    estimate = error_reduction(errors, control)
    assert estimate.value == pytest.approx(1 - errors.mean() / 0.25)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < estimate.value < estimate.high  # type: ignore[operator]
    assert error_reduction(errors, np.zeros((5, 400), np.int8)).why == "the control makes no error"


def test_answers_that_do_not_differ_differ_by_exactly_nothing() -> None:
    same = gain_pp(answers(0.8, 1), answers(0.8, 1))
    assert (same.value, same.low, same.why) == (0.0, None, "no answer differs")
