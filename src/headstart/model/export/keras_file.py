"""Trained model as a `.keras` file, where its network came from a Keras file."""

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import ExportError
from headstart.data.preprocess import Scaling
from headstart.model.export.agreement import Answer
from headstart.model.export.graph import quiet
from headstart.model.trained import TrainedModel
from headstart.networks.facts import input_facts_of
from headstart.study.network import LibraryNetwork

KINDS = ("keras", "keras-on-torch")


def keras_bytes(model: TrainedModel, metadata: Mapping[str, str]) -> bytes:
    """The file: pixels in (as floats), probabilities out. Metadata are further members of its zip.

    Raises:
        ExportError: the network came from elsewhere. NetworkError: Keras is not installed or
            cannot hold the network.
    """
    network = model.network
    if not isinstance(network, LibraryNetwork) or network.kind not in KINDS:
        raise ExportError(
            "a .keras file is written of networks that came from one; this is "
            f"'{model.network_name}'. Allowed for it: a FILE that ends in .onnx, .pt2 or "
            ".safetensors."
        )
    from headstart.networks.keras.write_back import keras_model

    made = keras_model(network, model.image, len(model.classes), model.weights)
    # A file that scales its images itself still does; its translation has no such layers.
    if network.kind != "keras" or input_facts_of(network) is None:
        made = _scaled(made, model)
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder, "model.keras")
        made.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            for name, text in metadata.items():
                archive.writestr(f"headstart/{name}", text)
        return path.read_bytes()


def in_keras(content: bytes) -> Answer:
    """Answers of Keras to pixels, for the bytes of a file."""
    from headstart.networks.keras.fallback import opened

    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder, "model.keras")
        path.write_bytes(content)
        model = opened(str(path))

    def answer(pixels: np.ndarray) -> np.ndarray:
        with quiet():
            return np.asarray(model(pixels.astype(np.float32), training=False).detach())

    return answer


def _scaled(made: Any, model: TrainedModel) -> Any:
    """The model with a layer in front that scales pixels."""
    scale, offset = _affine(model.scaling, model.pixels[2])
    if (scale == 1).all() and not offset.any():
        return made
    import keras

    pixels = keras.Input(model.pixels)
    layer = keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="scaling")
    return keras.Model(pixels, made(layer(pixels)))


def _affine(scaling: Scaling, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Factor and summand of each channel.

    Raises:
        ExportError: scaling is another for each pixel, or changes the channels.
    """
    mean, deviation = np.zeros(channels), np.ones(channels)
    if scaling.standardiser is not None:
        mean, deviation = (
            moment.astype(np.float64).reshape(-1)
            for moment in (scaling.standardiser.mean, scaling.standardiser.deviation)
        )
    if len(mean) != channels or scaling.flipped or scaling.channels not in (None, channels):
        raise ExportError(
            "the images of this study are scaled pixel by pixel, or their channels are changed, "
            "which no layer of Keras does. Allowed: a FILE that ends in .onnx, .pt2 or "
            ".safetensors."
        )
    return 1 / (scaling.unit * deviation), -mean / deviation
