"""Weight gradients of wide depthwise convolutions, by a kernel of oneDNN's that is fast at them.

Without AVX-512 its fast gradient is for depthwise kernels of three columns at most. That of a wider
one takes 3 to 20 times as long, which is a quarter of the update of an EfficientNet, so it is put
together from gradients of three columns each.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.utils import _pair
from torch.overrides import TorchFunctionMode

COLUMNS = 3  # of a kernel, that oneDNN's fast gradient has registers for

Pair = tuple[int, int]


def fast_depthwise() -> AbstractContextManager[object]:
    """Within the block, convolutions have these weight gradients where they are faster."""
    return _Convolutions() if torch.is_grad_enabled() and _without_avx512() else nullcontext()


class _Convolutions(TorchFunctionMode):
    """Calls `conv2d` of this module for PyTorch's, whichever layer of a library asks for it."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Called for every function of PyTorch within the block."""
        return (conv2d if func is torch.conv2d else func)(*args, **(kwargs or {}))


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | str | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.conv2d`, with a faster weight gradient where the kernel is depthwise and wide."""
    if (
        weight.shape[3] > COLUMNS
        and groups == len(weight) == input.shape[1]
        and _pair(dilation) == (1, 1)
        and not isinstance(padding, str)
        and weight.requires_grad
        and all(
            each.device.type == "cpu" and each.dtype is torch.float32 for each in (input, weight)
        )
        and not torch.is_autocast_enabled("cpu")
    ):
        found = _WideDepthwise.apply(  # type: ignore[no-untyped-call]
            input, weight, bias, _pair(stride), _pair(padding)
        )
        return cast(Tensor, found)
    return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)


@cache
def _without_avx512() -> bool:
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


class _WideDepthwise(torch.autograd.Function):
    """A depthwise convolution whose weight gradient is that of `weight_gradient`."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair
    ) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding, ctx.biased = stride, padding, bias is not None
        return torch.conv2d(images, weight, bias, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, grads: Tensor) -> tuple[Tensor | None, ...]:
        images, weight = ctx.saved_tensors
        wanted = (ctx.needs_input_grad[0], False, ctx.biased and ctx.needs_input_grad[2])
        of_images, _, of_bias = _backward(grads, images, weight, ctx.stride, ctx.padding, wanted)
        of_weight = weight_gradient(grads, images, weight.shape, ctx.stride, ctx.padding)
        return of_images, of_weight, of_bias, None, None


def weight_gradient(
    grads: Tensor, images: Tensor, shape: torch.Size, stride: Pair, padding: Pair
) -> Tensor:
    """Gradient of a depthwise weight, a few columns at a time.

    Args:
        grads: at the outputs (batch, channels, height, width).
        images: what is convolved (batch, channels, height, width).
        shape: of the weight (channels, 1, rows, columns), with columns enough.
        stride: of rows and columns.
        padding: of rows and columns, on each side.
    """
    channels, _, rows, columns = shape
    above, left = padding
    weight = images.new_empty(channels, 1, rows, COLUMNS)
    # Columns of the padded images that so few columns of the kernel reach.
    reached = (grads.shape[3] - 1) * stride[1] + COLUMNS
    found = []
    for at in range(0, columns, COLUMNS):
        first = min(at, columns - COLUMNS)  # the last ones may overlap those before
        right = first + reached - left - images.shape[3]
        seen = functional.pad(images, (left - first, right, above, above))
        _, grad, _ = _backward(grads, seen, weight, stride, (0, 0), (False, True, False))
        assert grad is not None
        found.append(grad[..., at - first :])
    return torch.cat(found, 3)


def _backward(
    grads: Tensor,
    images: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Gradients of images, weight and bias of a depthwise convolution; None where not wanted."""
    num = len(weight)
    found = torch.ops.aten.convolution_backward(
        grads, images, weight, [num], stride, padding, (1, 1), False, (0, 0), num, wanted
    )
    return cast(tuple[Tensor | None, Tensor | None, Tensor | None], found)
