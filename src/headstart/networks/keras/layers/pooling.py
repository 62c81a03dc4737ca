"""Pooling over windows and over whole images."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import Shape, Translated, Translator, image, pair
from headstart.networks.keras.layers.convolution import same_padding, window_shape


class Pool(nn.Module):
    """Greatest value or mean of each window; padding is none or "same" and never counts."""

    def __init__(
        self, size: tuple[int, int], strides: tuple[int, int], *, same: bool, greatest: bool
    ) -> None:
        super().__init__()
        self.size, self.strides = size, strides
        self._same, self._greatest = same, greatest

    def forward(self, inputs: Tensor) -> Tensor:
        """One value for each window."""
        (top, bottom), (left, right) = self._padding(inputs)
        margins = (left, right, top, bottom)
        if self._greatest:
            if any(margins):
                inputs = functional.pad(inputs, margins, value=-torch.inf)
            return functional.max_pool2d(inputs, self.size, self.strides)
        if top == bottom and left == right:
            return functional.avg_pool2d(
                inputs, self.size, self.strides, (top, left), count_include_pad=False
            )
        inside = functional.pad(inputs.new_ones(1, 1, *inputs.shape[2:]), margins)
        sums, counts = (
            functional.avg_pool2d(part, self.size, self.strides, divisor_override=1)
            for part in (functional.pad(inputs, margins), inside)
        )
        return sums / counts

    def _padding(self, inputs: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
        if not self._same:
            return (0, 0), (0, 0)
        rows, columns = (
            same_padding(*sizes)
            for sizes in zip(inputs.shape[2:], self.size, self.strides, strict=True)
        )
        return rows, columns

    def extra_repr(self) -> str:
        """What it takes, from which windows."""
        return f"{'greatest' if self._greatest else 'mean'} of {self.size}, strides {self.strides}"


class GlobalPool(nn.Module):
    """Greatest value or mean of each channel."""

    def __init__(self, *, greatest: bool, keep_axes: bool) -> None:
        super().__init__()
        self._greatest, self._keep_axes = greatest, keep_axes

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels), or (batch, channels, 1, 1) where the axes are kept."""
        if self._greatest:
            return inputs.amax((2, 3), keepdim=self._keep_axes)
        return inputs.mean((2, 3), keepdim=self._keep_axes)


def _pool(greatest: bool) -> Translator:
    def translate(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
        shape, config = image(shapes, layer), layer.config
        size = pair(config["pool_size"])
        strides = pair(config["strides"]) if config.get("strides") else size
        same = config.get("padding", "valid") == "same"
        return Translated(
            module=Pool(size, strides, same=same, greatest=greatest),
            gives=(shape[0], *window_shape(layer, shape, size, strides)),
        )

    return translate


def _global_pool(greatest: bool) -> Translator:
    def translate(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
        channels = image(shapes, layer)[0]
        keep = bool(layer.config.get("keepdims", False))
        return Translated(
            module=GlobalPool(greatest=greatest, keep_axes=keep),
            gives=(channels, 1, 1) if keep else (channels,),
        )

    return translate


def _pooled_features(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    """What stands before a head that the file does not have: one number for each channel."""
    (shape,) = shapes
    if len(shape) == 3:
        return Translated(module=GlobalPool(greatest=False, keep_axes=False), gives=shape[:1])
    if len(shape) == 1:
        return Translated(module=nn.Identity(), gives=shape)
    raise layer.refuse(f"would be a head on {len(shape)} axes (allowed: images or features)")


TRANSLATORS: Mapping[str, Translator] = {
    "MaxPooling2D": _pool(greatest=True),
    "AveragePooling2D": _pool(greatest=False),
    "GlobalMaxPooling2D": _global_pool(greatest=True),
    "GlobalAveragePooling2D": _global_pool(greatest=False),
    "PooledFeatures": _pooled_features,
}
