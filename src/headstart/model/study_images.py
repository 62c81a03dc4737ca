"""Images of the study that a model was trained and tested on, to check what is made of it."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from headstart.core.errors import DataError
from headstart.data.datasets import facts_of
from headstart.data.find import where
from headstart.data.images import Images
from headstart.execute.steps.inputs import test_images, training_images
from headstart.plan.payload_types import DataPayload
from headstart.plan.payloads import images_name
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyImages:
    """Training images of a trial's task, and its test images without those that leaked.

    They are read from the data set when they are asked for.
    """

    plan: Plan
    trial: Trial
    leaked: np.ndarray  # positions among the test images

    def training(self, num: int) -> np.ndarray:
        """Pixels of at most so many training images, uint8 (n, height, width, channels).

        Raises:
            DataError: the data set is not there any more, or holds other images.
        """
        step = self.plan.steps[self.trial.train_keys[0]]
        _require_same(step)
        images = training_images(step.payload["data"], step.datasets).train
        return images.taken(np.arange(min(num, len(images)))).pixels

    def test(self) -> Images:
        """Test images with their labels.

        Raises:
            DataError: the data set is not there any more, or holds other images.
        """
        step = self.plan.steps[self.trial.predict_key]
        _require_same(step)
        images = test_images(step.payload["data"], step.datasets)
        return images.taken(np.delete(np.arange(len(images)), self.leaked))


def _require_same(step: Step) -> None:
    """Check that the data set of a step holds what it held when the study was planned."""
    payload = cast(DataPayload, step.payload["data"])
    data = step.datasets[images_name(payload)]
    if facts_of(data).content != payload["content"]:
        raise DataError(
            f"the images in {where(data.dataset).path} are not those of the study: some have "
            "changed, or another data set lies there now.\n"
            "     Go to the folder that the study was run in, or run it again."
        )


def study_images(plan: Plan, trial: Trial, store: Store) -> StudyImages:
    """The images of a trial."""
    overlap = plan.steps[trial.score_key].inputs[1:]
    leaked = store.arrays(overlap[0])["leaked"] if overlap else np.empty(0, np.int64)
    return StudyImages(plan=plan, trial=trial, leaked=leaked)
