"""Outcomes of single images, against counts made by hand."""

from typing import Any

import numpy as np
import pytest

from headstart.image_outcomes import ImageAnswers, image_answers, outcomes, surest

NAN = float("nan")


def answers(num_wrong: list[int], probability: list[float], num_seeds: int = 3) -> ImageAnswers:
    return ImageAnswers(
        num_seeds=np.full(len(num_wrong), num_seeds),
        num_wrong=np.array(num_wrong),
        answer=np.zeros(len(num_wrong), np.int64),
        probability=np.array(probability),
    )


def by_seed(
    *seeds: tuple[list[int], list[list[float]]],
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [
        (np.arange(len(classes)), np.array(classes), np.array(probabilities))
        for classes, probabilities in seeds
    ]


def test_answers_over_seeds_are_the_wrong_class_that_most_seeds_gave() -> None:
    labels = np.array([0, 1, 2, 0])
    found = image_answers(
        labels,
        by_seed(
            ([1, 1, 0, 1], [[0.2, 0.8, 0], [0.1, 0.9, 0], [0.6, 0.1, 0.3], [0.4, 0.5, 0.1]]),
            ([1, 1, 1, 2], [[0.3, 0.7, 0], [0.2, 0.8, 0], [0.1, 0.5, 0.4], [0.1, 0.1, 0.8]]),
            ([2, 1, 2, 0], [[0.3, 0.1, 0.6], [0.3, 0.7, 0], [0.2, 0.2, 0.6], [0.9, 0, 0.1]]),
        ),
    )
    assert found.num_seeds.tolist() == [3] * 4
    assert found.num_wrong.tolist() == [3, 0, 2, 2]
    # Of classes that equally many seeds gave, the more probable one: 0.9 / 3 against 0.8 / 3 for
    # the third image, 1.0 / 3 against 0.6 / 3 for the fourth.
    assert found.answer.tolist() == [1, 1, 0, 2]
    assert found.probability == pytest.approx([1.6 / 3, 2.4 / 3, 0.9 / 3, 1.0 / 3])


def test_a_network_that_diverged_has_an_answer_without_a_probability() -> None:
    found = image_answers(np.array([0]), by_seed(([1], [[NAN, NAN]])))
    assert (found.num_wrong.tolist(), found.answer.tolist()) == ([1], [1])
    assert np.isnan(found.probability).all()


def test_answers_need_a_seed() -> None:
    with pytest.raises(ValueError, match="at least one seed for every image"):
        image_answers(np.array([0]), [])


@pytest.mark.parametrize(
    ("num_seeds", "expected"),
    [
        (1, {"both right": [0], "put right": [1], "broken": [2], "both wrong": [3]}),
        (2, {"both right": [0], "both wrong": [4], "undecided": [1, 2, 3]}),
        (3, {"both right": [0, 1, 2, 3], "both wrong": [4]}),
    ],
)
def test_every_image_has_one_outcome(num_seeds: int, expected: dict[Any, list[int]]) -> None:
    num_wrong, control = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2])
    if num_seeds == 1:
        num_wrong, control = num_wrong[:4], control[:4]
    found = outcomes(num_wrong, control, num_seeds)
    assert np.sum(list(found.values()), axis=0).tolist() == [1] * len(num_wrong)
    assert {kind: at.tolist() for kind, i in found.items() if len(at := np.flatnonzero(i))} == (
        expected
    )


def test_the_surest_come_first_and_no_more_than_asked_for() -> None:
    arm = answers([3, 2, 3, 0, 1, 0, 3], [0.5, 0.99, 0.9, 0.4, 0.4, 0.4, NAN])
    control = answers([0, 0, 3, 3, 3, 2, 3], [0.9, 0.9, 0.8, 0.6, 0.99, 0.99, 0.5])
    found = surest(arm, control, most=12)
    assert {kind: at.tolist() for kind, at in found.items()} == {
        "wrong": [2, 0, 6, 1],  # all seeds first, then by probability; none known comes last
        "put right": [3, 4, 5],  # three seeds, then two of which the fourth is the surer
        "broken": [0, 1],
    }
    assert [at.tolist() for at in surest(arm, control, most=1).values()] == [[2], [3], [0]]
