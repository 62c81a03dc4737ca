"""Convolutions, with TensorFlow's "same" padding, and dense layers."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from headstart.core.errors import NetworkError
from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.activations import activation
from headstart.networks.keras.layers.base import (
    Shape,
    Translated,
    Translator,
    Weight,
    channels_first,
    channels_last,
    image,
    in_keras_order,
    in_torch_order,
    pair,
    single,
)


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after along one axis: the odd one goes after."""
    reach = (kernel - 1) * dilation + 1
    missing = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return missing // 2, missing - missing // 2


def window_shape(
    layer: Layer,
    shape: Shape,
    size: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """Rows and columns that windows on images (channels, height, width) give."""
    padding = layer.config.get("padding", "valid")
    if padding not in ("valid", "same"):
        raise layer.refuse(f"has the padding {padding} (allowed: valid, same)")
    sides = []
    for side, kernel, stride, step in zip(shape[1:], size, strides, dilation, strict=True):
        room = side if padding == "same" else side - (kernel - 1) * step
        if room < 1:
            raise NetworkError(
                f"{layer.where}: layer {layer} is given {shape[1]} x {shape[2]} pixels, fewer than "
                f"its window of {size[0]} x {size[1]}. Give the network larger images."
            )
        sides.append(-(-room // stride))
    return sides[0], sides[1]


class Conv(nn.Conv2d):
    """A convolution whose padding is none or "same", then an activation."""

    def __init__(self, *, same: bool, activation: nn.Module | None = None, **sizes: Any) -> None:
        super().__init__(**sizes)
        self._same, self.activation = same, activation

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolved and activated inputs."""
        outputs = self._convolved(inputs)
        return outputs if self.activation is None else cast(Tensor, self.activation(outputs))

    def _convolved(self, inputs: Tensor) -> Tensor:
        if not self._same:
            return super().forward(inputs)
        (top, bottom), (left, right) = (
            same_padding(*sizes)
            for sizes in zip(
                inputs.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True
            )
        )
        padding = (top, left)
        if top != bottom or left != right:
            inputs, padding = functional.pad(inputs, (left, right, top, bottom)), (0, 0)
        return functional.conv2d(
            inputs, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class SeparableConv(nn.Module):
    """A convolution of each channel by itself, then one of 1 x 1 over the channels."""

    def __init__(self, depthwise: Conv, pointwise: Conv) -> None:
        super().__init__()
        self.depthwise, self.pointwise = depthwise, pointwise

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolved and activated inputs."""
        return cast(Tensor, self.pointwise(self.depthwise(inputs)))


class Dense(nn.Linear):
    """A dense layer over the last axis in Keras' order (of images, the channels)."""

    def __init__(self, width: int, units: int, bias: bool, activation: nn.Module | None) -> None:
        super().__init__(width, units, bias)
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        """Products and activation."""
        outputs = channels_first(super().forward(channels_last(inputs)))
        return outputs if self.activation is None else cast(Tensor, self.activation(outputs))


def dense_to_torch(kernel: np.ndarray) -> np.ndarray:
    """From (in, out) to (out, in)."""
    return kernel.transpose()


def conv_to_torch(kernel: np.ndarray) -> np.ndarray:
    """From (height, width, in, out) to (out, in, height, width)."""
    return kernel.transpose(3, 2, 0, 1)


def depthwise_to_torch(kernel: np.ndarray) -> np.ndarray:
    """From (height, width, in, multiplier) to (in * multiplier, 1, height, width)."""
    height, width, channels, multiplier = kernel.shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


def _bias(layer: Layer, units: int, tensor: str = "bias") -> tuple[Weight, ...]:
    if not _has_bias(layer):
        return ()
    how = layer.config.get("bias_initializer", "zeros")
    return (Weight(names=("bias",), tensor=tensor, shape=(units,), initialiser=how),)


def _has_bias(layer: Layer) -> bool:
    return bool(layer.config.get("use_bias", True))


def _conv(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape, config = image(shapes, layer), layer.config
    channels, units, groups = shape[0], config["filters"], config.get("groups", 1)
    size = pair(config["kernel_size"])
    if channels % groups:
        raise layer.refuse(f"is given {channels} channels for {groups} groups")
    module = Conv(
        **_sizes(layer, channels, units, size),
        groups=groups,
        bias=_has_bias(layer),
        activation=activation(layer, (units, 1, 1)),
    )
    kernel = Weight(
        names=("kernel",),
        tensor="weight",
        shape=(*size, channels // groups, units),
        initialiser=config.get("kernel_initializer"),
        to_torch=conv_to_torch,
    )
    gives = (units, *_sides(layer, shape))
    return Translated(module=module, gives=gives, weights=(kernel, *_bias(layer, units)))


def _depthwise(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = image(shapes, layer)
    channels, size = shape[0], pair(layer.config["kernel_size"])
    multiplier = layer.config.get("depth_multiplier", 1)
    units = channels * multiplier
    module = Conv(
        **_sizes(layer, channels, units, size),
        groups=channels,
        bias=_has_bias(layer),
        activation=activation(layer, (units, 1, 1)),
    )
    kernel = _depthwise_weight(layer, (*size, channels, multiplier), "weight")
    gives = (units, *_sides(layer, shape))
    return Translated(module=module, gives=gives, weights=(kernel, *_bias(layer, units)))


def _separable(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape, config = image(shapes, layer), layer.config
    channels = shape[0]
    size, multiplier = pair(config["kernel_size"]), config.get("depth_multiplier", 1)
    between, units = channels * multiplier, config["filters"]
    depthwise = Conv(**_sizes(layer, channels, between, size), groups=channels, bias=False)
    pointwise = Conv(
        same=False,
        in_channels=between,
        out_channels=units,
        kernel_size=1,
        bias=_has_bias(layer),
        activation=activation(layer, (units, 1, 1)),
    )
    mixing = Weight(
        names=("pointwise_kernel",),
        tensor="pointwise.weight",
        shape=(1, 1, between, units),
        initialiser=config.get("pointwise_initializer"),
        to_torch=conv_to_torch,
    )
    kernel = _depthwise_weight(layer, (*size, channels, multiplier), "depthwise.weight")
    return Translated(
        module=SeparableConv(depthwise, pointwise),
        gives=(units, *_sides(layer, shape)),
        weights=(kernel, mixing, *_bias(layer, units, "pointwise.bias")),
    )


def _depthwise_weight(layer: Layer, shape: Shape, tensor: str) -> Weight:
    # Keras 3 names it as in other layers, except where there are two kernels.
    return Weight(
        names=("depthwise_kernel", "kernel"),
        tensor=tensor,
        shape=shape,
        initialiser=layer.setting("depthwise_initializer", "kernel_initializer"),
        to_torch=depthwise_to_torch,
    )


def _sizes(layer: Layer, channels: int, units: int, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "same": layer.config.get("padding", "valid") == "same",
        "in_channels": channels,
        "out_channels": units,
        "kernel_size": size,
        "stride": pair(layer.config.get("strides", 1)),
        "dilation": pair(layer.config.get("dilation_rate", 1)),
    }


def _sides(layer: Layer, shape: Shape) -> tuple[int, int]:
    config = layer.config
    return window_shape(
        layer,
        shape,
        pair(config["kernel_size"]),
        pair(config.get("strides", 1)),
        pair(config.get("dilation_rate", 1)),
    )


def _dense(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    *others, width = in_keras_order(shape)
    units = layer.config["units"]
    after = in_torch_order((*others, units))
    inner = activation(layer, after)
    plain = len(shape) == 1 and inner is None
    module = (
        nn.Linear(width, units, _has_bias(layer))
        if plain
        else Dense(width, units, _has_bias(layer), inner)
    )
    kernel = Weight(
        names=("kernel",),
        tensor="weight",
        shape=(width, units),
        initialiser=layer.config.get("kernel_initializer"),
        to_torch=dense_to_torch,
    )
    return Translated(module=module, gives=after, weights=(kernel, *_bias(layer, units)))


TRANSLATORS: Mapping[str, Translator] = {
    "Conv2D": _conv,
    "Convolution2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Dense": _dense,
}
