"""Activations, as separate layers and inside other layers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import (
    Shape,
    Translated,
    Translator,
    Weight,
    in_keras_order,
    in_torch_order,
    single,
    torch_axis,
)


class Activation(nn.Module):
    """A function of each value; `name` is Keras' name for it."""

    def __init__(self, name: str, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.name, self._function = name, function

    def forward(self, inputs: Tensor) -> Tensor:
        """The function of the inputs."""
        return self._function(inputs)

    def extra_repr(self) -> str:
        """Its name."""
        return self.name


class PReLU(nn.Module):
    """Leaky relu whose slopes are learnt, for each value or shared along some axes."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs, those below zero times their slope."""
        return functional.relu(inputs) - self.weight * functional.relu(-inputs)


def _clipped(inputs: Tensor, *, maximum: float | None, slope: float, threshold: float) -> Tensor:
    found = torch.where(inputs >= threshold, inputs, slope * (inputs - threshold))
    return found if maximum is None else found.clamp_max(maximum)


def _leaky(inputs: Tensor, *, slope: float) -> Tensor:
    return functional.leaky_relu(inputs, slope)


def _elu(inputs: Tensor, *, alpha: float) -> Tensor:
    return functional.elu(inputs, alpha)


def _hard_sigmoid_2(inputs: Tensor) -> Tensor:
    return (0.2 * inputs + 0.5).clamp(0, 1)


def _softmax(inputs: Tensor, *, axis: int) -> Tensor:
    return inputs.softmax(axis)


def _log_softmax(inputs: Tensor, *, axis: int) -> Tensor:
    return inputs.log_softmax(axis)


_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "swish": functional.silu,
    "hard_sigmoid": functional.hardsigmoid,
    "hard_silu": functional.hardswish,
    "hard_swish": functional.hardswish,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "exponential": torch.exp,
    "leaky_relu": partial(_leaky, slope=0.2),
}


def activation(layer: Layer, shape: Shape) -> nn.Module | None:
    """The activation inside a layer whose output has a shape; None for a linear one."""
    given = layer.config.get("activation")
    if given is None or given == "linear":
        return None
    if isinstance(given, Mapping) and given.get("class_name") in TRANSLATORS:
        inner = replace(layer, kind=given["class_name"], config=given["config"])
        found = TRANSLATORS[inner.kind](inner, (shape,))
        if not found.weights:
            return found.module
    if given == "hard_sigmoid" and layer.keras < 3:
        return Activation(given, _hard_sigmoid_2)
    if given in ("softmax", "log_softmax"):
        function = _softmax if given == "softmax" else _log_softmax
        return Activation(given, partial(function, axis=torch_axis(-1, shape, layer)))
    if not isinstance(given, str) or given not in _FUNCTIONS:
        named = given if isinstance(given, str) else "a custom function"
        raise layer.refuse(f"has the activation {named} (known: {', '.join(sorted(_FUNCTIONS))})")
    return Activation(given, _FUNCTIONS[given])


def _activation_layer(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    return Translated(module=activation(layer, shape) or nn.Identity(), gives=shape)


def _relu(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    maximum = layer.config.get("max_value")
    slope = float(layer.config.get("negative_slope") or 0.0)
    threshold = float(layer.config.get("threshold") or 0.0)
    if slope == threshold == 0 and maximum in (None, 6):
        plain = Activation("relu", _FUNCTIONS["relu" if not maximum else "relu6"])
        return Translated(module=plain, gives=shape)
    function = partial(_clipped, maximum=maximum, slope=slope, threshold=threshold)
    return Translated(module=Activation("relu", function), gives=shape)


def _leaky_relu(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    function = partial(_leaky, slope=layer.leaky_slope)
    return Translated(module=Activation("leaky_relu", function), gives=shape)


def _elu_layer(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    function = partial(_elu, alpha=float(layer.setting("alpha", default=1.0)))
    return Translated(module=Activation("elu", function), gives=shape)


def _softmax_layer(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    axis = layer.config.get("axis", -1)
    if not isinstance(axis, int):
        raise layer.refuse(f"works on the axes {axis} (allowed: one)")
    function = partial(_softmax, axis=torch_axis(axis, shape, layer))
    return Translated(module=Activation("softmax", function), gives=shape)


def _prelu(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    stored = list(in_keras_order(shape))
    for axis in layer.config.get("shared_axes") or ():
        stored[axis - 1] = 1
    weight = Weight(
        names=("alpha",),
        tensor="weight",
        shape=tuple(stored),
        initialiser=layer.config.get("alpha_initializer", "zeros"),
        to_torch=slopes_to_torch,
    )
    module = PReLU(in_torch_order(tuple(stored)))
    return Translated(module=module, gives=shape, weights=(weight,))


def slopes_to_torch(alpha: Any) -> Any:
    """Slopes (height, width, channels) with the channels first; others as they are."""
    return alpha.transpose(2, 0, 1) if alpha.ndim == 3 else alpha


TRANSLATORS: Mapping[str, Translator] = {
    "Activation": _activation_layer,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu_layer,
    "Softmax": _softmax_layer,
    "PReLU": _prelu,
}
