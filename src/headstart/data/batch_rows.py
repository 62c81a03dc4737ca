"""Rows computed from all images of a part in one pass, in bounded memory, kept as they come."""

from collections.abc import Callable, Iterator

import numpy as np

from headstart.core.array_cache import MemmapCache
from headstart.data.images import Images

Compute = Callable[[np.ndarray], np.ndarray]
"""Float32 rows (n, ...) of uint8 images (n, height, width, channels)."""


def computed_rows(
    images: Images,
    compute: Compute,
    row: tuple[int, ...],
    cache: MemmapCache,
    name: str,
    batch: int = 128,
) -> np.ndarray:
    """What a function makes of all images in order, float32 (images, *row), mapped from the cache.

    Batches start at the same images whether the pass runs through or goes on where one was killed,
    so that the rows are the same, bit for bit. Where the cache has no room they are in memory.

    Args:
        images: resident, mapped or streamed.
        compute: the function; it is called for each batch once, in order.
        row: shape of what it gives for one image.
        cache: holds the rows.
        name: names all that they depend on: images, function, size of a batch.
        batch: images computed at a time.
    """

    def rows(first: int) -> Iterator[np.ndarray]:
        assert first % batch == 0
        order = np.arange(first, len(images))
        for pixels in images.batches(batch, order):
            yield compute(pixels)

    shape = (len(images), *row)
    cached = cache.filled(name, shape, np.float32, rows)
    if cached is not None:
        return cached
    found = np.empty(shape, np.float32)
    at = 0
    for block in rows(0):
        found[at : at + len(block)] = block
        at += len(block)
    return found
