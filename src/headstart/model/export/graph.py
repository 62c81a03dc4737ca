"""Trained model as one traced graph: pixels in, probabilities out, scaling inside."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from headstart.analyse.text import shorten
from headstart.core.errors import NetworkError
from headstart.data.preprocess import Scaling
from headstart.model.trained import TrainedModel
from headstart.networks.inference import InferenceModule, inference_module

MOST_SHOWN = 300  # characters of another program's error


class PixelClassifier(nn.Module):
    """Scaling, network and softmax: what a predictor does with decoded images."""

    def __init__(self, scaling: Scaling, network: InferenceModule, channels: int) -> None:
        super().__init__()
        self.network = network
        self._scaling, self._channels = scaling, channels
        if scaling.standardiser is not None:
            self.register_buffer("mean", torch.from_numpy(scaling.standardiser.mean))
            self.register_buffer("deviation", torch.from_numpy(scaling.standardiser.deviation))

    mean: Tensor
    deviation: Tensor

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities (batch, classes) of pixels, uint8 (batch, height, width, channels)."""
        inputs = pixels.to(torch.float32) / self._scaling.unit
        if pixels.shape[3] != self._channels:  # grey for a network that takes colours
            inputs = inputs.expand(-1, -1, -1, self._channels)
        if self._scaling.flipped:
            inputs = inputs.flip(3)
        if self._scaling.standardiser is not None:
            inputs = (inputs - self.mean) / self.deviation
        logits: Tensor = self.network(inputs.permute(0, 3, 1, 2))
        return logits.softmax(1)


def classifier(model: TrainedModel) -> PixelClassifier:
    """The module of a trained model."""
    network = inference_module(model.network, model.image, len(model.classes), model.weights)
    return PixelClassifier(model.scaling, network, model.image[2]).eval()


def traced(model: TrainedModel) -> ExportedProgram:
    """The graph of a trained model for any number of images.

    Raises:
        NetworkError: PyTorch cannot trace the network, or only for one number of images.
    """
    pixels = torch.zeros(2, *model.pixels, dtype=torch.uint8)
    try:
        with quiet(), torch.no_grad():
            return torch.export.export(
                classifier(model), (pixels,), dynamic_shapes=({0: Dim("batch")},), strict=False
            )
    except Exception as error:  # of a dozen kinds, some of them private
        reason = shorten(str(error).strip().partition("\n")[0], MOST_SHOWN)
        raise NetworkError(
            f"network '{model.network_name}' cannot be exported as a graph: {reason} "
            "Export its weights instead: a FILE that ends in .safetensors."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings, and none of what exporters print about their own work."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
