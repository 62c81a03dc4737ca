"""Batch, layer and group normalisation with Keras' settings, over the channels."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import (
    Shape,
    Translated,
    Translator,
    Weight,
    channels_first,
    channels_last,
    in_keras_order,
    single,
    torch_axis,
)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of images and features; scale and shift may each be missing.

    It does not count batches, which only PyTorch's cumulative average needs.
    """

    def __init__(
        self, channels: int, *, epsilon: float, momentum: float, scale: bool, center: bool
    ) -> None:
        super().__init__(channels, eps=epsilon, momentum=momentum)
        _leave_out(self, scale=scale, center=center)
        self.register_buffer("num_batches_tracked", None)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes, the channels second."""

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        # nn.BatchNorm2d's own would add a count of batches to states that have none.
        nn.Module._load_from_state_dict(self, *args, **kwargs)


class LayerNorm(nn.LayerNorm):
    """Normalisation over the last axis in Keras' order (of images, the channels)."""

    def __init__(self, width: int, *, epsilon: float, scale: bool, center: bool) -> None:
        super().__init__(width, eps=epsilon)
        _leave_out(self, scale=scale, center=center)

    def forward(self, input: Tensor) -> Tensor:
        """Normalised inputs."""
        return channels_first(super().forward(channels_last(input)))


class GroupNorm(nn.GroupNorm):
    """Normalisation of groups of channels; scale and shift may each be missing."""

    def __init__(
        self, groups: int, channels: int, *, epsilon: float, scale: bool, center: bool
    ) -> None:
        super().__init__(groups, channels, eps=epsilon)
        _leave_out(self, scale=scale, center=center)


class ChannelScale(nn.Module):
    """A learnt factor for each channel, as ConvNeXt has them at the end of a branch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Scaled inputs."""
        return channels_first(channels_last(inputs) * self.weight)


def _leave_out(module: nn.Module, *, scale: bool, center: bool) -> None:
    for name, kept in (("weight", scale), ("bias", center)):
        if not kept:
            module.register_parameter(name, None)


def _batch(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    channels = _channels(layer, shapes)
    if layer.config.get("renorm"):
        raise layer.refuse("uses batch renormalisation")
    scale, center = _kept(layer)
    module = BatchNorm(
        channels,
        epsilon=layer.config.get("epsilon", 1e-3),
        momentum=1 - layer.config.get("momentum", 0.99),
        scale=scale,
        center=center,
    )
    statistics = (
        _weight(layer, "moving_mean", "running_mean", channels, "zeros"),
        _weight(layer, "moving_variance", "running_var", channels, "ones"),
    )
    return Translated(
        module=module, gives=shapes[0], weights=(*_scale_and_shift(layer, channels), *statistics)
    )


def _layer(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    width = _channels(layer, shapes)
    if layer.config.get("rms_scaling"):
        raise layer.refuse("scales by the root of the mean square")
    scale, center = _kept(layer)
    epsilon = layer.config.get("epsilon", 1e-3)
    module = LayerNorm(width, epsilon=epsilon, scale=scale, center=center)
    return Translated(module=module, gives=shapes[0], weights=_scale_and_shift(layer, width))


def _group(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    channels = _channels(layer, shapes)
    if len(shapes[0]) == 2:
        raise layer.refuse("is given sequences (allowed: images or features)")
    groups = layer.config.get("groups", 32)
    scale, center = _kept(layer)
    module = GroupNorm(
        channels if groups == -1 else groups,
        channels,
        epsilon=layer.config.get("epsilon", 1e-3),
        scale=scale,
        center=center,
    )
    return Translated(module=module, gives=shapes[0], weights=_scale_and_shift(layer, channels))


def _channel_scale(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    channels = in_keras_order(single(shapes, layer))[-1]
    first = {"class_name": "Constant", "config": {"value": layer.config["init_values"]}}
    gamma = Weight(names=("gamma",), tensor="weight", shape=(channels,), initialiser=first)
    return Translated(module=ChannelScale(channels), gives=shapes[0], weights=(gamma,))


def _channels(layer: Layer, shapes: tuple[Shape, ...]) -> int:
    """Size of the axis that is normalised: the last in Keras' order."""
    shape = single(shapes, layer)
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    if len(axes) != 1 or torch_axis(axes[0], shape, layer) != torch_axis(-1, shape, layer):
        raise layer.refuse(f"normalises over axis {axis} (allowed: the last)")
    return in_keras_order(shape)[-1]


def _kept(layer: Layer) -> tuple[bool, bool]:
    return bool(layer.config.get("scale", True)), bool(layer.config.get("center", True))


def _scale_and_shift(layer: Layer, channels: int) -> tuple[Weight, ...]:
    scale, center = _kept(layer)
    gamma = _weight(layer, "gamma", "weight", channels, "ones")
    beta = _weight(layer, "beta", "bias", channels, "zeros")
    return (*((gamma,) if scale else ()), *((beta,) if center else ()))


def _weight(layer: Layer, name: str, tensor: str, channels: int, default: str) -> Weight:
    how = layer.config.get(f"{name}_initializer", default)
    return Weight(names=(name,), tensor=tensor, shape=(channels,), initialiser=how)


TRANSLATORS: Mapping[str, Translator] = {
    "BatchNormalization": _batch,
    "BatchNormalizationV1": _batch,
    "LayerNormalization": _layer,
    "GroupNormalization": _group,
    "LayerScale": _channel_scale,
}
