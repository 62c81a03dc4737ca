"""Facts of a network: what planning knows of it, and all that it may know. No layer, no torch.

A network is blocks in order, each of which can be run by itself: one layer of a declared network,
one stage of any other. Stages are runs of blocks; the last stage is the head.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod

from headstart.study.phases import ParameterKind

Shape = tuple[int, ...]
"""(height, width, channels) of an image, (tokens, width) of a sequence, (features,) once flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One tensor that training may change: its name in the network, its kind and its shape."""

    name: str
    kind: ParameterKind
    shape: Shape

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """A piece of a network between two places where it can be entered and left.

    Attributes:
        stage: name of the stage it belongs to.
        parameters: what training may change.
        buffers: names of its other tensors (running statistics).
        dropout: whether it draws random numbers in train mode.
        batch_statistics: whether it normalises over its batch in train mode.
        flops: operations of a forward pass for one image; products and sums count one each.
        shape_in: of what it is given for one image.
        shape_out: of what it gives for one image.
        peak_values: the largest number of values that a layer of it gives for one image.
        resumes: whether the network can be resumed from what this block gives.
    """

    stage: str
    parameters: tuple[Parameter, ...]
    buffers: tuple[str, ...] = ()
    dropout: bool = False
    batch_statistics: bool = False
    flops: int
    shape_in: Shape
    shape_out: Shape
    peak_values: int
    resumes: bool = True

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its parameters and buffers."""
        return (*(parameter.name for parameter in self.parameters), *self.buffers)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearHead:
    """The head where it is one dense layer: the names of its weights and of its bias, if any."""

    weight: str
    bias: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """How the images must be prepared that a pretrained network has been trained on.

    Attributes:
        size: (height, width) of its input.
        crop: the side of the centre that is cut out, as a share of the resized image's.
        interpolation: `bilinear`, `bicubic`, `lanczos` or `nearest`.
        mean: of each channel, on a scale of 0 to 1, subtracted.
        deviation: of each channel, on the same scale; divided by.
        channels: how many, 3 for colour.
        order: of the channels, `rgb` or `bgr`.
    """

    size: tuple[int, int]
    crop: float = 1.0
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    channels: int = 3
    order: str = "rgb"


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """A network for images of one shape and a number of classes.

    `linear_head` is None where the head is more than one dense layer. `input` is None where the
    network does not say how its images are to be prepared.
    """

    blocks: tuple[BlockFacts, ...]
    linear_head: LinearHead | None = None
    input: InputFacts | None = None

    def __hash__(self) -> int:
        """As of any value, but computed once: plans ask for the same network over and over."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.blocks, self.linear_head, self.input))

    @cached_property
    def stage_names(self) -> tuple[str, ...]:
        """Names of all stages in order, the head last."""
        return tuple(dict.fromkeys(block.stage for block in self.blocks))

    @cached_property
    def cuts(self) -> tuple[str, ...]:
        """Stages of the trunk that hold parameters, so that cuts after them differ."""
        holding = dict.fromkeys(block.stage for block in self.blocks if block.parameters)
        return tuple(name for name in holding if name != self.stage_names[-1])

    @cached_property
    def stage_of(self) -> dict[str, str]:
        """The stage of every tensor by name."""
        return {name: block.stage for block in self.blocks for name in block.tensors}

    @cached_property
    def num_parameters(self) -> int:
        """Number of parameter values."""
        return sum(p.size for block in self.blocks for p in block.parameters)

    @cached_property
    def num_spatial(self) -> int:
        """Number of blocks from the stem whose input is images or sequences; then all is flat.

        All of them where the network cannot be resumed at that place.
        """
        number = sum(len(block.shape_in) > 1 for block in self.blocks)
        return number if number and self.blocks[number - 1].resumes else len(self.blocks)
