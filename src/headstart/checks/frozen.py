"""Check that what is to stay frozen is bit-identical after a block of code."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from headstart.analyse.text import plural
from headstart.checks.chosen import Chosen, chosen
from headstart.checks.result import ClausedResult
from headstart.checks.tensors import Snapshot, Tensor, Weighted, tensors_of
from headstart.core.errors import NetworkError
from headstart.core.hashing import array_digest
from headstart.core.names import few

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(ClausedResult):
    """Which tensors that were to stay frozen have moved.

    Attributes:
        frozen: names of all that were to stay.
        weights: those that moved and are parameters.
        statistics: those that moved and are running statistics of batch normalisation.
        buffers: those that moved and are other buffers.
        gone: those that are not there any more.
    """

    frozen: tuple[str, ...]
    weights: tuple[str, ...]
    statistics: tuple[str, ...]
    buffers: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """All that did not stay."""
        return (*self.weights, *self.statistics, *self.buffers, *self.gone)

    @property
    def ok(self) -> bool:
        """Whether all stayed as they were, bit for bit."""
        return not self.moved

    def _clauses(self) -> Iterator[str]:
        if self.ok:
            yield f"Nothing frozen moved: {plural(len(self.frozen), 'tensor')}, bit for bit"
        else:
            num = f"{len(self.moved)} of {len(self.frozen)}"
            yield f"{num} frozen tensors moved: {'; '.join(self._kinds())}"

    def _kinds(self) -> Iterator[str]:
        """What has moved, kind by kind, and what to do if it is statistics only."""
        for what, names in (
            ("weights", self.weights),
            ("running statistics of batch normalisation", self.statistics),
            ("buffers", self.buffers),
            ("not there any more", self.gone),
        ):
            if names:
                yield f"{what} ({few(names)})"
        if self.statistics and not self.weights:
            yield (
                "no weight did, for statistics need no gradient: put these layers into eval mode "
                "too (eval() in torch, training=False in Keras)"
            )


class Watch:
    """Context manager that compares frozen tensors before and after; `result` is there at the end.

    What moved is also logged as a warning, so that a block without `as` is not in vain.
    """

    def __init__(self, model: Weighted, keep: Chosen | Iterable[Chosen] | None) -> None:
        self._model = model
        before = tensors_of(model)
        self._frozen = _marked(before) if keep is None else chosen(before, keep, "keep")
        self._before: dict[str, str] = {}
        self._result: Frozen | None = None

    @property
    def result(self) -> Frozen:
        """What was found.

        Raises:
            NetworkError: the block has not ended, or ended in an error.
        """
        if self._result is None:
            raise NetworkError(
                "headstart.frozen has nothing to say before its block has ended. Ask for the "
                "result behind the block."
            )
        return self._result

    def __enter__(self) -> Self:
        self._result = None
        self._before = _digests(self._frozen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._result = self._found()
            if not self._result.ok:
                _LOG.warning("%s", self._result)

    def _found(self) -> Frozen:
        wanted = {tensor.place: tensor for tensor in self._frozen}
        there = [tensor for tensor in tensors_of(self._model).tensors if tensor.place in wanted]
        after = _digests(there)
        moved = [one for place, one in wanted.items() if after.get(place) != self._before[place]]
        gone = [tensor.name for tensor in moved if tensor.place not in after]

        def of(kind: str) -> tuple[str, ...]:
            return tuple(t.name for t in moved if t.kind == kind and t.place in after)

        return Frozen(
            frozen=tuple(tensor.name for tensor in self._frozen),
            weights=of("weight"),
            statistics=of("running statistic"),
            buffers=of("buffer"),
            gone=tuple(gone),
        )


def frozen(model: Weighted, keep: Chosen | Iterable[Chosen] | None = None) -> Watch:
    """Prove that frozen tensors stay as they are, bit for bit, in the block that follows.

    Args:
        model: a torch module or a Keras model.
        keep: what is to stay: names of tensors, of modules or layers with all that is in them, or
            the modules and layers themselves; one or several. Left out: all parameters that are
            marked as not trainable, and the buffers of modules in which no parameter is trainable.

    Raises:
        NetworkError: a name is not known, or nothing is frozen.

    Example:
        >>> with frozen(model, keep=["backbone"]) as watch:  # doctest: +SKIP
        ...     train(model)
        >>> watch.result.check()  # doctest: +SKIP
    """
    return Watch(model, keep)


def _digests(tensors: Iterable[Tensor]) -> dict[str, str]:
    """Hash of type, shape and bytes of each tensor, by its place."""
    return {tensor.place: f"{tensor.dtype} {_digest(tensor)}" for tensor in tensors}


def _digest(tensor: Tensor) -> str:
    # A view, for its digest makes an array read-only.
    return array_digest(tensor.read().view())


def _marked(of: Snapshot) -> tuple[Tensor, ...]:
    """Parameters that are not trainable, and buffers of modules without trainable parameters."""
    weights = [tensor for tensor in of.tensors if tensor.kind == "weight"]
    weighted = {holder for weight in weights for holder in _holders(weight)}
    trained = {holder for weight in weights if weight.trainable for holder in _holders(weight)}

    def rests(tensor: Tensor) -> bool:
        if tensor.kind == "weight":
            return not tensor.trainable
        return next((h not in trained for h in _holders(tensor) if h in weighted), False)

    found = tuple(tensor for tensor in of.tensors if rests(tensor))
    if not found:
        raise NetworkError(
            f"nothing of {of.of} is marked as frozen: every weight is trainable. Freeze some "
            "first, or name what is to stay: keep=['NAME']."
        )
    return found


def _holders(tensor: Tensor) -> list[str]:
    """What a tensor lies in, from the innermost module to the model."""
    parts = tensor.place.split(".")[:-1]
    return [".".join(parts[:end]) for end in range(len(parts), -1, -1)]
