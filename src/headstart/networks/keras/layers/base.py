"""What a translator gives: a torch module, and which arrays of the file are its weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from headstart.networks.keras.graph import Layer

Shape = tuple[int, ...]
"""Shape without the batch: (channels, height, width) of images, else in Keras' order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One array of a layer.

    Attributes:
        names: what Keras calls it, in version 3 first.
        tensor: name of the parameter or buffer in the module.
        shape: in Keras.
        initialiser: what Keras draws it from, as serialised.
        to_torch: puts the axes of the array in PyTorch's order.
    """

    names: tuple[str, ...]
    tensor: str
    shape: Shape
    initialiser: Any
    to_torch: Callable[[np.ndarray], np.ndarray] = np.asarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """A module that does what a layer does, on images in PyTorch's order.

    `gives` is the shape of its output; `weights` are in the order in which Keras stores them.
    """

    module: nn.Module
    gives: Shape
    weights: tuple[Weight, ...] = ()


Translator = Callable[[Layer, tuple[Shape, ...]], Translated]
"""From a layer and the shapes of what it is given (each without the batch)."""


def single(shapes: tuple[Shape, ...], layer: Layer) -> Shape:
    """The shape of a layer's only input."""
    if len(shapes) != 1:
        raise layer.refuse(f"is given {len(shapes)} inputs (allowed: one)")
    return shapes[0]


def image(shapes: tuple[Shape, ...], layer: Layer) -> Shape:
    """The shape (channels, height, width) of the images that a layer is given."""
    shape = single(shapes, layer)
    order = layer.config.get("data_format", "channels_last")
    if order not in ("channels_last", None):
        raise layer.refuse(f"takes images in the order {order} (allowed: channels_last)")
    if len(shape) != 3:
        raise layer.refuse(f"is given {len(shape)} axes (allowed: height, width, channels)")
    return shape


def pair(value: Any) -> tuple[int, int]:
    """Height and width of a setting that may be one number."""
    if isinstance(value, int):
        return value, value
    height, width = value
    return int(height), int(width)


def torch_axis(axis: int, shape: Shape, layer: Layer) -> int:
    """Keras' number of an axis, the batch being 0, as PyTorch's."""
    num = len(shape) + 1
    if not -num <= axis < num or axis % num == 0:
        raise layer.refuse(f"works on axis {axis} (allowed: 1 to {num - 1})")
    return {1: 2, 2: 3, 3: 1}[axis % num] if num == 4 else axis % num


def in_keras_order(shape: Shape) -> Shape:
    """A shape with the channels of images last."""
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def in_torch_order(shape: Shape) -> Shape:
    """A shape in Keras' order with the channels of images first."""
    return (shape[2], *shape[:2]) if len(shape) == 3 else shape


def channels_last(inputs: Tensor) -> Tensor:
    """Images with their axes in Keras' order; anything else as it is."""
    return inputs.permute(0, 2, 3, 1) if inputs.dim() == 4 else inputs


def channels_first(inputs: Tensor) -> Tensor:
    """Images with their axes in PyTorch's order; anything else as it is."""
    return inputs.permute(0, 3, 1, 2) if inputs.dim() == 4 else inputs
