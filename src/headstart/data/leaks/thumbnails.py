"""Pairs of images as small pictures of one shape, so that a report can show them without data."""

from collections.abc import Sequence

import numpy as np

from headstart.data.images import as_bytes

LARGEST = 64  # rows and columns of a thumbnail


def thumbnails(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Pairs of images (h, w, 1 or 3) as uint8 (pairs, 2, height, width, channels).

    All take the shape of the first image, reduced to at most 64x64; in colour if any image is.
    """
    if not pairs:
        return np.zeros((0, 2, 1, 1, 1), np.uint8)
    height, width = pairs[0][0].shape[:2]
    scale = max(1.0, max(height, width) / LARGEST)
    size = (max(1, round(height / scale)), max(1, round(width / scale)))
    channels = max(image.shape[2] for pair in pairs for image in pair)
    return np.stack([np.stack([_small(image, size, channels) for image in p]) for p in pairs])


def _small(image: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    image = as_bytes(image[np.newaxis])[0]
    if image.shape[:2] != size:
        image = _resized(image, size)
    return np.broadcast_to(image, (*size, channels))


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    small = picture.resize((size[1], size[0]), Image.Resampling.BOX)
    return np.asarray(small).reshape(*size, image.shape[2])
