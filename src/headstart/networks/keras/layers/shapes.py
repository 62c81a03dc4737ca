"""Layers that move values about or combine several inputs, and have no weights."""

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.declared.layers import Flatten
from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import (
    Shape,
    Translated,
    Translator,
    channels_first,
    channels_last,
    image,
    in_keras_order,
    in_torch_order,
    pair,
    single,
    torch_axis,
)


class Reshape(nn.Module):
    """Values in Keras' order (channels last) in another shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, *shape), images with their channels first."""
        rows = channels_last(inputs).reshape(inputs.shape[0], *self.shape)
        return channels_first(rows)


class Pad(nn.Module):
    """Zeros around images, or (negative) rows and columns cut off."""

    def __init__(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        super().__init__()
        self.margins = (*columns, *rows)

    def forward(self, inputs: Tensor) -> Tensor:
        """Images of another size."""
        return functional.pad(inputs, self.margins)


class Merge(nn.Module):
    """One value from several, place by place; fewer axes are stretched as Keras does."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, *inputs: Tensor) -> Tensor:
        """The inputs combined."""
        first, *others = self._stretched(inputs)
        for other in others:
            first = self._combined(first, other)
        return first / len(inputs) if self.kind == "Average" else first

    def _combined(self, first: Tensor, second: Tensor) -> Tensor:
        match self.kind:
            case "Add" | "Average":
                return first + second
            case "Subtract":
                return first - second
            case "Multiply":
                return first * second
            case "Maximum":
                return torch.maximum(first, second)
            case "Minimum":
                return torch.minimum(first, second)
        return first / second

    def _stretched(self, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        most = max(value.dim() for value in inputs)
        found = []
        for value in inputs:
            if value.dim() < most:
                axes = [1] * (most - value.dim())
                value = channels_first(value.reshape(value.shape[0], *axes, *value.shape[1:]))
            found.append(value)
        return found

    def extra_repr(self) -> str:
        """How the inputs are combined."""
        return self.kind


class Concatenate(nn.Module):
    """Inputs one behind another along an axis."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *inputs: Tensor) -> Tensor:
        """The inputs joined."""
        return torch.cat(inputs, self.axis)


class Scale(nn.Module):
    """x * scale + shift with constants, for each channel or for all."""

    def __init__(self, scale: tuple[float, ...], shift: tuple[float, ...]) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, inputs: Tensor) -> Tensor:
        """Scaled and shifted inputs."""
        return inputs * self._constant(self.scale, inputs) + self._constant(self.shift, inputs)

    def _constant(self, numbers: tuple[float, ...], inputs: Tensor) -> Tensor | float:
        if len(numbers) == 1:
            return numbers[0]
        row = inputs.new_tensor(numbers)
        return row.view(-1, 1, 1) if inputs.dim() == 4 else row


def _flatten(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    size = prod(single(shapes, layer))
    return Translated(module=Flatten(channels_last=True), gives=(size,))


def _reshape(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    size = prod(single(shapes, layer))
    target = [int(side) for side in layer.config["target_shape"]]
    known = prod(side for side in target if side != -1)
    gives = tuple(size // known if side == -1 else side for side in target)
    if prod(gives) != size:
        raise layer.refuse(f"cannot make {tuple(target)} of {size} values")
    return Translated(module=Reshape(gives), gives=in_torch_order(gives))


def _zeros(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = image(shapes, layer)
    return _padded(layer, shape, *_margins(layer.config["padding"]))


def _crop(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    shape = image(shapes, layer)
    (top, bottom), (left, right) = _margins(layer.config["cropping"])
    return _padded(layer, shape, (-top, -bottom), (-left, -right))


def _padded(
    layer: Layer, shape: Shape, rows: tuple[int, int], columns: tuple[int, int]
) -> Translated:
    channels, height, width = shape
    gives = (channels, height + sum(rows), width + sum(columns))
    if min(gives) < 1:
        raise layer.refuse(f"leaves nothing of {height} x {width} pixels")
    return Translated(module=Pad(rows, columns), gives=gives)


def _margins(given: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """(top, bottom) and (left, right) of one number, two, or two pairs."""
    rows, columns = (given, given) if isinstance(given, int) else given
    return pair(rows), pair(columns)


def _merge(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    if len(shapes) < 2:
        raise layer.refuse("is given a constant in a way that is not understood")
    stretched = [_stretched(in_keras_order(shape), max(map(len, shapes))) for shape in shapes]
    sizes = [set(sides) - {1} for sides in zip(*stretched, strict=True)]
    if any(len(found) > 1 for found in sizes):
        raise layer.refuse(f"combines {' and '.join(map(str, shapes))} (channels first)")
    gives = in_torch_order(tuple(found.pop() if found else 1 for found in sizes))
    return Translated(module=Merge(layer.kind), gives=gives)


def _stretched(shape: Shape, most: int) -> Shape:
    return (*[1] * (most - len(shape)), *shape)


def _concatenate(layer: Layer, shapes: tuple[Shape, ...]) -> Translated:
    axis = torch_axis(layer.config.get("axis", -1), shapes[0], layer)
    others = {(*shape[: axis - 1], *shape[axis:]) for shape in shapes}
    if len(others) > 1:
        raise layer.refuse(f"joins {' and '.join(map(str, shapes))} (channels first)")
    gives = list(shapes[0])
    gives[axis - 1] = sum(shape[axis - 1] for shape in shapes)
    return Translated(module=Concatenate(axis), gives=tuple(gives))


TRANSLATORS: Mapping[str, Translator] = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "ZeroPadding2D": _zeros,
    "Cropping2D": _crop,
    "Concatenate": _concatenate,
    **dict.fromkeys(
        ("Add", "Average", "Divide", "Maximum", "Minimum", "Multiply", "Subtract", "TrueDivide"),
        _merge,
    ),
}
