"""Predictions of a trained model for arrays and image files, as the predict step makes them."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from headstart.core.errors import DataError
from headstart.execute.environment import device_for
from headstart.execute.options import Device
from headstart.model.trained import TrainedModel
from headstart.networks.build import build
from headstart.train.phase_config import Examples
from headstart.train.prediction import predictions_of


class Predictor:
    """A trained model ready to predict, on one device.

    Several images are predicted 128 at a time (on a GPU more), so the test images together give
    what the predict step stored, bit for bit.
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
            pixels: decoded images, uint8 (n, height, width, channels).

        Raises:
            DataError: they are of another type or shape.
        """
        self._check(pixels)
        if not len(pixels):
            return np.empty((0, len(self.classes)), np.float32)
        examples = Examples(
            inputs=pixels.transpose(0, 3, 1, 2),
            labels=np.zeros(len(pixels), np.int64),
            scaling=self.model.scaling,
        )
        with _one_thread():
            return predictions_of(self._module, examples, self._device).probabilities

    def _check(self, pixels: np.ndarray) -> None:
        if pixels.dtype != np.uint8 or pixels.shape[1:] != self.model.pixels:
            raise DataError(
                f"images are {pixels.dtype} {pixels.shape}. Expected uint8 of shape "
                f"(n, {', '.join(map(str, self.model.pixels))}): height, width and channels of "
                f"the images that '{self.model.origin.arm}' was trained on."
            )


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for each torch operation, as in training: more of them round differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
