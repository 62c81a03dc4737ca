"""Plans to resume a network at a cut: what each module gives that had run before."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from headstart.networks.libraries.blocks import Course
from headstart.networks.libraries.cuts import head_call
from headstart.networks.libraries.recording import Call


@dataclass(frozen=True, slots=True)
class TensorDummy:
    """Zeros in place of a tensor: (constant, per image) of each dimension."""

    dims: tuple[tuple[int, int], ...]
    dtype: torch.dtype

    def like(self, given: Tensor) -> Tensor:
        """Zeros for as many images as `given` has, where it is; they take no memory."""
        shape = [constant + each * len(given) for constant, each in self.dims]
        # In half precision the network's numbers are those of the features.
        dtype = given.dtype if self.dtype is torch.float32 else self.dtype
        return torch.zeros(1, dtype=dtype, device=given.device).expand(shape)


class FeaturesDummy:
    """The features themselves."""

    def like(self, given: Tensor) -> Tensor:
        """The features."""
        return given


Leaf = TensorDummy | FeaturesDummy


@dataclass(frozen=True, slots=True)
class Dummy:
    """What a module gives, with tensors replaced: leaves of a tree, numbers and texts as they are.

    `tree` is PyTorch's description of tuples, lists, dicts and of the outputs of transformers.
    """

    leaves: tuple[Any, ...]
    tree: TreeSpec

    def like(self, given: Tensor) -> Any:
        """The same for as many images as the features have."""
        leaves = [leaf.like(given) if isinstance(leaf, Leaf) else leaf for leaf in self.leaves]
        return tree_unflatten(leaves, self.tree)


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """How to resume at one cut.

    Attributes:
        entry: the module where the features come in.
        before: whether they are what it is given, not what it gives.
        gives: what the module gives, of which the features are a part.
        skipped: modules that had run before, in order, with what they gave; only the outermost.
    """

    entry: str
    before: bool
    gives: Dummy
    skipped: tuple[tuple[str, Dummy], ...]

    def __deepcopy__(self, memo: object) -> "ResumePlan":
        """The plan itself: nothing in it changes."""
        return self


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
    gives = _dummy(*course.outputs(block), course.num_images, features=True)
    if gives is None:
        return None
    entry = head_call(course.recording, course.heads).name if before else course.cuts[block]
    return ResumePlan(entry, before, gives, tuple(skipped))


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


def _dummy(few: Any, more: Any, batch: int, *, features: bool = False) -> Dummy | None:
    """What two calls of a module gave, the second for one image more; None where it differs.

    With `features` the first tensor stands for the features.
    """
    (some, tree), (others, other_tree) = tree_flatten(few), tree_flatten(more)
    if tree != other_tree:
        return None
    leaves: list[Any] = []
    for one, other in zip(some, others, strict=True):
        if isinstance(one, Tensor) and isinstance(other, Tensor) and one.dim() == other.dim():
            leaves.append(FeaturesDummy() if features else _tensor(one, other, batch))
            features = False
        elif _constant(one) and one == other:
            leaves.append(one)
        else:
            return None
    return Dummy(tuple(leaves), tree)


def _tensor(few: Tensor, more: Tensor, batch: int) -> TensorDummy:
    pairs = zip(few.shape, more.shape, strict=True)
    dims = tuple((small - batch * (large - small), large - small) for small, large in pairs)
    return TensorDummy(dims, few.dtype)


def _constant(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))
