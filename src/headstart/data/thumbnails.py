"""Images as small pictures of one shape, so that a report can show them without data."""

from collections.abc import Sequence

import numpy as np

from headstart.data.images import as_bytes


def thumbnails(images: Sequence[np.ndarray], largest: int) -> np.ndarray:
    """Images (h, w, 1 or 3) as uint8 (images, height, width, channels).

    All take the shape of the first image, reduced to at most `largest` rows and columns; in colour
    if any image is.
    """
    if not images:
        return np.zeros((0, 1, 1, 1), np.uint8)
    height, width = images[0].shape[:2]
    scale = max(1.0, max(height, width) / largest)
    size = (max(1, round(height / scale)), max(1, round(width / scale)))
    channels = max(image.shape[2] for image in images)
    return np.stack([_small(image, size, channels) for image in images])


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
