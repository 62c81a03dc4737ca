"""First weights as Keras draws them, from torch's random numbers."""

from collections.abc import Mapping
from math import prod, sqrt
from typing import Any

from torch import Tensor, nn

from headstart.networks.keras.layers.base import Shape

_CUT_DEVIATION = 0.87962566103423978
"""Standard deviation of a normal that is cut off at two; Keras divides by it."""

# Scale, which fan it is divided by, and the distribution.
_SCALED: Mapping[str, tuple[float, str, str]] = {
    "glorotuniform": (1, "fan_avg", "uniform"),
    "glorotnormal": (1, "fan_avg", "truncated_normal"),
    "heuniform": (2, "fan_in", "uniform"),
    "henormal": (2, "fan_in", "truncated_normal"),
    "lecununiform": (1, "fan_in", "uniform"),
    "lecunnormal": (1, "fan_in", "truncated_normal"),
}


def initialise(tensor: Tensor, shape: Shape, how: Any) -> None:
    """Draws a tensor anew.

    Args:
        tensor: filled in place.
        shape: that the array has in Keras, whose fans count.
        how: the initialiser as serialised; glorot uniform where it is not known.
    """
    name, config = _parts(how)
    match name:
        case "zeros" | "ones" | "constant":
            value = {"zeros": 0.0, "ones": 1.0}.get(name, config.get("value", 0.0))
            nn.init.constant_(tensor, value)
        case "randomnormal":
            nn.init.normal_(tensor, config.get("mean", 0.0), config.get("stddev", 0.05))
        case "truncatednormal":
            _cut_normal(tensor, config.get("mean", 0.0), config.get("stddev", 0.05))
        case "randomuniform":
            nn.init.uniform_(tensor, config.get("minval", -0.05), config.get("maxval", 0.05))
        case "orthogonal":
            nn.init.orthogonal_(tensor, config.get("gain", 1.0))
        case "variancescaling":
            _scaled(
                tensor,
                shape,
                config.get("scale", 1.0),
                config.get("mode", "fan_in"),
                config.get("distribution", "truncated_normal"),
            )
        case _:
            _scaled(tensor, shape, *_SCALED.get(name, _SCALED["glorotuniform"]))


def _parts(how: Any) -> tuple[str, Mapping[str, Any]]:
    name, config = (how["class_name"], how["config"]) if isinstance(how, Mapping) else (how, {})
    return str(name).replace("_", "").lower(), config or {}


def _scaled(tensor: Tensor, shape: Shape, scale: float, mode: str, distribution: str) -> None:
    fan_in, fan_out = _fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out}.get(mode, (fan_in + fan_out) / 2)
    variance = scale / max(fan, 1)
    match distribution:
        case "uniform":
            limit = sqrt(3 * variance)
            nn.init.uniform_(tensor, -limit, limit)
        case "untruncated_normal":
            nn.init.normal_(tensor, 0.0, sqrt(variance))
        case _:
            _cut_normal(tensor, 0.0, sqrt(variance) / _CUT_DEVIATION)


def _cut_normal(tensor: Tensor, mean: float, deviation: float) -> None:
    nn.init.trunc_normal_(tensor, mean, deviation, mean - 2 * deviation, mean + 2 * deviation)


def _fans(shape: Shape) -> tuple[int, int]:
    """Inputs and outputs that meet in a weight, as Keras counts them."""
    if len(shape) < 2:
        size = prod(shape)
        return size, size
    window = prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window
