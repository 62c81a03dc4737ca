"""Layers that draw random numbers in train mode, all from the generator they are given."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.declared.layers import Dropout
from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import Shape, Translated, Translator, image, single


class SharedDropout(Dropout):
    """Dropout with one draw along some axes: whole channels, or whole branches of an image."""

    def __init__(self, rate: float, shared: tuple[int, ...]) -> None:
        super().__init__(rate)
        self._shared = shared

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs with some slices dropped in train mode; inputs as they are in eval mode."""
        if not self.training:
            return inputs
        slices = inputs
        for axis in self._shared:
            slices = slices.narrow(axis, 0, 1)
        return inputs * self.mask(slices)


class GaussianDropout(Dropout):
    """Products with normal draws around one, as deviant as dropout's."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Noisy inputs in train mode; inputs as they are in eval mode."""
        deviation = sqrt(self.p / (1 - self.p))
        return inputs * (1 + deviation * self._normal(inputs)) if self.training else inputs

    def _normal(self, inputs: Tensor) -> Tensor:
        return torch.empty_like(inputs).normal_(generator=self.generator)


class GaussianNoise(GaussianDropout):
    """Sums with normal draws around zero."""

    def __init__(self, deviation: float) -> None:
        super().__init__(0.5)
        self.deviation = deviation

    def forward(self, inputs: Tensor) -> Tensor:
        """Noisy inputs in train mode; inputs as they are in eval mode."""
        return inputs + self.deviation * self._normal(inputs) if self.training else inputs


def _rate(layer: Layer) -> float:
    rate = float(layer.config.get("rate", 0.0))
    if not 0 <= rate < 1:
        raise layer.refuse(f"has the rate {rate:g} (allowed: 0 up to, not including, 1)")
    return rate


def _dropout(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    rate = _rate(layer)
    if rate == 0:
        return Translated(module=nn.Identity(), gives=shape)
    shared = _shared_axes(layer.config.get("noise_shape"), len(shape) + 1)
    module = SharedDropout(rate, shared) if shared else Dropout(rate)
    return Translated(module=module, gives=shape)


def _shared_axes(noise: Any, num: int) -> tuple[int, ...]:
    """Axes, in PyTorch's order, along which the shape of the noise is one."""
    axes = [axis for axis, size in enumerate(noise or ()) if axis and size == 1]
    return tuple({1: 2, 2: 3, 3: 1}[axis] if num == 4 else axis for axis in axes)


def _spatial(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape, rate = image(shapes, layer), _rate(layer)
    module = SharedDropout(rate, (2, 3)) if rate else nn.Identity()
    return Translated(module=module, gives=shape)


def _depth(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    """ConvNeXt's own layer: the branch of an image is there or not."""
    shape, rate = single(shapes, layer), float(layer.config["drop_path_rate"])
    shared = tuple(range(1, len(shape) + 1))
    return Translated(module=SharedDropout(rate, shared) if rate else nn.Identity(), gives=shape)


def _gaussian(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape, rate = single(shapes, layer), _rate(layer)
    return Translated(module=GaussianDropout(rate) if rate else nn.Identity(), gives=shape)


def _noise(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = single(shapes, layer)
    return Translated(module=GaussianNoise(float(layer.config["stddev"])), gives=shape)


TRANSLATORS: Mapping[str, Translator] = {
    "Dropout": _dropout,
    "SpatialDropout2D": _spatial,
    "StochasticDepth": _depth,
    "GaussianDropout": _gaussian,
    "GaussianNoise": _noise,
}
