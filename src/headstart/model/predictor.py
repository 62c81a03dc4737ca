"""Predictions of a trained model for arrays and image files, as the predict step makes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from headstart.core.errors import DataError
from headstart.core.thread_budget import allowing_threads
from headstart.data.progress import Progress, reporting
from headstart.execute.environment import device_for, usable_cores
from headstart.execute.options import Device
from headstart.model.image_files import ImageGroup, common_folder, image_groups
from headstart.model.trained import TrainedModel
from headstart.networks.build import build
from headstart.networks.reproducible import one_thread_an_operation
from headstart.train.forward import MOST
from headstart.train.phase_config import Examples
from headstart.train.prediction import predictions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePrediction:
    """Prediction for one image file.

    `probabilities` are those of all classes by name, the most probable first. For a file that
    cannot be decoded they are empty, and `broken` says why.
    """

    file: str
    probabilities: dict[str, float]
    broken: str = ""

    @property
    def class_name(self) -> str:
        """The most probable class; empty for a broken file."""
        return next(iter(self.probabilities), "")


class Predictor:
    """A trained model ready to predict, on one device.

    Images are computed 128 at a time (on a GPU more), as in the predict step, so that all test
    images together give what that step stored, bit for bit.
    """

    def __init__(self, model: TrainedModel, device: Device = "auto") -> None:
        self.model = model
        self._device = torch.device(device_for(device))
        module = build(model.network, model.image, len(model.classes), model.weights)
        self._module = module.to(self._device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the probabilities."""
        return self.model.classes

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Probability of every class, float32 (n, classes).

        Args:
            pixels: decoded images (n, height, width, channels), uint8 or, for a model of floats,
                float32.

        Raises:
            DataError: they are of another type or shape.
        """
        self._check(pixels)
        if not len(pixels):
            return np.empty((0, len(self.classes)), np.float32)
        examples = Examples(
            inputs=np.ascontiguousarray(pixels).transpose(0, 3, 1, 2),
            labels=np.zeros(len(pixels), np.int64),
            scaling=self.model.scaling,
        )
        with allowing_threads(usable_cores()), one_thread_an_operation():
            return predictions_of(self._module, examples, self._device).probabilities

    def predict(self, images: Sequence[Path | str] | Path | str) -> Iterator[ImagePrediction]:
        """Predictions for image files, folders of images and archives, in order.

        Files are decoded as the training images were, batch by batch.

        Args:
            images: a path, or several, of files, folders or archives.

        Raises:
            DataError: a path is not there, or a folder holds no image files.
        """
        given = [images] if isinstance(images, Path | str) else images
        return self.predictions(image_groups([Path(path) for path in given]))

    def predictions(self, groups: Sequence[ImageGroup]) -> Iterator[ImagePrediction]:
        """Predictions for groups of image files, in order, with progress."""
        if not groups:
            return
        model, done = self.model, 0
        place = common_folder(group.reader.path for group in groups)
        num = sum(len(group) for group in groups)
        report = reporting(Progress(what="predicting", place=place, num=num, once=False))
        for group in groups:
            at_once = MOST[self._device.type] * usable_cores()
            for batch in group.batches(model.decoding, model.pixels, at_once):
                answers = self.probabilities(batch.pixels)
                for title, row in zip(batch.titles, answers, strict=True):
                    yield self._prediction(title, row, batch.broken.get(title, ""))
                done += len(batch.titles)
                report(done)

    def _prediction(self, title: str, row: np.ndarray, broken: str) -> ImagePrediction:
        order = () if broken else np.argsort(-row, kind="stable")
        found = {self.classes[at]: float(row[at]) for at in order}
        return ImagePrediction(file=title, probabilities=found, broken=broken)

    def _check(self, pixels: np.ndarray) -> None:
        if pixels.dtype != self.model.dtype or pixels.shape[1:] != self.model.pixels:
            raise DataError(
                f"images are {pixels.dtype} {pixels.shape}. Expected {self.model.dtype} of shape "
                f"(n, {', '.join(map(str, self.model.pixels))}): height, width and channels of "
                f"the images that '{self.model.origin.arm}' was trained on."
            )
