"""Images as grey values of a small size, at which they are compared."""

import numpy as np

from headstart.data.images import Images, as_bytes

SIDE = 32  # larger images are reduced to this many rows and columns


def grey(images: Images, height: int, width: int) -> np.ndarray:
    """Images of 1 or 3 channels as grey values (n, height, width), reduced by area averages.

    Luma is ITU-R 601 in whole numbers, as Pillow has it.
    """
    found = [np.empty((0, height, width), np.uint8)]
    for block in images.blocks():
        luma = _luma(as_bytes(block))
        same = luma.shape[1:] == (height, width)
        found.append(luma if same else _reduced(luma, height, width))
    return np.concatenate(found)


def _luma(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[3] == 1:
        return pixels[..., 0]
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    return ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16).astype(np.uint8)


def _reduced(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Averages of areas; those of an image that is mirrored or turned are mirrored or turned."""
    of, to = images.shape[1:], (height, width)
    rows, columns = (_shares(old, new) for old, new in zip(of, to, strict=True))
    averages = rows @ images.astype(np.float32) @ columns.T
    return np.asarray(np.floor(averages + 0.5).astype(np.uint8))


def _shares(of: int, to: int) -> np.ndarray:
    """Share of each old pixel of a row in the average of each new one, float32 (new, old).

    Whole pixels are averaged, for shared ones would take away details in which images differ. Both
    halves of a row are divided alike; only a pixel in the middle may be shared.
    """
    edges = np.floor(np.arange(to + 1) * of / to + 0.5)
    edges = np.where(np.arange(to + 1) < to / 2, edges, of - edges[::-1])
    edges[to // 2] = edges[to // 2] if to % 2 else of / 2
    first, last, old = edges[:-1, None], edges[1:, None], np.arange(of)
    shared = np.minimum(last, old + 1) - np.maximum(first, old)
    return np.asarray((np.maximum(shared, 0) / (last - first)).astype(np.float32))
