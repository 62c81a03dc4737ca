"""From bytes to network inputs: scale, and standardise by a mean and a deviation if asked."""

from dataclasses import dataclass

import numpy as np

from headstart.spec.tasks import PreprocessingSpec

CHUNK = 2_048  # images: a few megabytes of squares at a time


@dataclass(frozen=True, slots=True, eq=False)
class Standardiser:
    """Subtract `mean`, divide by `deviation`: float32, (1, 1, 1, c) or (1, h, w, c)."""

    mean: np.ndarray
    deviation: np.ndarray


def statistics(pixels: np.ndarray, spec: PreprocessingSpec) -> Standardiser | None:
    """Mean and deviation of scaled images, per channel or per pixel; None if not to standardise.

    Sums are of whole numbers, so they are exact and do not depend on the order of the images.

    Args:
        pixels: bytes, (n, height, width, channels).
        spec: says what to standardise by, and the floor of the deviation.
    """
    if spec.standardise == "none":
        return None
    assert pixels.dtype == np.uint8
    assert len(pixels)
    axes = (0, 1, 2) if spec.standardise == "channel" else (0,)
    total, squares = _sums(pixels, axes)
    count = pixels.size // total.size
    mean = total / count
    # Var = E[x²] - E[x]², exact enough: bytes and float64 leave eleven digits for the difference.
    deviation = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
    unit = _unit(spec)
    spread = 255.0 / unit  # range of the scaled inputs
    return Standardiser(
        mean=(mean / unit).astype(np.float32),
        deviation=np.maximum(deviation / unit, spec.floor * spread).astype(np.float32),
    )


def to_inputs(
    pixels: np.ndarray, spec: PreprocessingSpec, standardiser: Standardiser | None
) -> np.ndarray:
    """Network inputs: float32 (n, channels, height, width), contiguous.

    Args:
        pixels: bytes, (n, height, width, channels).
        spec: says how to scale.
        standardiser: what `statistics` gave, for these images or for those of the source.
    """
    assert (standardiser is None) == (spec.standardise == "none")
    num, height, width, channels = pixels.shape
    inputs = np.empty((num, channels, height, width), dtype=np.float32)
    view = inputs.transpose(0, 2, 3, 1)  # what is written to it stands in `inputs`
    np.divide(pixels, np.float32(_unit(spec)), out=view, dtype=np.float32)
    if standardiser is not None:
        # Along the contiguous axes: many times as fast as through `view`.
        inputs -= standardiser.mean.transpose(0, 3, 1, 2)
        inputs /= standardiser.deviation.transpose(0, 3, 1, 2)
    return inputs


def _sums(pixels: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Sums of values and of squares over `axes`, as whole numbers, axes kept."""
    total = np.zeros((), dtype=np.int64)
    squares = np.zeros((), dtype=np.int64)
    for start in range(0, len(pixels), CHUNK):
        chunk = pixels[start : start + CHUNK].astype(np.uint16)  # 255² fits
        total = total + chunk.sum(axis=axes, keepdims=True, dtype=np.int64)
        squares = squares + (chunk * chunk).sum(axis=axes, keepdims=True, dtype=np.int64)
    return total, squares


def _unit(spec: PreprocessingSpec) -> float:
    """What bytes are divided by."""
    return 255.0 if spec.scale == "unit" else 1.0
