"""Tensors of two models paired by name, order or numbers, and whether they are equal."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from headstart.checks.tensors import Snapshot, Tensor
from headstart.core.errors import CheckpointError
from headstart.core.hashing import array_digest
from headstart.networks.checkpoints.prefix import find_prefix, without_prefix

_ERRORS = {
    "float16": (2**-11, 2**-25),
    "bfloat16": (2**-8, 2**-126),
    "float32": (2**-24, 2**-126),
}
"""Largest relative error of a number rounded to a type, and the largest of a number near 0."""

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paired:
    """Tensors of two models: pairs, and those of each that have no partner."""

    pairs: tuple[Pair, ...]
    only_one: tuple[Tensor, ...]
    only_other: tuple[Tensor, ...]


def paired(one: Snapshot, other: Snapshot) -> Paired:
    """Tensors of one model, each with that of the same name in another.

    A prefix that all names of one side have is left out. If no name is in both, tensors are paired
    in order, as long as their shapes agree.
    """
    ours = {tensor.place: tensor for tensor in one.tensors}
    theirs = {tensor.place: tensor for tensor in other.tensors}
    turned = [(tensor, there) for there, tensor in _by_name(theirs, ours)]
    pairs = max(_by_name(ours, theirs), turned, key=len)
    if not pairs:
        pairs = list(takewhile(_same_shape, zip(one.tensors, other.tensors, strict=False)))
    used = {id(tensor) for pair in pairs for tensor in pair}
    return Paired(
        pairs=tuple(pairs),
        only_one=tuple(tensor for tensor in one.tensors if id(tensor) not in used),
        only_other=tuple(tensor for tensor in other.tensors if id(tensor) not in used),
    )


def are_equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape and the same numbers.

    Of two types the numbers of the finer one are compared as the coarser one can hold them.
    """
    if one.shape != other.shape:
        return False
    first, second = one.read(), other.read()
    if one.dtype == other.dtype or "f" not in first.dtype.kind + second.dtype.kind:
        return np.array_equal(first, second, equal_nan=first.dtype.kind in "fc")
    (_, fine), ((relative, smallest), rough) = sorted(
        ((_errors(one.dtype), first), (_errors(other.dtype), second)), key=lambda typed: typed[0]
    )
    # A little more, for the error is relative to the number before it was rounded.
    close = np.isclose(
        rough.astype(float), fine.astype(float), 1.001 * relative, smallest, equal_nan=True
    )
    return bool(close.all())


def paired_by_numbers(tensors: Iterable[Tensor], among: Iterable[Tensor]) -> list[Pair]:
    """Tensors whose shape and numbers others have too, whatever they are called.

    Of several others that are equal each is taken once, and the last one for all that are left.
    """
    tensors = list(tensors)
    shapes = {tensor.shape for tensor in tensors}
    known = defaultdict[str, list[Tensor]](list)
    for there in among:
        if there.shape in shapes:
            known[_digest(there)].append(there)
    pairs = []
    for tensor in tensors:
        equal = known.get(_digest(tensor))
        if equal:
            pairs.append((tensor, equal.pop(0) if len(equal) > 1 else equal[0]))
    return pairs


def is_constant(tensor: Tensor) -> bool:
    """Whether all numbers of a tensor are equal, as those of fresh biases are."""
    array = tensor.read().ravel()
    return bool(array.size == 0 or (array == array[0]).all())


def not_finite(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """Names of tensors that hold NaN or infinity."""
    return tuple(tensor.name for tensor in tensors if not np.isfinite(tensor.read()).all())


def _by_name(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[Pair]:
    """Pairs in the order of ours, with the best prefix removed from their names."""
    plain = without_prefix(theirs, _prefix(theirs, ours))
    return [(tensor, theirs[plain[place]]) for place, tensor in ours.items() if place in plain]


def _prefix(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    shapes = ({name: tensor.shape for name, tensor in named.items()} for named in (given, wanted))
    try:
        return find_prefix(Path("the source"), *shapes)
    except CheckpointError:  # several networks fit: equal numbers will say which
        return ""


def _same_shape(pair: Pair) -> bool:
    return pair[0].shape == pair[1].shape


def _digest(tensor: Tensor) -> str:
    array = tensor.read()
    # A view, for its digest makes an array read-only.
    return array_digest(array.astype(np.float64) if array.dtype.kind == "f" else array.view())


def _errors(dtype: str) -> tuple[float, float]:
    """Relative and absolute error of a number that is rounded to a type; 0 for float64."""
    return _ERRORS.get(dtype, (2**-3, 2**-10) if dtype.startswith("float8") else (0.0, 0.0))
