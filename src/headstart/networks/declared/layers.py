"""Layers where PyTorch's own do something else than a study says, or take longer than they must."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.study import declared as spec


class SamePad(nn.Module):
    """Zero padding as TensorFlow's "same": the odd column goes to the right and the bottom."""

    def __init__(self, kernel: int, stride: int, height: int, width: int) -> None:
        super().__init__()
        across, down = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (width, height)
        )
        self.padding = (across // 2, across - across // 2, down // 2, down - down // 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Padded inputs."""
        return functional.pad(inputs, self.padding)


class PaddedConv(nn.Conv2d):
    """A convolution after zero padding that its own symmetric padding cannot express."""

    def __init__(self, pad: SamePad, channels_in: int, layer: spec.Conv) -> None:
        super().__init__(
            channels_in, layer.channels, layer.kernel, stride=layer.stride, bias=layer.bias
        )
        self.pad = pad

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolved inputs."""
        return super().forward(self.pad(inputs))


class MaxPool(nn.MaxPool2d):
    """Max-pooling that keeps for the way back where the greatest were, and not what it looked at.

    What a convolution gives before it is pooled is mostly the largest tensor of an update.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._window = [size, size]

    def forward(self, inputs: Tensor) -> Tensor:
        """The greatest value of each window."""
        return cast(Tensor, _Greatest.apply(inputs, self._window))  # type: ignore[no-untyped-call]


class _Greatest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, window: list[int]) -> Tensor:
        greatest, places = torch.ops.aten.max_pool2d_with_indices(inputs, window, window)
        ctx.save_for_backward(places)
        ctx.window, ctx.shape, ctx.stride = window, inputs.shape, inputs.stride()
        return cast(Tensor, greatest)

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        found = slopes.new_empty_strided(ctx.shape, ctx.stride)
        # Of what was looked at PyTorch asks for shape and layout, which are those of the gradient.
        torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
            slopes, found, ctx.window, ctx.window, [0, 0], [1, 1], False, places, grad_input=found
        )
        return found, None


class Dropout(nn.Dropout):
    """Dropout with a draw of 8 or 16 random bits a value; with 16 four times as fast as PyTorch's.

    Eight where the rate is a number of 256ths, a quarter or a half for example. Otherwise the rate
    is that of the nearest of 65,536 thresholds, so it is off by 1/131,072 at most; what is kept is
    scaled by the rate that really holds. Draws come from `generator` (None: torch's own).
    """

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self.generator: torch.Generator | None = None
        few = (rate * 2**8).is_integer()
        self._kind, self._num = (torch.int8, 2**8) if few else (torch.int16, 2**16)
        self._dropped = min(max(round(rate * self._num), 1), self._num - 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs with some values dropped in train mode; inputs as they are in eval mode."""
        return inputs * self.mask(inputs) if self.training else inputs

    def mask(self, inputs: Tensor) -> Tensor:
        """What the inputs are multiplied by in train mode, drawn anew; in their memory order."""
        mask = torch.empty_like(inputs)  # dense, in the memory order of the inputs
        number = mask.numel()
        # All 64 bits: without bounds only 63 are drawn, and every fourth value would be kept.
        words = -(-number * self._kind.itemsize // 8)
        bits = torch.empty(words, dtype=torch.int64, device=inputs.device)
        draws = bits.random_(-(2**63), None, generator=self.generator).view(self._kind)[:number]
        flat = mask.as_strided((number,), (1,))
        torch.ge(draws, self._dropped - self._num // 2, out=flat)
        flat.mul_(self._num / (self._num - self._dropped))
        return mask


class Flatten(nn.Module):
    """Images to rows: pixel by pixel, as they lie in memory, or channel by channel.

    Gradients go back with channels last, as images came. PyTorch hands them back channel by channel
    if they came that way, and whatever is below then walks through two layouts at once: max-pooling
    takes two and a half times as long, relu almost four times.
    """

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last

    def forward(self, inputs: Tensor) -> Tensor:
        """Rows (batch, values) of inputs (batch, ...)."""
        if inputs.dim() == 4 and self.channels_last:
            return inputs.permute(0, 2, 3, 1).flatten(1)
        if inputs.dim() == 4 and inputs.requires_grad:
            return cast(Tensor, _Flattened.apply(inputs))  # type: ignore[no-untyped-call]
        return inputs.flatten(1)


class _Flattened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.shape = inputs.shape
        return inputs.flatten(1)

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        return slopes.view(ctx.shape).contiguous(memory_format=torch.channels_last)


class Relu(nn.ReLU):
    """Relu that works in place on what a layer has just made: the same numbers, half the memory.

    Only behind layers that do not look at their own output again (`_FORGETFUL`), and on gradients
    that are nobody else's: in a row of layers each has one reader.
    """

    def __init__(self, behind: spec.AnyLayer | None) -> None:
        super().__init__()
        self._overwrites = isinstance(behind, _FORGETFUL)

    def forward(self, inputs: Tensor) -> Tensor:
        """Rectified inputs."""
        if self._overwrites and inputs.requires_grad and not inputs.is_leaf:
            return cast(Tensor, _Rectified.apply(inputs))  # type: ignore[no-untyped-call]
        if self._overwrites and not torch.is_grad_enabled():
            return inputs.relu_()
        return functional.relu(inputs)


_FORGETFUL = (spec.Conv, spec.Dense, spec.MaxPool, spec.BatchNorm)


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.mark_dirty(inputs)
        ctx.save_for_backward(inputs)
        return inputs.relu_()

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        (outputs,) = ctx.saved_tensors
        # What is spread over many places without being written out cannot be overwritten.
        room = {"grad_input": slopes} if slopes.stride() == outputs.stride() else {}
        return cast(Tensor, torch.ops.aten.threshold_backward(slopes, outputs, 0, **room))


class BatchNorm(nn.Module):
    """Batch normalisation over all but the channel axis, for images and flat inputs alike.

    PyTorch's own layers differ for the two, and count batches in a buffer that nothing needs.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, momentum: float, epsilon: float) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalised inputs; running statistics move in train mode only."""
        return functional.batch_norm(
            inputs,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.epsilon,
        )
