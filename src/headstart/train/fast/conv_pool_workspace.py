"""Workspace of a convolution with max-pooling: im2col, pooling and their gradients."""

import torch
from torch import Tensor

from headstart.study.network_facts import Shape

# Slopes go where a difference is above this: the largest that is below zero and no denormal.
_BELOW_ZERO = -torch.finfo(torch.float32).tiny
_where_above = torch.ops.aten.threshold_backward


class Workspace:
    """Buffers for batches of one size; the last axis of all of them is the batch, or ends in it.

    `columns` are what each window of the pool sees, (channels in * patch, windows * batch);
    `values` are its four, (channels * 4, windows * batch): upper left, lower left, upper right,
    lower right.
    """

    def __init__(self, channels: int, kernel: int, shape: Shape, padding: int, batch: int) -> None:
        down, across = ((side + 2 * padding - kernel + 1) // 2 for side in shape[:2])
        side = patch_side(kernel)
        # Even sides, with a patch for every window: zeros at the end where there is no pixel.
        height, width = (
            max(-(-(had + 2 * padding) // 2) * 2, 2 * (windows - 1) + side)
            for had, windows in zip(shape, (down, across), strict=False)
        )
        self._padded = torch.zeros(shape[2], height, width, batch)
        self._within = (slice(None), *(slice(padding, padding + had) for had in shape[:2]))
        row = width * batch
        self._windows = self._padded.as_strided(
            (shape[2], side, side, down, across, batch),
            (height * row, row, batch, 2 * row, 2 * batch, 1),
        )
        self._patches = torch.empty(self._windows.shape)
        self.columns = self._patches.view(-1, down * across * batch)
        self.values = torch.empty(4 * channels, down * across * batch)
        four = self.values.view(channels, 4, -1)
        self._left, self._right = four[:, :2], four[:, 2:]
        self._rows = torch.empty(channels, 2, down * across * batch)
        self._upper, self._lower = self._rows[:, 0], self._rows[:, 1]
        self._routed = False

    def im2col(self, inputs: Tensor) -> None:
        """im2col of inputs (channels in * height * width, batch)."""
        inside = self._padded[self._within]
        inside.copy_(inputs.view(inside.shape))
        self._patches.copy_(self._windows)
        self._routed = False

    def max_pool(self) -> Tensor:
        """Maximum of each window, (channels, windows * batch)."""
        torch.maximum(self._left, self._right, out=self._rows)
        return torch.maximum(self._upper, self._lower)

    def route_gradient(self, grads: Tensor) -> None:
        """Replace values by their gradients, routed from the pooled ones; done once."""
        if not self._routed:
            _route(grads.view(self._upper.shape), self._upper, self._lower)
            _route(self._rows, self._left, self._right)
            self._routed = True

    def col2im(self, grads: Tensor) -> Tensor:
        """col2im: input gradient, summed over all columns that hold an input."""
        channels, side, _, down, across, batch = self._windows.shape
        _, height, width, _ = self._padded.shape
        # Windows stand two apart: a patch is blocks of two by two, each summed with its likes.
        patches = grads.view(channels, side // 2, 2, side // 2, 2, down, across, batch)
        sums = grads.new_zeros(channels, 2, 2, height // 2, width // 2, batch)
        for row in range(side // 2):
            for column in range(side // 2):
                block = sums[:, :, :, row : row + down, column : column + across]
                block += patches[:, row, :, column]
        whole = sums.permute(0, 3, 1, 4, 2, 5).reshape(self._padded.shape)
        return whole[self._within].reshape(-1, batch)


def patch_side(kernel: int) -> int:
    """Width of a patch: two positions of the kernel side by side, rounded up to even."""
    return kernel + 1 + (kernel + 1) % 2


def _route(grads: Tensor, first: Tensor, second: Tensor) -> None:
    """Replace values by their gradients, routed to the greater; of equals, to the first."""
    first -= second
    _where_above.grad_input(grads, first, _BELOW_ZERO, grad_input=first)
    torch.sub(grads, first, out=second)
