"""Layers that only scale and shift: Rescaling, Normalization and arithmetic with constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from headstart.networks.keras.graph import Call, Layer, Value

_EPSILON = 1e-7
"""The least deviation that Keras' Normalization divides by."""


@dataclass(frozen=True)
class Affine:
    """x * scale + shift, for each channel or (one number) for all."""

    scale: tuple[float, ...] = (1.0,)
    shift: tuple[float, ...] = (0.0,)

    def then(self, other: "Affine") -> "Affine":
        """This and then another."""
        scale, shift = np.asarray(self.scale), np.asarray(self.shift)
        return Affine(
            _row(scale * np.asarray(other.scale)),
            _row(shift * np.asarray(other.scale) + np.asarray(other.shift)),
        )

    @cached_property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return set(self.scale) == {1.0} and set(self.shift) == {0.0}


def affine_of(call: Call, stored: Mapping[str, np.ndarray]) -> Affine | None:
    """What a call scales and shifts by; None for any other layer.

    Args:
        call: a call of any layer.
        stored: arrays of the file that Normalization layers need, by place.
    """
    match call.layer.kind:
        case "Rescaling":
            config = call.layer.config
            return Affine(_numbers(config["scale"]), _numbers(config.get("offset", 0.0)))
        case "Normalization":
            return _normalization(call.layer, stored)
        case "Add" | "Subtract" | "Multiply" | "TrueDivide" | "Divide":
            return _arithmetic(call)
    return None


def _normalization(layer: Layer, stored: Mapping[str, np.ndarray]) -> Affine:
    axis = layer.config.get("axis", -1)
    if axis not in (-1, [-1], [3], 3, None, []):
        raise layer.refuse(f"normalises over axis {axis} (allowed: the channels, or one for all)")
    mean, variance = layer.config.get("mean"), layer.config.get("variance")
    if mean is None or variance is None:
        mean, variance = stored.get(f"{layer.store}/mean"), stored.get(f"{layer.store}/variance")
    if mean is None or variance is None:
        raise layer.refuse("has neither mean nor variance: it was saved before adapt()")
    means = np.ravel(np.asarray(mean, float))
    deviations = np.maximum(np.sqrt(np.ravel(np.asarray(variance, float))), _EPSILON)
    if layer.config.get("invert"):
        return Affine(_row(deviations), _row(means))
    return Affine(_row(1 / deviations), _row(-means / deviations))


def _arithmetic(call: Call) -> Affine | None:
    """One value and one constant, in either order."""
    if len(call.operands) != 2 or len(call.values) != 1:
        return None
    first, second = call.operands
    if isinstance(first, Value):
        assert not isinstance(second, Value)
        number = np.asarray(_numbers(second))
        match call.layer.kind:
            case "Add":
                return Affine(shift=_row(number))
            case "Subtract":
                return Affine(shift=_row(-number))
            case "Multiply":
                return Affine(scale=_row(number))
            case _:
                return Affine(scale=_row(1 / number))
    match call.layer.kind:
        case "Add":
            return Affine(shift=_numbers(first))
        case "Subtract":
            return Affine((-1.0,), _numbers(first))
        case "Multiply":
            return Affine(scale=_numbers(first))
    return None


def _numbers(value: object) -> tuple[float, ...]:
    if isinstance(value, Mapping):  # an array, as Keras 3 serialises it
        value = value["config"]["value"]
    return _row(np.ravel(np.asarray(value, float)))


def _row(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.atleast_1d(values))
