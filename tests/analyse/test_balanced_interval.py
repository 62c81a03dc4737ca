"""Interval of a gain in balanced accuracy: error rate and coverage where classes are unequal."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from synthetic import PAIR, finished, records_of, study_of

from headstart.analyse.compare import compare_all
from headstart.analyse.paired import answers_of, paired
from headstart.analyse.records import Records
from headstart.analyse.statistics import Crossed, crossed
from headstart.metrics import ACCURACY, BALANCED_ACCURACY, Metric

LEVEL = 0.05
STUDIES = 400
TWO = (0.9, 0.1)
RARE = (0.95, 0.04, 0.01)


def compared(
    key: int,
    shares: Sequence[float],
    gains: Sequence[float],
    *,
    seeds: int = 5,
    images: int = 400,
    seed_sd: float = 0.03,
) -> Crossed:
    """An arm against its control, by balanced accuracy.

    Test images are drawn with their classes, at least one of each. Images differ in how hard they
    are, for both arms alike; a seed moves each arm in each class by an amount of its own.

    Args:
        key: of the random draws.
        shares: of the classes among new test images.
        gains: true gain in each class, where accuracy is 0.6 without it.
        seeds: of both arms.
        images: in the test part.
        seed_sd: deviation over seeds of the accuracy of an arm on a class.
    """
    drawn = np.random.default_rng(key)
    labels = np.concatenate([np.arange(len(shares)), drawn.choice(len(shares), images, p=shares)])
    labels = labels[:images]
    hard = drawn.uniform(size=images)
    tables = []
    for gain in (np.asarray(gains), np.zeros(len(shares))):
        chance = 0.6 + (gain + drawn.normal(0, seed_sd, (seeds, len(shares))))[:, labels]
        # Uniform over images and answers; an image that is hard is hard in most seeds.
        ease = (hard + drawn.normal(0, 0.1, (seeds, images))) % 1
        tables.append(ease < chance)
    weights = BALANCED_ACCURACY.weights(labels)
    return crossed(weights * tables[0] - weights * tables[1], float(weights.max()))


@pytest.mark.parametrize("shares", [TWO, RARE, (0.25,) * 4])
@pytest.mark.parametrize("seed_sd", [0.0, 0.03])
def test_without_a_difference_few_intervals_exclude_it(
    shares: tuple[float, ...], seed_sd: float
) -> None:
    false = false_alarms(shares, seed_sd, STUDIES)
    assert false <= scipy.stats.binom.ppf(0.99, STUDIES, LEVEL)


def false_alarms(shares: tuple[float, ...], seed_sd: float, studies: int) -> int:
    """Studies of two equal arms whose interval excludes 0."""
    nothing = (0.0,) * len(shares)
    results = (compared(key, shares, nothing, seed_sd=seed_sd) for key in range(studies))
    return sum(result.cautious_p < LEVEL for result in results)


@pytest.mark.parametrize(("shares", "gains"), [(TWO, (0.0, 0.2)), (RARE, (0.02, 0.1, 0.25))])
def test_a_gain_that_differs_between_classes_is_covered(
    shares: tuple[float, ...], gains: tuple[float, ...]
) -> None:
    covered = coverage(shares, gains, STUDIES)
    assert covered >= scipy.stats.binom.ppf(0.01, STUDIES, 1 - LEVEL)


def coverage(shares: tuple[float, ...], gains: tuple[float, ...], studies: int) -> int:
    """Studies whose interval holds the true gain, the mean over classes."""
    ends = [compared(key, shares, gains).interval(1 - LEVEL) for key in range(studies)]
    return sum(bool(low <= np.mean(gains) <= high) for low, high in ends)


def unequal(right: dict[str, np.ndarray], labels: np.ndarray, metric: Metric) -> Records:
    """Records of test images with these classes, answered rightly or with the class above."""
    return {
        cell: {
            seed: replace(
                record,
                labels=labels,
                classes=np.where(record.correct, labels, labels + 1),
                metric=metric,
            )
            for seed, record in by_seed.items()
        }
        for cell, by_seed in records_of(right).items()
    }


def test_gains_are_means_over_classes_and_accuracy_is_one_over_images() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    scratch = np.array([[1] * 8 + [0, 0]] * 3)
    full = np.array([[1] * 6 + [0, 0] + [1, 1], [1] * 8 + [1, 0], [1] * 8 + [1, 1]])
    right = {"scratch": scratch, "full": full}
    study = study_of(["scratch", "full"], seeds=3)
    (plain,) = compare_all(finished(study, unequal(right, labels, ACCURACY)))
    assert plain.gains_pp == pytest.approx((0, 10, 20))
    (c,) = compare_all(finished(study, unequal(right, labels, BALANCED_ACCURACY)))
    assert c.gains_pp == pytest.approx((37.5, 25, 50))
    assert c.gain_pp == pytest.approx(37.5)
    assert c.error_reduction == pytest.approx(0.75)  # balanced errors: 50 %, then 12.5 %
    assert c.low_pp is not None
    assert c.high_pp is not None
    assert -100 <= c.low_pp < 37.5 < c.high_pp <= 100


def test_three_images_of_a_class_that_agree_do_not_show_that_it_gains_nothing() -> None:
    labels = np.array([0] * 400 + [1] * 3)
    scratch = np.ones((5, 403), np.int8)
    full = scratch.copy()
    full[[0, 3], [7, 90]] = 0  # two answers of the common class differ
    right, study = {"scratch": scratch, "full": full}, study_of(["scratch", "full"])
    (plain,) = compare_all(finished(study, unequal(right, labels, ACCURACY)))
    assert plain.verdict == "no measurable difference"
    (c,) = compare_all(finished(study, unequal(right, labels, BALANCED_ACCURACY)))
    assert c.verdict == "not enough evidence"
    assert c.low_pp is not None
    assert c.low_pp < -100 / 2 / 3  # no surer than if one of the three had come out otherwise


def test_both_right_on_few_images_of_a_class_may_differ_by_much() -> None:
    labels = np.array([0] * 57 + [1] * 3)
    right = dict.fromkeys(("scratch", "full"), np.ones((3, 60), np.int8))
    study = study_of(["scratch", "full"], seeds=3)
    (c,) = compare_all(finished(study, unequal(right, labels, BALANCED_ACCURACY)))
    assert c.verdict == "no measurable difference"
    assert f"by up to {50 * (1 - (1 - c.confidence) ** (1 / 3)):.2g} pp" in c.why


def test_equal_classes_have_the_interval_of_accuracy() -> None:
    drawn = np.random.default_rng(0)
    labels = np.arange(60) % 3
    right = {arm: drawn.integers(0, 2, (4, 60)).astype(np.int8) for arm in ("scratch", "full")}
    pairs = []
    for metric in (ACCURACY, BALANCED_ACCURACY):
        answers = answers_of(unequal(right, labels, metric), (0, 1, 2, 3))
        pairs.append(paired(answers[*PAIR, "20", "full"], answers[*PAIR, "20", "scratch"]))
    plain, balanced = pairs
    assert plain is not None
    assert balanced is not None
    assert balanced.gains == pytest.approx(plain.gains)
    assert balanced.interval_pp(0.05) == pytest.approx(plain.interval_pp(0.05))
