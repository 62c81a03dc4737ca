"""An array of any kind as images (n, height, width, channels), never rescaled."""

from dataclasses import dataclass
from math import isqrt

import numpy as np

from headstart.core.errors import DataError

CHANNELS = (1, 3)
TOLERANCE = 1e-6  # of a range: floats that were divided are not exact
KNOWN_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
Sides = tuple[int | None, ...]
"""What a model says of its input, without the batch: (height, width, channels), or fewer axes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pixels:
    """Images as a data set has them: bytes, or floats that networks are given as they are.

    Attributes:
        array: (n, height, width, channels), uint8 or float32; it may share memory with what was
            given.
        notes: what was given, and what was done to it.
    """

    array: np.ndarray
    notes: tuple[str, ...]


def as_pixels(given: np.ndarray, model: Sides | None) -> Pixels:
    """Images of an array.

    Args:
        given: (n, h, w), (n, h, w, c), (n, c, h, w), or rows (n, numbers).
        model: the input of the model that they are for, as far as it says one; rows need it.

    Raises:
        DataError: the array is empty, has another shape, or holds what no images are.
    """
    if not given.size:
        raise DataError(f"is empty: {given.shape}. Expected images.")
    shaped, of_shape = _shaped(given, model)
    array, of_kind = _typed(shaped)
    # A view, for data sets make their arrays read-only, and what was given is not theirs.
    return Pixels(array=np.ascontiguousarray(array).view(), notes=(*of_shape, *of_kind))


def _shaped(given: np.ndarray, model: Sides | None) -> tuple[np.ndarray, tuple[str, ...]]:
    shape = given.shape
    if given.ndim == 2:
        return _from_rows(given, model)
    if given.ndim == 3:
        return given[..., None], ()
    if given.ndim != 4:
        raise DataError(
            f"has the shape {shape}. Expected (n, height, width), (n, height, width, channels) or "
            "(n, channels, height, width), with 1 or 3 channels."
        )
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        return _of_two(given, model)
    if first:
        return given.transpose(0, 2, 3, 1), ("channels were first; put last",)
    if last:
        return given, ()
    raise DataError(
        f"has the shape {shape}, which has neither 1 nor 3 channels at the end or in front. Give "
        "grey or RGB images: x[..., :3] drops an alpha channel."
    )


def _of_two(given: np.ndarray, model: Sides | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Images whose channels may be in front or at the end; a model of that input decides."""
    shape = given.shape
    if model is not None and len(model) == 3 and _fits(shape[1:], model):
        return given, ()
    raise DataError(
        f"has the shape {shape}: channels may be in front or at the end.\n     Say which: "
        "x[:, 0] or x[..., 0] for grey images, x.transpose(0, 2, 3, 1) puts channels from the "
        "front to the end; one side of more than 3 pixels is needed to tell."
    )


def _fits(shape: tuple[int, ...], model: Sides) -> bool:
    """Whether an image is as a model says; what it leaves open fits."""
    return None not in model and shape == model


def _from_rows(given: np.ndarray, model: Sides | None) -> tuple[np.ndarray, tuple[str, ...]]:
    num, width = given.shape
    if model is not None and len(model) == 1:
        if model[0] not in (None, width):
            raise DataError(f"has rows of {width} numbers, and the model takes rows of {model[0]}.")
        return given.reshape(num, 1, width, 1), (f"rows of {width} numbers, as the model takes",)
    if model is not None and None not in model and np.prod([side or 0 for side in model]) == width:
        image = tuple(side or 0 for side in model)
        sides = (*image, 1)[:3]
        how = f"rows of {width} numbers as images of {' x '.join(map(str, image))}, the model's"
        return given.reshape(num, *sides), (how,)
    side = isqrt(width)
    square = (
        f"images of {side} x {side} are x.reshape(-1, {side}, {side})"
        if side * side == width
        else "images are x.reshape(-1, height, width)"
    )
    raise DataError(
        f"has the shape {given.shape}: rows, and no model says which images they are.\n"
        f"     Expected images: {square}."
    )


def _typed(images: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    kind = images.dtype.kind
    if images.dtype == np.uint8:
        return images, ()
    if kind == "f":
        return _floats(images)
    if kind == "b":
        return images.astype(np.float32), ("True and False as 1 and 0",)
    if kind in "iu":
        if wrong := beyond_bytes(images):
            raise DataError(wrong)
        array = images.astype(np.uint8)
        return array, (f"{images.dtype} from {array.min()} to {array.max()} as bytes",)
    raise DataError(f"holds values of type {images.dtype}. Expected bytes (uint8) or floats.")


def beyond_bytes(whole: np.ndarray) -> str:
    """What keeps whole numbers from being bytes, said of an array; empty where nothing does."""
    least, most = int(whole.min()), int(whole.max())
    if least >= 0 and most <= 255:
        return ""
    return (
        f"has whole numbers from {least} to {most}. Expected bytes from 0 to 255, or floats, which "
        "a network is given as they are."
    )


def _floats(images: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    with np.errstate(over="ignore"):
        array = images.astype(np.float32, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        bad = np.flatnonzero(~finite.reshape(len(array), -1).all(1))
        what = "NaN" if np.isnan(images).any() else "infinite numbers, or too large for float32"
        raise DataError(
            f"has {what} in {len(bad):,} of {len(array):,} images, the first at {bad[0]}. Leave "
            "those out or put numbers in their place."
        )
    return array, (_range_note(float(array.min()), float(array.max())),)


def _range_note(least: float, most: float) -> str:
    """What range floats have, in words."""
    found = f"floats from {least:g} to {most:g}"
    for low, high in KNOWN_RANGES:
        if low - TOLERANCE <= least and most <= high + TOLERANCE:
            if (low, high) == (0.0, 255.0):
                return (
                    f"{found}, given to networks as they are: not divided by 255, as bytes "
                    "(x.astype('uint8')) are"
                )
            return f"{found} (a scale of {low:g} to {high:g}), given to networks as they are"
    return f"{found}, given to networks as they are"
