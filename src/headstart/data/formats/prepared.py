"""A data set as one file of arrays, as steps read it: images decoded and in order.

It is made where the data lie, for machines that do not see them. Arrays follow each other, each in
NumPy's own format: pixels, labels, names and units of each part. Readers map them into memory.
"""

import io
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from headstart.data.catalogue import PARTS, Part
from headstart.data.errors import fault
from headstart.data.formats.photo_set import as_array, as_text
from headstart.data.images import Images

PIECE = 16 << 20  # bytes of a file that are in memory at a time
OF_A_PART = 4  # arrays


def prepared_arrays(parts: Sequence[Images]) -> tuple[np.ndarray, ...]:
    """All arrays of a data set.

    Args:
        parts: images of each of `PARTS`.

    Raises:
        DataError: images are streamed, for all of them would take too much space.
    """
    return tuple(
        np.array(False) if array is None else np.ascontiguousarray(array)
        for images in parts
        for array in (images.pixels, images.labels, _names(images), images.units)
    )


def _names(images: Images) -> np.ndarray | None:
    return None if images.names is None else as_array("\0".join(images.names.tolist()))


def pieces(arrays: Sequence[np.ndarray]) -> Iterator[bytes]:
    """The bytes of a file of arrays, some at a time."""
    for array in arrays:
        yield _header(array)
        flat = array.reshape(-1).view(np.uint8)
        for first in range(0, len(flat), PIECE):
            yield flat[first : first + PIECE].tobytes()


def num_bytes(arrays: Sequence[np.ndarray]) -> int:
    """The size of a file of arrays."""
    return sum(len(_header(array)) + array.nbytes for array in arrays)


def _header(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def read_prepared(path: Path, part: Part) -> Images:
    """One part of the data set in a file of arrays.

    Raises:
        DataError: the file is missing or torn.
    """
    first = OF_A_PART * PARTS.index(part)
    try:
        with path.open("rb") as file:
            read = [_mapped(file, path) for _ in range(first + OF_A_PART)]
    except (OSError, ValueError, EOFError) as error:
        raise fault(
            path, f"cannot be read: {error}.", fix="Delete it; the next run sends it again."
        ) from error
    pixels, labels, names, units = read[first:]
    return Images(
        pixels,
        np.array(labels),
        names=_as_names(names, len(labels)) if names.ndim else None,
        units=units if units.ndim else None,
    )


def _as_names(text: np.ndarray, num: int) -> np.ndarray:
    return np.array(as_text(text).split("\0") if num else [], dtype=object)


def _mapped(file: IO[bytes], path: Path) -> np.ndarray:
    """The next array of a file."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    first, size = file.tell(), prod(shape) * dtype.itemsize
    file.seek(size, io.SEEK_CUR)
    if not size:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", first, shape)
