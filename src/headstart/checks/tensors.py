"""Tensors of a model, a state dict or a file of weights by name, in one form for all checks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from headstart.core.errors import NetworkError

Kind = Literal["weight", "running statistic", "buffer"]

STATISTICS = (
    "running_mean",
    "running_var",
    "num_batches_tracked",
    "moving_mean",
    "moving_variance",
)
"""Last part of the names of what batch normalisation counts in train mode."""
_KERAS = ("keras", "tf_keras")
_INSIDE = ("_orig_mod", "_checkpoint_wrapped_module")
"""Parts of names that torch.compile and activation checkpoints add where they wrap a module."""
_AROUND = "module."
"""What DataParallel and DistributedDataParallel put before all names."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """One tensor.

    Attributes:
        name: in its model.
        place: the same where models are compared: without what a wrapper adds, parts joined by
            dots, layers that Keras has numbered itself counted anew in each model.
        kind: what it is.
        trainable: whether its model marks it as trainable.
        dtype: name of its type.
        shape: of it.
        read: gives its numbers at the time of the call; types that NumPy lacks become float32.
        held: the tensor or variable itself; None where it comes from a file.
    """

    name: str
    place: str
    kind: Kind
    trainable: bool
    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    held: object = None

    @property
    def module(self) -> str:
        """Place of the module or layer that it belongs to; empty for the model itself."""
        return self.place.rpartition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Tensors of a model as they were at one moment, in the order of the model.

    Attributes:
        of: what they are tensors of, in a word or two.
        tensors: all of them.
    """

    of: str
    tensors: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.tensors)

    def __str__(self) -> str:
        num = sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in self.tensors)
        return f"{self.of}: {len(self):,} tensors with {num:,} numbers."


Weighted: TypeAlias = Any
"""A torch module, a Keras model, a state dict, a `Snapshot`, or the path of a file of weights."""


def snapshot(model: Weighted) -> Snapshot:
    """Copy of all parameters and buffers of a model, to be compared with what becomes of them.

    Args:
        model: a torch module, a Keras model, or a state dict.

    Raises:
        NetworkError: it is none of these, has no tensors, or has not been built.
    """
    live = tensors_of(model)
    return replace(live, tensors=tuple(_copied(tensor) for tensor in live.tensors))


def tensors_of(given: Weighted, beside: Weighted = None) -> Snapshot:
    """Tensors of whatever has some. Those of a model are read when they are asked for.

    Args:
        given: what has them.
        beside: what they are compared with; says how a Keras file is opened.

    Raises:
        NetworkError: it has none, or has not been built.
        CheckpointError: a file cannot be read.
    """
    found = _found(given, beside)
    if not found.tensors:
        raise NetworkError(
            f"{found.of} has neither weights nor buffers: there is nothing to compare."
        )
    return found


def is_keras(given: object) -> bool:
    """Whether an object is a layer or a model of Keras, which on PyTorch is a module as well."""
    return bool(keras_package(given))


def keras_package(of: object) -> str:
    """Name of the Keras that made a layer or a model; empty where none did."""
    roots = (kind.__module__.partition(".")[0] for kind in type(of).__mro__)
    return next((root for root in roots if root in _KERAS), "")


def as_array(name: str, given: Any) -> np.ndarray:
    """What is given by that name, an array or a tensor of any library, as an array.

    Raises:
        NetworkError: it is a tensor without data.
    """
    if hasattr(given, "detach"):
        from headstart.checks.torch_tensors import array_of

        return array_of(name, given)
    return np.asarray(given)


def kind_of(name: str, *, buffer: bool) -> Kind:
    """What a tensor is, by the last part of its name."""
    if name.replace("/", ".").rpartition(".")[2] in STATISTICS:
        return "running statistic"
    return "buffer" if buffer else "weight"


def places_of(names: Iterable[str]) -> dict[str, str]:
    """Each name of a torch module's tensor without what wrappers add to it."""
    places = {
        name: ".".join(part for part in name.split(".") if part not in _INSIDE) for name in names
    }
    while places and all(place.startswith(_AROUND) for place in places.values()):
        places = {name: place.removeprefix(_AROUND) for name, place in places.items()}
    return places


def plain(array: np.ndarray) -> np.ndarray:
    """An array of NumPy's own types: bfloat16 and float8 of other libraries as float32."""
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _found(given: Weighted, beside: Weighted) -> Snapshot:
    if isinstance(given, Snapshot):
        return given
    if isinstance(given, str | PathLike):
        from headstart.checks.weight_files import of_file

        return of_file(Path(given), beside)
    if is_keras(given):
        from headstart.checks.keras_tensors import of_keras

        return of_keras(given)
    from headstart.checks.torch_tensors import of_module, of_state

    if isinstance(given, Mapping):
        return of_state(given)
    if not hasattr(given, "state_dict"):
        raise NetworkError(
            f"got a {type(given).__name__}. Expected a torch module, a Keras model, a state dict, "
            "a snapshot, or the path of a file of weights."
        )
    return of_module(given)


def _copied(tensor: Tensor) -> Tensor:
    array = np.array(tensor.read(), copy=True)
    array.flags.writeable = False
    return replace(tensor, read=lambda: array, held=None)
