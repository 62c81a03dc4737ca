"""Check of what a training has moved, and by how much."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from headstart.checks.pairing import not_finite, paired
from headstart.checks.result import ClausedResult, name_clauses
from headstart.checks.tensors import Kind, Tensor, Weighted, tensors_of
from headstart.core.errors import NetworkError
from headstart.core.names import few
from headstart.networks.weights import has_changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A tensor that has moved: its name, what it is, and the norm of the change.

    `relative` is the norm of the change over that of the tensor before; infinite where it was 0.
    """

    name: str
    kind: Kind
    change: float
    relative: float

    def __str__(self) -> str:
        by = f"{self.relative:.1%}" if np.isfinite(self.relative) else f"{self.change:.2g} from 0"
        return f"{self.name} by {by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(ClausedResult):
    """Which tensors of a model have moved between two moments.

    Attributes:
        moved: those that have, with their names as they are afterwards, the farthest first.
        unmoved: names of those that have not.
        only_before: names of tensors that are not there any more, or in another shape.
        only_after: names of tensors that were not there before, or in another shape.
        not_finite: names of tensors that hold NaN or infinity afterwards.
    """

    moved: tuple[Movement, ...]
    unmoved: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    not_finite: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether a weight has moved, not running statistics alone, and all numbers are finite."""
        return any(one.kind == "weight" for one in self.moved) and not self.not_finite

    def _clauses(self) -> Iterator[str]:
        num = len(self.moved) + len(self.unmoved)
        if not self.moved:
            yield f"None of {num} tensors moved"
        elif all(one.kind == "running statistic" for one in self.moved):
            yield f"Only running statistics moved, {len(self.moved)} of {num} tensors"
        else:
            farthest = few([str(one) for one in self.moved])
            yield f"{len(self.moved)} of {num} tensors moved: {farthest}"
            if self.unmoved:
                yield f"not moved: {few(self.unmoved)}"
        yield from name_clauses(
            ("only before", self.only_before),
            ("only afterwards", self.only_after),
            ("not finite", self.not_finite),
        )


def moved(before: Weighted, after: Weighted) -> Moved:
    """Which tensors moved, and by how much.

    Args:
        before: `snapshot(model)`, taken before the training; or another model, a state dict or a
            file of weights.
        after: the model afterwards, or another snapshot.

    Raises:
        NetworkError: one of them has no tensors, or both are one model.
        CheckpointError: a file cannot be read.
    """
    if before is after:
        raise NetworkError(
            "before and after are one object, so that nothing can have moved. Take "
            "headstart.snapshot(model) before the training."
        )
    first, then = tensors_of(before, beside=after), tensors_of(after, beside=before)
    found = paired(first, then)
    fitting = [pair for pair in found.pairs if pair[0].shape == pair[1].shape]
    reshaped = [pair for pair in found.pairs if pair[0].shape != pair[1].shape]
    ways = {now.name: _movement(old, now) for old, now in fitting}
    far = [way for way in ways.values() if way is not None]
    return Moved(
        moved=tuple(sorted(far, key=lambda one: -one.relative)),
        unmoved=tuple(name for name, way in ways.items() if way is None),
        only_before=tuple(old.name for old in (*found.only_one, *(pair[0] for pair in reshaped))),
        only_after=tuple(now.name for now in (*found.only_other, *(pair[1] for pair in reshaped))),
        not_finite=not_finite(then.tensors),
    )


def _movement(old: Tensor, now: Tensor) -> Movement | None:
    """How far a tensor has moved; None where it has not."""
    before, after = old.read(), now.read()
    if not has_changed(before, after):
        return None
    first = before.astype(np.float64)
    change = float(np.linalg.norm((after.astype(np.float64) - first).ravel()))
    norm = float(np.linalg.norm(first.ravel()))
    return Movement(
        name=now.name,
        kind=old.kind if now.kind == "weight" else now.kind,  # a file does not name its buffers
        change=change,
        relative=change / norm if norm else np.inf,
    )
