"""From bytes to network inputs: scale, and standardise by a mean and a deviation if asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from headstart.data.images import Images
from headstart.study.tasks import PreprocessingSpec


@dataclass(frozen=True, slots=True, eq=False)
class Standardiser:
    """Subtract `mean`, divide by `deviation`: float32, (1, 1, 1, c) or (1, h, w, c)."""

    mean: np.ndarray
    deviation: np.ndarray


def statistics(images: Images, spec: PreprocessingSpec) -> Standardiser | None:
    """Mean and deviation of scaled images, per channel or per pixel; None if not to standardise.

    Sums of bytes are of whole numbers, so they are exact and do not depend on the order of the
    images.

    Args:
        images: whose pixels are measured.
        spec: says what to standardise by, and the floor of the deviation.
    """
    if spec.standardise not in ("channel", "pixel"):
        return None
    assert len(images)
    axes = (0, 1, 2) if spec.standardise == "channel" else (0,)
    total, squares = _sums(images, axes)
    count = len(images) * prod(images.shape) // total.size
    mean = total / count
    # Var = E[x²] - E[x]², exact enough: bytes and float64 leave eleven digits for the difference.
    deviation = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
    unit = _unit(spec)
    spread = _range(images) / unit  # of the scaled inputs
    return Standardiser(
        mean=(mean / unit).astype(np.float32),
        deviation=np.maximum(deviation / unit, spec.floor * spread).astype(np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How pixels become network inputs, in float32: divided by `unit`, then standardised.

    `channels` repeats the one channel of grey images so many times, before they are standardised.
    `flipped` reverses the order of the channels (BGR), before they are standardised.
    """

    unit: float
    standardiser: Standardiser | None = None
    channels: int | None = None
    flipped: bool = False

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """Network inputs of pixels (n, height, width, channels), in the same layout."""
        inputs: np.ndarray = np.divide(pixels, np.float32(self.unit), dtype=np.float32)
        if self.channels is not None and inputs.shape[-1] != self.channels:
            inputs = np.repeat(inputs, self.channels, axis=-1)
        if self.flipped:
            inputs = np.ascontiguousarray(inputs[..., ::-1])
        if self.standardiser is not None:
            inputs -= self.standardiser.mean
            inputs /= self.standardiser.deviation
        return inputs


def scaling_of(
    spec: PreprocessingSpec, standardiser: Standardiser | None, channels: int | None = None
) -> Scaling:
    """How a study scales images.

    Args:
        spec: says how.
        standardiser: what `statistics` gave, for these images or for those of the source.
        channels: how many a network wants; grey images are repeated to them.
    """
    return Scaling(_unit(spec), standardiser, channels)


def network_scaling(
    mean: Sequence[float],
    deviation: Sequence[float],
    channels: int,
    order: str = "rgb",
    unit: float = 255.0,
) -> Scaling:
    """Inputs as a library's network has been trained on them.

    Args:
        mean: of each channel, on a scale of 0 to 1, in the network's order.
        deviation: the same.
        channels: how many the network wants.
        order: of the channels, `rgb` or `bgr`.
        unit: the greatest value of a pixel.
    """
    moments = (np.array(moment, np.float32).reshape(1, 1, 1, -1) for moment in (mean, deviation))
    return Scaling(unit, Standardiser(*moments), channels, flipped=order == "bgr")


def _sums(images: Images, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Sums of values and of squares over `axes`, of bytes as whole numbers, axes kept."""
    dtype = np.dtype(np.float64 if _floats(images) else np.int64)
    total, squares = np.zeros((), dtype), np.zeros((), dtype)
    for block in images.blocks():
        # 255² fits into 16 bits.
        chunk = block.astype(dtype if _floats(images) else np.uint16)
        total = total + chunk.sum(axis=axes, keepdims=True, dtype=dtype)
        squares = squares + np.square(chunk).sum(axis=axes, keepdims=True, dtype=dtype)
    return total, squares


def _range(images: Images) -> float:
    """Range of the pixels: that of bytes, or from the least to the greatest of floats."""
    if not _floats(images):
        return 255.0
    ends = [(block.min(), block.max()) for block in images.blocks()]
    return float(max(high for _, high in ends) - min(low for low, _ in ends))


def _floats(images: Images) -> bool:
    return not images.streamed and images.array.dtype.kind == "f"


def _unit(spec: PreprocessingSpec) -> float:
    """Divisor of the bytes."""
    return 255.0 if spec.scale == "unit" else 1.0
