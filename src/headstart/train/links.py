"""Layers on columns, values (units, batch), with the way back written out."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.layers import Dropout, Relu
from headstart.spec.shapes import Shape
from headstart.train.moving import Moving, as_matrix

_aten = torch.ops.aten


class Link(ABC):
    """One layer, or two that go together. All values are columns."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs, in place where nobody asks for the inputs again."""

    @abstractmethod
    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Slopes at the inputs from those at the outputs of the last call."""

    def learn(self, slopes: Tensor, inputs: Tensor, factor: float) -> None:  # noqa: B027
        """Move what is trained of it, if anything is."""


class DenseLink(Link):
    """A dense layer."""

    def __init__(self, layer: nn.Linear, weight: Moving | None, bias: Moving | None) -> None:
        self._weight = layer.weight.detach()
        self._turned = self._weight.t()
        self._bias = None if layer.bias is None else layer.bias.detach()[:, None]
        self._moving_weight, self._moving_bias = weight, bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Weights times columns."""
        if self._bias is None:
            return self._weight.mm(inputs)
        return torch.addmm(self._bias, self._weight, inputs)

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Weights turned round times slopes."""
        return self._turned.mm(slopes)

    def learn(self, slopes: Tensor, inputs: Tensor, factor: float) -> None:
        """Move weights and biases."""
        if self._moving_weight is not None:
            self._moving_weight.by_product(slopes, inputs.t(), factor)
        if self._moving_bias is not None:
            self._moving_bias.by(slopes.sum(1), factor)


class PooledLink(Link):
    """A convolution of one channel at the front, and the max-pooling by two behind it.

    A window of the pool sees a patch one wider and higher than the kernel. The four places of the
    kernel in it are four rows of weights for each channel, mostly zeros, so all four values are one
    product; channels this few leave a convolution's vector registers half empty. Of two equal
    values the first in reading order is the greatest and alone gets slopes, as PyTorch has it.
    """

    def __init__(
        self, layer: nn.Conv2d, shape: Shape, weight: Moving | None, bias: Moving | None
    ) -> None:
        self._weight = as_matrix(layer.weight.detach())  # (channels, kernel * kernel)
        self._bias = None if layer.bias is None else layer.bias.detach()[:, None]
        self._moving_weight, self._moving_bias = weight, bias
        self._kernel, self._image = layer.kernel_size[0], shape[:2]
        padding = layer.padding[0]
        assert not isinstance(padding, str)
        self._padding = padding
        places = _places(self._kernel)
        self._places, self._turned_places = places, places.t().contiguous()
        self._rooms: dict[int, _Room] = {}
        self._room: _Room

    def forward(self, inputs: Tensor) -> Tensor:
        """The greatest of four values, (channels * height * width, batch)."""
        batch, channels = inputs.shape[1], len(self._weight)
        if batch not in self._rooms:
            self._rooms[batch] = _Room(channels, self._kernel, self._image, self._padding, batch)
        room = self._room = self._rooms[batch]
        room.inside.copy_(inputs.view(room.inside.shape))
        room.patches.copy_(room.windows)
        weights = self._weight.mm(self._turned_places).view(4 * channels, -1)
        torch.mm(weights, room.columns, out=room.values)
        torch.maximum(room.lefts, room.rights, out=room.rows)
        greatest = torch.maximum(room.uppers, room.lowers)
        if self._bias is not None:
            greatest += self._bias
        return greatest.view(-1, batch)

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Nothing below is trained, so nobody asks."""
        raise AssertionError("a pooled convolution is the lowest link")

    def learn(self, slopes: Tensor, inputs: Tensor, factor: float) -> None:
        """Move weights and biases; the room's values become their slopes."""
        room, channels = self._room, len(self._weight)
        slopes = slopes.view(channels, -1)
        if self._moving_weight is not None:
            _choose(slopes, room.uppers, room.lowers)
            _choose(room.rows, room.lefts, room.rights)
            products = room.values.mm(room.columns.t()).view(channels, -1)
            self._moving_weight.by_product(products, self._places, factor)
        if self._moving_bias is not None:
            self._moving_bias.by(slopes.sum(1), factor)


class _Room:
    """Memory of one pooled convolution for batches of one size, (..., batch) throughout.

    Values are (channels, 4, windows * batch): of each window upper left, lower left, upper right,
    lower right; rows are the greater of left and right.
    """

    def __init__(
        self, channels: int, kernel: int, image: tuple[int, ...], padding: int, batch: int
    ) -> None:
        height, width = (side + 2 * padding for side in image)
        down, across = ((side - kernel + 1) // 2 for side in (height, width))
        padded = torch.zeros(height, width, batch)
        self.inside = padded[padding : height - padding, padding : width - padding]
        row = width * batch
        self.windows = padded.as_strided(
            (kernel + 1, kernel + 1, down, across, batch), (row, batch, 2 * row, 2 * batch, 1)
        )
        self.patches = torch.empty(self.windows.shape)
        self.columns = self.patches.view((kernel + 1) ** 2, -1)
        self.values = torch.empty(4 * channels, down * across * batch)
        four = self.values.view(channels, 4, -1)
        self.lefts, self.rights = four[:, :2], four[:, 2:]
        self.rows = torch.empty(channels, 2, down * across * batch)
        self.uppers, self.lowers = self.rows[:, 0], self.rows[:, 1]


# Slopes go where the difference is above this: the largest that is below zero and no denormal.
_BELOW_ZERO = -torch.finfo(torch.float32).tiny


def _choose(slopes: Tensor, first: Tensor, second: Tensor) -> None:
    """Overwrite values by their slopes: all of them goes to the greater, of equals to the first."""
    first -= second
    _aten.threshold_backward(slopes, first, _BELOW_ZERO, grad_input=first)
    torch.sub(slopes, first, out=second)


def _places(kernel: int) -> Tensor:
    """Where each weight of a kernel lies in a patch, (4 places * patch, kernel * kernel), 0 or 1.

    Places in the order of a room's values.
    """
    places = torch.zeros(2, 2, kernel + 1, kernel + 1, kernel, kernel)
    for down in range(2):
        for across in range(2):
            for row in range(kernel):
                for column in range(kernel):
                    places[across, down, down + row, across + column, row, column] = 1
    return places.view(-1, kernel * kernel)


class DroppingLink(Link):
    """Dropout, drawn image by image and with channels last, as for images and rows."""

    def __init__(self, layer: Dropout, shape: Shape) -> None:
        self._layer, self._shape = layer, shape
        self._mask = torch.empty(0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs with some values dropped."""
        batch = inputs.shape[1]
        drawn = self._layer.mask(inputs.new_empty((batch, *self._shape)))
        if len(self._shape) > 1:
            drawn = drawn.permute(0, 3, 1, 2).reshape(batch, -1)
        self._mask = drawn.t()
        return inputs * self._mask

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Slopes of what was kept."""
        return slopes * self._mask


_Forward = Callable[[Any, Tensor], Tensor]
_Back = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
# What a layer does, in place where nobody asks for its input again; and what autograd itself calls
# on the way back, with what it keeps: inputs or outputs.
_ACTIVATIONS: dict[type[nn.Module], tuple[_Forward, _Back]] = {
    Relu: (
        lambda _, inputs: inputs.relu_(),
        lambda _, slopes, __, out: _aten.threshold_backward(slopes, out, 0),
    ),
    nn.LeakyReLU: (
        lambda layer, inputs: functional.leaky_relu(inputs, layer.negative_slope),
        lambda layer, slopes, inputs, _: _aten.leaky_relu_backward(
            slopes, inputs, layer.negative_slope, False
        ),
    ),
    nn.Tanh: (
        lambda _, inputs: inputs.tanh(),  # a tanh below looks at its outputs again
        lambda _, slopes, __, out: _aten.tanh_backward(slopes, out),
    ),
    nn.GELU: (
        lambda _, inputs: functional.gelu(inputs),
        lambda _, slopes, inputs, __: _aten.gelu_backward(slopes, inputs),
    ),
}


class ActivationLink(Link):
    """A function of single numbers."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._forward, self._back = _ACTIVATIONS[type(layer)]

    def forward(self, inputs: Tensor) -> Tensor:
        """The function, in place where that changes nothing that is looked at again."""
        return self._forward(self._layer, inputs)

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Slopes times the function's own."""
        return self._back(self._layer, slopes, inputs, outputs)
