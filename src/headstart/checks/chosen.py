"""Choice of some tensors of a model: by name, by the name of what holds them, or by the module."""

from collections.abc import Iterable
from typing import Any

from headstart.checks.tensors import Snapshot, Tensor, is_keras
from headstart.core.errors import NetworkError, Problem, known_names, nearest

Chosen = str | Any
"""Name of a tensor, of a module or layer with all that is in it, or the module or layer itself."""


def chosen(of: Snapshot, given: Chosen | Iterable[Chosen], argument: str) -> tuple[Tensor, ...]:
    """The tensors that an argument means, in the order of the model.

    Args:
        of: the tensors to choose from.
        given: names, modules or layers; one or several.
        argument: its name, for errors.

    Raises:
        NetworkError: one of them means no tensor of the model; all of these are named.
    """
    several = isinstance(given, list | tuple | set | frozenset)
    wanted = list(given) if several else [given]
    meant = [_meant(of, one) for one in wanted]
    problems = [
        _problem(of, one, argument) for one, found in zip(wanted, meant, strict=True) if not found
    ]
    if not wanted:
        problems = [Problem(where=argument, message="is empty.", fix="Leave it out, or name some.")]
    if problems:
        raise NetworkError("\n".join(map(str, problems)))
    ids = {id(tensor) for found in meant for tensor in found}
    return tuple(tensor for tensor in of.tensors if id(tensor) in ids)


def _meant(of: Snapshot, given: Chosen) -> list[Tensor]:
    if isinstance(given, str):
        wanted = _parts(given)
        return [
            tensor
            for tensor in of.tensors
            if any(_parts(name)[: len(wanted)] == wanted for name in _names(tensor))
        ]
    held = _held_by(given)
    return [tensor for tensor in of.tensors if id(tensor.held) in held]


def _names(tensor: Tensor) -> tuple[str, ...]:
    """Its name, in torch also without what wrappers add; Keras numbers layers anew in places."""
    return (tensor.name,) if "/" in tensor.name else (tensor.name, tensor.place)


def _held_by(part: Any) -> set[int]:
    """Identities of the tensors of a module or of the variables of a layer."""
    if is_keras(part):
        return {id(variable) for variable in part.weights}
    own = [getattr(part, name, tuple) for name in ("parameters", "buffers")]
    return {id(tensor) for tensors in own for tensor in tensors()}


def _parts(name: str) -> list[str]:
    return name.replace("/", ".").rstrip(".").split(".")


def _problem(of: Snapshot, given: Chosen, argument: str) -> Problem:
    names = [tensor.name for tensor in of.tensors]
    if not isinstance(given, str):
        what = f"the {type(given).__name__} given holds no tensor of {of.of}."
        return Problem(where=argument, message=what, fix="Give a part of the model itself.")
    sep = "/" if any("/" in name for name in names) else "."
    parts = [name.split(sep) for name in names]
    known = dict.fromkeys(sep.join(some[:end]) for some in parts for end in range(1, len(some) + 1))
    return Problem(
        where=argument,
        message=f"'{given}' names no tensor, module or layer of {of.of}.",
        allowed=known_names(dict.fromkeys(some[0] for some in parts)),
        fix=nearest(given, known),
    )
