"""Plans to resume a network at a cut: what each module gives that had run before."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headstart.networks.library.blocks import Course
from headstart.networks.library.cuts import head_call
from headstart.networks.library.recording import Call


@dataclass(frozen=True, slots=True)
class Dummy:
    """The shape of what a module gives: tensors and rows of tensors, by size of the batch.

    Attributes:
        dims: for a tensor, (constant, per image) of each dimension.
        dtype: of the tensor.
        rows: for a tuple or list, what it holds.
        value: anything else.
    """

    dims: tuple[tuple[int, int], ...] | None = None
    dtype: torch.dtype | None = None
    rows: "tuple[Dummy, ...] | None" = None
    kind: type = tuple
    value: Any = None

    def like(self, given: Tensor) -> Any:
        """Zeros of this shape for as many images as `given` has, where it is; no memory."""
        if self.rows is not None:
            return self.kind(row.like(given) for row in self.rows)
        if self.dims is None:
            return self.value
        shape = [constant + each * len(given) for constant, each in self.dims]
        dtype = given.dtype if self.dtype is torch.float32 else self.dtype
        return torch.zeros(1, dtype=dtype, device=given.device).expand(shape)


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """How to resume at one cut.

    Attributes:
        entry: the module where the features come in.
        before: whether they are what it is given, not what it gives.
        skipped: modules that had run before, in order, with what they gave; only the outermost.
    """

    entry: str
    before: bool
    skipped: tuple[tuple[str, Dummy], ...]


def plan_for(course: Course, block: int) -> ResumePlan | None:
    """The plan to resume behind a block; None where something that ran before gives no tensors."""
    found = [_skips(course, block, wide) for wide in (False, True)]
    few, more = found
    if [call.name for call in few] != [call.name for call in more]:
        return None
    skipped = []
    for first, second in zip(few, more, strict=True):
        dummy = _dummy(first.output, second.output, course.num_images)
        if dummy is None:
            return None
        skipped.append((first.name, dummy))
    before = block == len(course.cuts)
    entry = head_call(course.recording, course.heads).name if before else course.cuts[block]
    return ResumePlan(entry, before, tuple(skipped))


def _skips(course: Course, block: int, wide: bool) -> list[Call]:
    """Outermost calls that had ended at a cut, in order."""
    recording = course.wider if wide else course.recording
    if block == len(course.cuts):
        at = head_call(recording, course.heads)
        time = at.entered
    else:
        cut = recording.first(course.cuts[block])
        assert cut is not None
        at, time = cut, cut.entered
    above = {id(at)}
    while at.parent is not None:
        at = at.parent
        above.add(id(at))
    return [
        call
        for call in recording.calls
        if call.left < time and id(call.parent) in above and id(call) not in above
    ]


def _dummy(few: Any, more: Any, batch: int) -> Dummy | None:
    """The shape of two outputs of one module, the second of one image more."""
    if isinstance(few, Tensor) and isinstance(more, Tensor) and few.dim() == more.dim():
        pairs = zip(few.shape, more.shape, strict=True)
        dims = tuple((small - batch * (large - small), large - small) for small, large in pairs)
        return Dummy(dims=dims, dtype=few.dtype)
    if type(few) in (tuple, list) and type(more) is type(few) and len(few) == len(more):
        rows = [_dummy(one, other, batch) for one, other in zip(few, more, strict=True)]
        kept = tuple(row for row in rows if row is not None)
        return Dummy(rows=kept, kind=type(few)) if len(kept) == len(rows) else None
    if few is None or isinstance(few, (bool, int, float, str)):
        return Dummy(value=few) if few == more else None
    return None
