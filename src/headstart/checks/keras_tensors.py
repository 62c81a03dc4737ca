"""Variables of a Keras model: Keras 3 on any backend, and tf.keras."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from headstart.checks.tensors import Snapshot, Tensor, kind_of, plain
from headstart.core.errors import NetworkError


def of_keras(model: Any) -> Snapshot:
    """Weights of a model or a layer; those that are never trained too.

    Raises:
        NetworkError: it has not been built, so that it has no weights yet.
    """
    of = type(model).__name__
    _refuse_unbuilt(of, model)
    found: dict[int, Tensor] = {}
    names, places = Counter[str](), Counter[str]()
    # In Keras 2 a layer that is not trainable does not say so to its variables.
    trained = {id(variable) for variable in model.trainable_weights}
    for one in [*_in_layers(model, "", ""), *_own(model, "", "")]:
        if id(one.variable) not in found:
            name, place = _numbered(one.name, names), _numbered(one.place, places)
            trainable = id(one.variable) in trained
            found[id(one.variable)] = _tensor(one.variable, name, place, trainable=trainable)
    return Snapshot(of=of, tensors=tuple(found.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A variable with its name and its place."""

    variable: Any
    name: str
    place: str


def _in_layers(model: Any, name: str, place: str) -> Iterator[_Named]:
    """Variables of the layers of a model, each below the names of the layers around it."""
    counts: Counter[str] = Counter()
    for layer in getattr(model, "layers", ()):
        inner = f"{name}{layer.name}/"
        inner_place = f"{place}{_numbered_anew(layer, counts)}."
        yield from _in_layers(layer, inner, inner_place)
        yield from _own(layer, inner, inner_place)


def _own(layer: Any, name: str, place: str) -> Iterator[_Named]:
    """All variables of a layer by what their paths say behind the layer's name."""
    inner = _Renumbered()
    for variable in layer.weights:
        path = str(getattr(variable, "path", variable.name)).partition(":")[0]
        behind = path.rpartition(f"{layer.name}/")[2]
        yield _Named(
            variable=variable, name=f"{name}{behind}", place=f"{place}{inner.of(behind.split('/'))}"
        )


class _Renumbered:
    """Paths inside a layer, with the layers in it numbered by their order."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, parts: Sequence[str]) -> str:
        """A path of layers and at last the variable, as a place."""
        place = ""
        for depth in range(1, len(parts)):
            path = tuple(parts[:depth])
            if path not in self._known:
                own = _without_number(parts[depth - 1])
                self._known[path] = _numbered(f"{place}{own}", self._counts)
            place = f"{self._known[path]}."
        return f"{place}{parts[-1]}"


def _numbered_anew(layer: Any, counts: Counter[str]) -> str:
    """Name of a layer; one that Keras has numbered in this process is numbered in its model."""
    own = _without_number(layer.name)
    if own.replace("_", "") != type(layer).__name__.lower():
        return str(layer.name)
    return _numbered(own, counts)


def _without_number(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _numbered(name: str, counts: Counter[str]) -> str:
    """A name that is new among those counted: the second one gets _1, as Keras does it."""
    counts[name] += 1
    return f"{name}_{counts[name] - 1}" if counts[name] > 1 else name


def _tensor(variable: Any, name: str, place: str, *, trainable: bool) -> Tensor:
    return Tensor(
        name=name,
        place=place,
        kind=kind_of(name, buffer=False),
        trainable=trainable,
        dtype=str(getattr(variable.dtype, "name", variable.dtype)),
        shape=tuple(variable.shape),
        read=partial(_array_of, variable),
        held=variable,
    )


def _array_of(variable: Any) -> np.ndarray:
    """Numbers of a variable; they may share its memory."""
    library = type(variable).__module__.partition(".")[0]
    ops = getattr(sys.modules.get(library), "ops", None)
    value = variable.numpy() if ops is None else ops.convert_to_numpy(variable.value)
    return plain(np.asarray(value))


def _refuse_unbuilt(of: str, model: Any) -> None:
    if not getattr(model, "built", True):
        raise NetworkError(
            f"{of} '{model.name}' has not been built, so it has no weights yet. Call it on one "
            "batch, or model.build(input_shape), first."
        )
