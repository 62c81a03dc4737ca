"""A Keras file as headstart uses it: graph without preprocessing, head, weights, remarks."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from headstart.core.errors import NetworkError
from headstart.networks.keras.files import KerasFile, open_file, read_arrays
from headstart.networks.keras.graph import Graph
from headstart.networks.keras.head import Headed, headed
from headstart.networks.keras.locate import Places
from headstart.networks.keras.parse import parse
from headstart.networks.keras.preprocessing import prepared
from headstart.study.network_facts import InputFacts

_WITHOUT_EFFECT = ("Identity", "ActivityRegularization")
_LOW_PRECISION = ("int8", "int4", "float8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a file says of its network.

    Attributes:
        file: the file.
        places: index of its arrays.
        headed: the graph that gives logits for prepared images, and its head.
        stored: means and variances of Normalization layers, by place.
        input: how images are to be prepared; None where the file does not say.
        white: the value of a white pixel before scaling layers of the file.
        notes: sentences on what was translated, changed and left out.
    """

    file: KerasFile
    places: Places
    headed: Headed
    stored: Mapping[str, np.ndarray]
    input: InputFacts | None
    white: float
    notes: tuple[str, ...]

    @property
    def fed(self) -> InputFacts | None:
        """How images are prepared for the file's own model, which runs its scaling layers."""
        if self.input is None:
            return None
        channels = self.input.channels
        return replace(self.input, mean=(0.0,) * channels, deviation=(1 / self.white,) * channels)


def read(name: str) -> Architecture:
    """The network in a file; read once for each version of the file."""
    path = Path(name).expanduser()
    if not path.exists():
        open_file(path)  # says what is wrong
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, modified: int, size: int) -> Architecture:
    del modified, size  # tell versions of the file apart
    file = open_file(path)
    places = Places(file)
    graph = parse(file)
    _check_precision(graph)
    stored = _normalization_arrays(file, places, graph)
    start = graph.without([call for call in graph.calls if call.layer.kind in _WITHOUT_EFFECT])
    ready = prepared(start, stored)
    found = headed(ready.graph)
    if not found.graph.calls:
        raise NetworkError(f"{path}: the model has no layer besides its preprocessing.")
    return Architecture(
        file=file,
        places=places,
        headed=found,
        stored=stored,
        input=ready.input,
        white=ready.white,
        notes=(*_summary(file, graph), *ready.notes, *found.notes, *remarks(graph)),
    )


def _check_precision(graph: Graph) -> None:
    for call in graph.calls:
        policy = call.layer.config.get("dtype")
        name = policy.get("config", {}).get("name") if isinstance(policy, Mapping) else policy
        if str(name).startswith(_LOW_PRECISION):
            raise call.layer.refuse(f"is quantised ({name}; allowed: floating point)")


def _normalization_arrays(file: KerasFile, places: Places, graph: Graph) -> dict[str, np.ndarray]:
    wanted: dict[str, str] = {}
    for call in graph.calls:
        if call.layer.kind == "Normalization" and call.layer.config.get("mean") is None:
            for number, part in enumerate(("mean", "variance")):
                place = places.find(call.layer, number, (part,))
                if place is not None:
                    wanted[f"{call.layer.store}/{part}"] = place
    arrays = read_arrays(file, wanted.values()) if wanted else {}
    return {key: arrays[place] for key, place in wanted.items()}


def _summary(file: KerasFile, graph: Graph) -> list[str]:
    layers = {call.layer.path for call in graph.calls}
    version = file.version or "of an unknown version"
    return [f"{len(layers)} layers read from a file of Keras {version}"]


def remarks(graph: Graph) -> list[str]:
    """Sentences on layers that behave otherwise than one may think."""
    layers = {call.layer.path: call.layer for call in graph.calls}
    notes = []
    kept = Counter(layer.kind for layer in layers.values() if "Drop" in layer.kind)
    if kept:
        notes.append(f"kept: {', '.join(f'{num} {kind}' for kind, num in kept.items())}")
    slopes = {layer.leaky_slope for layer in layers.values() if layer.kind == "LeakyReLU"}
    if slopes:
        notes.append(f"LeakyReLU with slope {', '.join(f'{slope:g}' for slope in sorted(slopes))}")
    fixed = sum(layer.config.get("trainable") is False for layer in layers.values())
    if fixed:
        notes.append(f"{fixed} layers are not trainable in the file; here the strategy decides")
    if any(call.training is not None for call in graph.calls):
        notes.append("the file fixes the mode of some calls (training=); here the strategy decides")
    return notes
