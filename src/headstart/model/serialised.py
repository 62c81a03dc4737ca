"""Trained model as the bytes of a safetensors file: weights as tensors, the rest as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.numpy import load, save

from headstart.core.errors import CheckpointError
from headstart.core.hashing import Json
from headstart.data.preprocess import Scaling, Standardiser
from headstart.model.trained import Origin, TrainedModel
from headstart.networks.facts import content_of
from headstart.networks.weights import Weights
from headstart.study.decoding import Decoding
from headstart.study.network import AnyNetwork, Network
from headstart.study.network_files import FileNetwork

VERSION = 1  # raised when the description means something else
KEY = "headstart"  # of the description among the metadata

_NETWORK: TypeAdapter[AnyNetwork] = TypeAdapter(Network)
_DECODING = TypeAdapter(Decoding)
_ORIGIN = TypeAdapter(Origin)


def to_bytes(model: TrainedModel) -> bytes:
    """The file: any reader of safetensors finds the tensors, `from_bytes` the model."""
    arrays = {name: np.asarray(array, order="C") for name, array in model.weights.items()}
    classes = json.dumps(model.classes)
    description = json.dumps(_description(model))
    return save(arrays, metadata={"format": "pt", "classes": classes, KEY: description})


def read_file(path: Path) -> TrainedModel:
    """The model in a file.

    Raises:
        CheckpointError: it cannot be read, or headstart has not written it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return from_bytes(content)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def from_bytes(content: bytes) -> TrainedModel:
    """The model in the content of a file.

    Raises:
        CheckpointError: it is torn, or headstart has not written it.
    """
    metadata, arrays = _opened(content)
    if KEY not in metadata:
        raise CheckpointError(
            "there are tensors in it, but no model of headstart. Expected a file that "
            "`headstart export STUDY model.safetensors` wrote."
        )
    found: dict[str, Any] = json.loads(metadata[KEY])
    if found["version"] != VERSION:
        raise CheckpointError(
            f"it is of version {found['version']}; this headstart reads {VERSION}. "
            "Export the model again."
        )
    return TrainedModel(
        network=_network_from(found["network"]),
        pixels=tuple(found["pixels"]),
        dtype=found["dtype"],
        classes=tuple(found["classes"]),
        weights=arrays,
        scaling=_scaling_from(found["scaling"]),
        decoding=_DECODING.validate_python(found["decoding"]),
        origin=_ORIGIN.validate_python(found["origin"]),
    )


def _description(model: TrainedModel) -> Json:
    return {
        "version": VERSION,
        "network": model.network.model_dump(mode="json"),
        "pixels": list(model.pixels),
        "dtype": model.dtype,
        "classes": list(model.classes),
        "scaling": _scaling_json(model.scaling),
        "decoding": asdict(model.decoding),
        "origin": asdict(model.origin),
    }


def _network_from(found: Json) -> AnyNetwork:
    """The network: declared with all its layers, or named; one made of files has their hash too."""
    if "content" not in found:
        return _NETWORK.validate_python(found)
    network = FileNetwork(**found)
    if content_of(network) != network.content:
        raise CheckpointError(
            f"its network {network} has changed since the model was trained. Put the file back as "
            "it was."
        )
    return network


def _scaling_json(scaling: Scaling) -> Json:
    moments = scaling.standardiser and {
        "mean": scaling.standardiser.mean.tolist(),
        "deviation": scaling.standardiser.deviation.tolist(),
    }
    return {
        "unit": scaling.unit,
        "channels": scaling.channels,
        "flipped": scaling.flipped,
        "standardiser": moments,
    }


def _scaling_from(found: Json) -> Scaling:
    moments = found.pop("standardiser")
    arrays = {name: np.array(values, np.float32) for name, values in (moments or {}).items()}
    return Scaling(**found, standardiser=Standardiser(**arrays) if moments else None)


def _opened(content: bytes) -> tuple[dict[str, str], Weights]:
    """Metadata and tensors of a safetensors file."""
    try:
        arrays = dict(load(content))
    except SafetensorError as error:
        raise CheckpointError(f"it is no whole safetensors file: {error}.") from error
    size = int.from_bytes(content[:8], "little")
    return dict(json.loads(content[8 : 8 + size]).get("__metadata__", {})), arrays
