"""Layers with a manual backward pass. Values are columns: (units, batch).

Slopes are those of each image's own loss; what moves takes its share of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.declared.layers import Dropout, Relu
from headstart.study.network_facts import Shape
from headstart.train.fast.conv_pool_workspace import Workspace, patch_side
from headstart.train.fast.fused_sgd import ParameterUpdate, StepScale, as_matrix

_aten = torch.ops.aten


class ManualLayer(ABC):
    """One layer, or two fused ones. All values are columns (units, batch)."""

    @abstractmethod
    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs; in place where the inputs are not needed again."""

    @abstractmethod
    def backward(self, grads: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Input gradient from the output gradient of the last call."""

    def apply_gradient(self, grads: Tensor, inputs: Tensor, pace: StepScale) -> None:  # noqa: B027
        """Update the trained parameters, if any."""


class ManualLinear(ManualLayer):
    """A dense layer."""

    def __init__(
        self, layer: nn.Linear, weight: ParameterUpdate | None, bias: ParameterUpdate | None
    ) -> None:
        self._weight = layer.weight.detach()
        self._transposed = self._weight.t()
        self._bias = None if layer.bias is None else as_matrix(layer.bias.detach())
        self._moving_weight, self._moving_bias = weight, bias

    def forward(self, inputs: Tensor) -> Tensor:
        """weight @ columns + bias."""
        if self._bias is None:
            return self._weight.mm(inputs)
        return torch.addmm(self._bias, self._weight, inputs)

    def backward(self, grads: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Input gradient: weight.T @ gradient."""
        return self._transposed.mm(grads)

    def apply_gradient(self, grads: Tensor, inputs: Tensor, pace: StepScale) -> None:
        """Update weights and biases."""
        if self._moving_weight is not None:
            self._moving_weight.apply(grads, inputs.t(), pace)
        if self._moving_bias is not None:
            self._moving_bias.apply(grads, _ones(grads.shape[1]), pace)


class ManualConvPool(ManualLayer):
    """A convolution fused with the 2 x 2 max-pooling behind it.

    A window of the pool sees a patch a little larger than the kernel. The four places of the kernel
    in it are four rows of weights for each channel, so all four values are one product; channels
    this few leave a convolution's vector registers half empty. Of equal values the first in reading
    order is the greatest and alone gets slopes, as PyTorch has it.
    """

    def __init__(
        self,
        layer: nn.Conv2d,
        shape: Shape,
        weight: ParameterUpdate | None,
        bias: ParameterUpdate | None,
    ) -> None:
        self._weight, self._shape = layer.weight.detach(), shape
        self._bias = None if layer.bias is None else as_matrix(layer.bias.detach())
        self._moving_weight, self._moving_bias = weight, bias
        self._padding = int(layer.padding[0])
        self._places = _places(layer.kernel_size[0])
        self._transposed_places = self._places.t().contiguous()
        self._workspaces: dict[int, Workspace] = {}
        self._workspace: Workspace
        self._four: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        """Max-pooled convolution, (channels * height * width, batch)."""
        batch, (outputs, channels, kernel, _) = inputs.shape[1], self._weight.shape
        if batch not in self._workspaces:
            self._workspaces[batch] = Workspace(outputs, kernel, self._shape, self._padding, batch)
        workspace = self._workspace = self._workspaces[batch]
        each = as_matrix(self._weight).mm(self._transposed_places).view(outputs, channels, 4, -1)
        self._four = each.transpose(1, 2).reshape(4 * outputs, -1)
        workspace.im2col(inputs)
        torch.mm(self._four, workspace.columns, out=workspace.values)
        pooled = workspace.max_pool()
        if self._bias is not None:
            pooled += self._bias
        return pooled.view(-1, batch)

    def backward(self, grads: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Input gradient, summed over the patches that hold an input."""
        self._workspace.route_gradient(grads)
        return self._workspace.col2im(self._four.t().mm(self._workspace.values))

    def apply_gradient(self, grads: Tensor, inputs: Tensor, pace: StepScale) -> None:
        """Update weights and biases."""
        workspace, (outputs, channels) = self._workspace, self._weight.shape[:2]
        if self._moving_weight is not None:
            workspace.route_gradient(grads)
            products = workspace.values.mm(workspace.columns.t()).view(outputs, 4, channels, -1)
            rows = products.transpose(1, 2).reshape(outputs * channels, -1)
            self._moving_weight.apply(rows, self._places, pace)
        if self._moving_bias is not None:
            grads = grads.view(outputs, -1)
            self._moving_bias.apply(grads, _ones(grads.shape[1]), pace)


@lru_cache(maxsize=16)
def _ones(num: int) -> Tensor:
    """Ones (num, 1): output gradients @ ones is the gradient of a bias."""
    return torch.ones(num, 1)


def _places(kernel: int) -> Tensor:
    """Position of each kernel weight in a patch, (4 positions * patch, kernel * kernel), 0 or 1.

    Places in the order of the workspace's values.
    """
    side = patch_side(kernel)
    places = torch.zeros(2, 2, side, side, kernel, kernel)
    for down in range(2):
        for across in range(2):
            for row in range(kernel):
                for column in range(kernel):
                    places[across, down, down + row, across + column, row, column] = 1
    return places.view(-1, kernel * kernel)


class ManualDropout(ManualLayer):
    """Dropout, drawn image by image and with channels last, as for images and rows.

    Columns hold images so too (`by_pixel`), or channel by channel.
    """

    def __init__(self, layer: Dropout, shape: Shape, by_pixel: bool) -> None:
        self._layer, self._shape, self._by_pixel = layer, shape, by_pixel
        self._mask = torch.empty(0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs with some values dropped."""
        batch = inputs.shape[1]
        drawn = self._layer.mask(inputs.new_empty((batch, *self._shape)))
        if not self._by_pixel and len(self._shape) > 1:
            drawn = drawn.permute(0, 3, 1, 2)
        self._mask = drawn.reshape(batch, -1).t()
        return inputs * self._mask

    def backward(self, grads: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Input gradient: that of the values that were kept."""
        return grads * self._mask


_Forward = Callable[[Any, Tensor], Tensor]
_Back = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
# What a layer does, in place where nobody asks for its input again; and what autograd itself calls
# on the way back, with what it keeps: inputs or outputs.
_ACTIVATIONS: dict[type[nn.Module], tuple[_Forward, _Back]] = {
    Relu: (
        lambda _, inputs: inputs.relu_(),
        lambda _, grads, __, out: _aten.threshold_backward.default(grads, out, 0),
    ),
    nn.LeakyReLU: (
        lambda layer, inputs: functional.leaky_relu(inputs, layer.negative_slope),
        lambda layer, grads, inputs, _: _aten.leaky_relu_backward.default(
            grads, inputs, layer.negative_slope, False
        ),
    ),
    nn.Tanh: (
        lambda _, inputs: inputs.tanh(),  # a tanh below looks at its outputs again
        lambda _, grads, __, out: _aten.tanh_backward.default(grads, out),
    ),
    nn.GELU: (
        lambda _, inputs: functional.gelu(inputs),
        lambda _, grads, inputs, __: _aten.gelu_backward.default(grads, inputs),
    ),
}


class ManualActivation(ManualLayer):
    """An elementwise activation."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._forward, self._back = _ACTIVATIONS[type(layer)]

    def forward(self, inputs: Tensor) -> Tensor:
        """The activation; in place where its inputs are not needed again."""
        return self._forward(self._layer, inputs)

    def backward(self, grads: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Output gradient times the derivative."""
        return self._back(self._layer, grads, inputs, outputs)
