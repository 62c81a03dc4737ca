"""Blocks of a network, from recordings of its forward pass: one block a stage, the head last."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, nn

from headstart.networks.libraries.cuts import head_call
from headstart.networks.libraries.recording import Call, Recording, first_uses, state_of
from headstart.study.network_facts import BlockFacts, Parameter, Shape
from headstart.study.phases import ParameterKind

_NORMALISATION = re.compile(r"norm|^Bn|BatchNorm|Evo", re.IGNORECASE)
_SCALE = re.compile(r"gamma|scale|affine|^ls\d*$|alpha|beta", re.IGNORECASE)


@dataclass(frozen=True)
class Course:
    """A network's way from block to block, from two recordings whose batches differ by one image.

    Attributes:
        recording: the recording of the smaller batch.
        wider: the recording of one image more.
        cuts: modules that end the blocks of the trunk but its last.
        heads: modules that give the logits.
    """

    recording: Recording
    wider: Recording
    cuts: tuple[str, ...]
    heads: tuple[str, ...]

    @property
    def num_blocks(self) -> int:
        """How many blocks: one for each cut, the last of the trunk, the head."""
        return len(self.cuts) + 2

    @cached_property
    def ends(self) -> list[int]:
        """Times at which the blocks of the trunk end."""
        return self.ends_in(self.recording)

    def ends_in(self, recording: Recording) -> list[int]:
        """Times at which the blocks of the trunk end in some recording."""
        left = [_known(recording.first(name)).left for name in self.cuts]
        return [*left, head_call(recording, self.heads).entered - 1]

    def block_at(self, time: int) -> int:
        """The block that is run at a time."""
        return bisect_left(self.ends, time)

    def state(self, block: int) -> tuple[Tensor | None, Tensor | None]:
        """The features that a block gives, in both recordings."""
        first, second = self.outputs(block)
        return state_of(first), state_of(second)

    def outputs(self, block: int) -> tuple[object, object]:
        """All that a block gives, in both recordings."""
        return self._gives(block, self.recording), self._gives(block, self.wider)

    def _gives(self, block: int, recording: Recording) -> object:
        if block < len(self.cuts):
            return _known(recording.first(self.cuts[block])).output
        if block == len(self.cuts):
            return head_call(recording, self.heads).given
        return logits_of(recording.whole.output)

    def is_batch(self, block: int) -> bool:
        """Whether a block gives one tensor whose first dimension counts images."""
        first, second = self.state(block)
        if first is None or second is None:
            return False
        batch = self.num_images
        same = first.shape[1:] == second.shape[1:]
        return first.dim() > 1 and same and (len(first), len(second)) == (batch, batch + 1)

    @property
    def num_images(self) -> int:
        """Images of the smaller recording."""
        assert self.recording.whole.given is not None
        return len(self.recording.whole.given)


def _known(call: Call | None) -> Call:
    assert call is not None, "a cut is a module that was called"
    return call


def stages_of_tensors(course: Course) -> dict[str, int]:
    """The block of every parameter and every stored buffer, in the order of the network's own."""
    recording = course.recording
    module = recording.module
    parts = dict(module.named_modules())
    of_module = blocks_of_modules(course)
    start = head_call(recording, course.heads)
    nodes = [_known(recording.first(name)).nodes for name in course.cuts]
    used = first_uses(recording, [*nodes, start.nodes_given, recording.whole.nodes])
    last = course.num_blocks - 1
    found: dict[str, int] = {}
    for name, _ in module.named_parameters():
        owner = name.rpartition(".")[0]
        if _inside(owner, course.heads):
            found[name] = last
        else:
            # What is used behind the head's entry and is no part of it stays with the trunk.
            found[name] = min(used.get(name, max(of_module[owner], default=last)), last - 1)
    first_names = {id(parameter): name for name, parameter in module.named_parameters()}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) in first_names:
            found[name] = found[first_names[id(tensor)]]  # two names of one tensor
        else:
            owner = name.rpartition(".")[0]
            own = [f"{owner}.{key}".lstrip(".") for key in parts[owner]._parameters]
            blocks = [found[key] for key in own if key in found] or sorted(of_module[owner])
            at = last if _inside(owner, course.heads) else min(blocks[0] if blocks else 0, last - 1)
            found[name] = at
    return found


def logits_of(output: object) -> object:
    """Logits of what a network gives: a tensor, or an object that holds them."""
    return getattr(output, "logits", output)


def _inside(name: str, modules: Sequence[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def blocks_of_modules(course: Course) -> dict[str, set[int]]:
    """The blocks in which each module runs; of one that is never called, its caller's first."""
    recording = course.recording
    found: dict[str, set[int]] = {name: set() for name, _ in recording.module.named_modules()}
    called = {call.name for call in recording.calls}
    for call in recording.calls:
        found[call.name].add(course.block_at(call.entered))
    for name in found:
        above = name
        while above and above not in called:
            above = above.rpartition(".")[0]
        if above != name:
            found[name] = {min(found[above])}
    inner: defaultdict[str, set[int]] = defaultdict(set)
    for name in sorted(found, key=_depth, reverse=True):
        found[name] = inner[name] or found[name]
        if name:
            inner[name.rpartition(".")[0]] |= found[name]
    return found


def _depth(name: str) -> int:
    return name.count(".") + 1 if name else 0


def facts_of_blocks(
    course: Course, train: Recording, names: Sequence[str], resumes: Sequence[bool]
) -> tuple[BlockFacts, ...]:
    """Facts of the blocks.

    Args:
        course: the network's way through its blocks.
        train: a recording in train mode, for what is drawn and which statistics move.
        names: of the stages.
        resumes: whether the network can be resumed from what each block gives.
    """
    of_tensor = stages_of_tensors(course)
    flops, peaks = _flops(course), _peaks(course)
    train_ends = course.ends_in(train)
    draws = {bisect_left(train_ends, time) for time, _ in train.draws}
    normalising = _normalising(course, train, of_tensor)
    shapes = [_image_shape(course), *(_shape(course, at) for at in range(course.num_blocks))]
    sizes = {name: tuple(p.shape) for name, p in course.recording.module.named_parameters()}
    kinds = kinds_of(course.recording.module)
    return tuple(
        BlockFacts(
            stage=name,
            parameters=tuple(
                Parameter(name=key, kind=kinds[key], shape=sizes[key])
                for key, block in of_tensor.items()
                if block == at and key in sizes
            ),
            buffers=tuple(k for k, block in of_tensor.items() if block == at and k not in sizes),
            dropout=at in draws,
            batch_statistics=at in normalising,
            flops=flops[at],
            shape_in=shapes[at],
            shape_out=shapes[at + 1],
            peak_values=peaks[at],
            resumes=resumes[at],
        )
        for at, name in enumerate(names)
    )


def _normalising(course: Course, train: Recording, of_tensor: Mapping[str, int]) -> set[int]:
    """Blocks that look at their whole batch in train mode."""
    moved = {of_tensor[name] for name in train.moved if name in of_tensor}
    of_module = blocks_of_modules(course)
    batch = nn.modules.batchnorm._BatchNorm
    for name, part in course.recording.module.named_modules():
        if isinstance(part, batch):
            moved |= of_module[name]
    return moved


def _flops(course: Course) -> list[int]:
    """Operations of one image by block: what one image more costs, and what any batch costs."""
    found = []
    for recording in (course.recording, course.wider):
        counts = [_known(recording.first(name)).flops for name in course.cuts]
        counts += [head_call(recording, course.heads).flops_before, recording.whole.flops]
        found.append([after - before for before, after in zip([0, *counts], counts, strict=False)])
    batch = course.num_images
    return [few - (batch - 1) * (more - few) for few, more in zip(*found, strict=True)]


def _peaks(course: Course) -> list[int]:
    batch = course.num_images
    peaks = [1] * course.num_blocks
    for call in course.recording.calls:
        at = course.block_at(call.left)
        inside = course.block_at(call.entered) == at
        if inside:
            peaks[at] = max(peaks[at], -(-call.num_values // batch))
    return peaks


def _image_shape(course: Course) -> Shape:
    assert course.recording.whole.given is not None
    _, channels, height, width = course.recording.whole.given.shape
    return height, width, channels


def _shape(course: Course, block: int) -> Shape:
    """Shape of what a block gives for one image; channels last, as facts have it."""
    given, _ = course.state(block)
    if given is None:
        return (1,)
    _, *shape = given.shape
    last = getattr(course.recording.module, "output_fmt", "NCHW") in ("NHWC", "NLC")
    if len(shape) == 3 and not last:
        shape = [*shape[1:], shape[0]]
    return tuple(shape)


def kinds_of(module: nn.Module) -> dict[str, ParameterKind]:
    """The kind of every parameter, by the type of its module, its dimensions and its name."""
    parts = dict(module.named_modules())
    return {
        name: _kind(type(parts[name.rpartition(".")[0]]).__name__, name, parameter)
        for name, parameter in module.named_parameters()
    }


def _kind(owner: str, name: str, parameter: Tensor) -> ParameterKind:
    own = name.rpartition(".")[2]
    long = sum(side > 1 for side in parameter.shape)
    if long <= 1 and (_NORMALISATION.search(owner) or _SCALE.search(own)):
        return "norm"
    if parameter.dim() <= 1:
        return "bias" if own.endswith("bias") else "norm"
    return "weight"
