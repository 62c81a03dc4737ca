"""Mistake steps: the test images that an arm gets wrong, puts right or breaks, with pictures.

They run once all predictions are there, and change none of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np

from headstart.core.hashing import Json
from headstart.data.datasets import Images
from headstart.data.thumbnails import thumbnails
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.inputs import test_images
from headstart.execute.steps.outcome import Outcome, finite
from headstart.image_outcomes import MOST_LISTED, ImageAnswers, image_answers, surest
from headstart.plan.payload_types import MistakesPayload
from headstart.plan.preference import mean_accuracy, preferred
from headstart.plan.steps import Step
from headstart.store.blobs import Arrays
from headstart.store.reading import StepRow

Answered = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of one seed: the test images that did not leak, the classes and the probabilities given."""

LARGEST = 96  # rows and columns of a picture


def mistakes_step(step: Step, context: StepContext) -> Outcome:
    """Images of every kind, for the transfer arm that validation prefers."""
    payload, finished = cast(MistakesPayload, step.payload), context.finished
    rows = finished.rows(step.inputs)

    def predictions(numbers: list[int]) -> list[StepRow]:
        return [rows[step.inputs[number]] for number in numbers]

    number = preferred(
        range(len(payload["arms"])), lambda arm: _validation(predictions(payload["arms"][arm]))
    )
    images = test_images(payload["test"], step.datasets)
    overlap = payload["overlap"]
    of_arm = payload["arms"][number]
    same = payload["control"][: len(of_arm)]  # the seeds of the arm, of which it may have fewer
    searches = overlap[: len(same)] if isinstance(overlap, list) else [overlap] * len(same)
    leaked = [finished.arrays_of(rows[step.inputs[search]])["leaked"] for search in searches]

    def answered(numbers: list[int]) -> list[Answered]:
        by_seed = map(finished.arrays_of, predictions(numbers))
        return [_answered(arrays, of) for arrays, of in zip(by_seed, leaked, strict=True)]

    of_control = answered(same)
    kept = np.unique(np.concatenate([at for at, _, _ in of_control]))
    arm, control = (
        _answers(images.labels[kept], kept, by_seed) for by_seed in (answered(of_arm), of_control)
    )
    listed = list(_listed(arm, control, images, kept))
    return Outcome(
        result={"arm": number, "images": listed},
        arrays={"pictures": thumbnails([images.image(one["index"]) for one in listed], LARGEST)},
    )


def _validation(predictions: Sequence[StepRow]) -> float | None:
    return mean_accuracy(row.result["checkpoint"].get("validation_accuracy") for row in predictions)


def _answered(arrays: Arrays, leaked: np.ndarray) -> Answered:
    answers = (arrays["classes"], arrays["probabilities"])
    images = arrays.get("images", np.arange(len(arrays["classes"])))
    at, classes, probabilities = (np.delete(array, leaked, 0) for array in (images, *answers))
    return at, classes, probabilities


def _answers(labels: np.ndarray, kept: np.ndarray, by_seed: Iterable[Answered]) -> ImageAnswers:
    return image_answers(
        labels,
        (
            (np.searchsorted(kept, at), classes, probabilities)
            for at, classes, probabilities in by_seed
        ),
    )


def _listed(
    arm: ImageAnswers, control: ImageAnswers, images: Images, kept: np.ndarray
) -> Iterator[Json]:
    """Every image with what the arm and the control make of it."""
    for kind, positions in surest(arm, control, MOST_LISTED).items():
        for at in positions.tolist():
            index = int(kept[at])
            yield {
                "kind": kind,
                "index": index,
                "file": images.file(index),
                "label": int(images.labels[index]),
                "num_seeds": int(arm.num_seeds[at]),
                "arm": _answer(arm, at),
                "control": _answer(control, at),
            }


def _answer(of: ImageAnswers, at: int) -> Json:
    return {
        "num_wrong": int(of.num_wrong[at]),
        "answer": int(of.answer[at]),
        "probability": finite(float(of.probability[at])),
    }
