"""A trained model as bytes: its tensors as safetensors, all else as JSON in their header."""

import json
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors.numpy import load, save
from typing_extensions import TypedDict

from headstart.core.hashing import canonical_json
from headstart.data.preprocess import Scaling, Standardiser
from headstart.model.trained import Origin, PixelType, TrainedModel
from headstart.study.decoding import Decoding
from headstart.study.network import AnyNetwork, Network
from headstart.study.network_files import FileNetwork

FORMAT = "headstart model 1"
WEIGHT, MEAN, DEVIATION = "weight/", "scaling/mean", "scaling/deviation"


class _Header(TypedDict):
    """All of a model but its tensors."""

    network: dict[str, Any]
    pixels: tuple[int, int, int]
    dtype: PixelType
    classes: tuple[str, ...]
    unit: float
    channels: int | None
    flipped: bool
    decoding: Decoding
    origin: Origin


_HEADER: TypeAdapter[_Header] = TypeAdapter(_Header)
_NETWORK: TypeAdapter[AnyNetwork] = TypeAdapter(Network)


def to_bytes(model: TrainedModel) -> bytes:
    """A model as a safetensors file that holds nothing but tensors and text."""
    height, width, channels = model.pixels
    scaling = model.scaling
    header: _Header = {
        "network": model.network.model_dump(mode="json"),
        "pixels": (height, width, channels),
        "dtype": model.dtype,
        "classes": model.classes,
        "unit": scaling.unit,
        "channels": scaling.channels,
        "flipped": scaling.flipped,
        "decoding": model.decoding,
        "origin": model.origin,
    }
    tensors = {WEIGHT + name: array for name, array in model.weights.items()}
    if scaling.standardiser is not None:
        tensors |= {MEAN: scaling.standardiser.mean, DEVIATION: scaling.standardiser.deviation}
    return save(
        # Not np.ascontiguousarray, which gives a single number a shape of (1,).
        {name: np.asarray(array, order="C") for name, array in tensors.items()},
        metadata={
            "format": FORMAT,
            "model": canonical_json(_HEADER.dump_python(header, mode="json")),
        },
    )


def from_bytes(content: bytes) -> TrainedModel:
    """The model that `to_bytes` wrote.

    Raises:
        ValueError: another version of headstart wrote it.
    """
    about = _metadata(content)
    if about.get("format") != FORMAT:
        raise ValueError(f"this is {about.get('format', 'no model of headstart')}, not {FORMAT}")
    header = _HEADER.validate_json(about["model"])
    tensors = dict(load(content))
    moments = [tensors.pop(name) for name in (MEAN, DEVIATION) if name in tensors]
    return TrainedModel(
        network=_network(header["network"]),
        pixels=header["pixels"],
        dtype=header["dtype"],
        classes=header["classes"],
        weights={name.removeprefix(WEIGHT): array for name, array in tensors.items()},
        scaling=Scaling(
            unit=header["unit"],
            standardiser=Standardiser(*moments) if moments else None,
            channels=header["channels"],
            flipped=header["flipped"],
        ),
        decoding=header["decoding"],
        origin=header["origin"],
    )


def _metadata(content: bytes) -> dict[str, str]:
    """Text in the header of a safetensors file: eight bytes of its length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return found


def _network(given: dict[str, Any]) -> AnyNetwork:
    if "content" in given:
        return FileNetwork.model_validate(given)
    return _NETWORK.validate_python(given)
