"""idx files, the format of MNIST and its relatives: plain, gzip or xz, to and from numpy.

An idx file is a magic number (two zero bytes, the element type, the number of dimensions), one
big-endian 32-bit size for each dimension, then the elements. Only unsigned bytes are read: images
(n, height, width) and labels (n,).
"""

import gzip
import hashlib
import lzma
import math
import struct
from pathlib import Path

import numpy as np

from headstart.core.errors import DataError
from headstart.core.files import write_whole
from headstart.data.errors import fault, get_again
from headstart.data.formats.compressed import DAMAGE, unpacked
from headstart.data.formats.folder import state_of
from headstart.data.formats.listing import FREE, check_unpacked, unreadable

SUFFIXES = ("", ".gz", ".xz")
"""What may follow the name of an idx file, in the order in which files are looked for."""

UNSIGNED_BYTE = 0x08
LONGEST_HEADER = 4 + 4 * 3  # bytes, of images
TYPES = {
    0x08: "uint8",
    0x09: "int8",
    0x0B: "int16",
    0x0C: "int32",
    0x0D: "float32",
    0x0E: "float64",
}
SHAPES = {1: "labels, (n,)", 3: "images, (n, height, width)"}


def read_idx(path: Path, num_dimensions: int) -> np.ndarray:
    """The unsigned bytes of an idx file, read-only.

    Raises:
        DataError: the file cannot be read, is torn, or holds something else.
    """
    return decode_idx(read_bytes(path), path, num_dimensions)


def read_bytes(path: Path) -> bytes:
    """The decompressed content of a file, as much as its header says and a byte more.

    Raises:
        DataError: the file cannot be read, its compressed stream is torn, or it would unpack to
            far more than images do.
    """
    packed, _ = state_of(path)
    try:
        with unpacked(path) as file:
            header = file.read(LONGEST_HEADER)
            size = size_of(header)
            check_unpacked(path, packed, size)
            return header + file.read(max(size + 1 - len(header), 0))
    except OSError as error:
        if error.errno is not None:  # damaged streams have none
            raise unreadable(path, error) from error
        raise _torn(path, packed, error) from error
    except DAMAGE as error:
        raise _torn(path, packed, error) from error


def size_of(header: bytes) -> int:
    """Bytes of an idx file by its header; of what is none, as many as any file may have."""
    dimensions = header[3] if len(header) > 3 else 0
    start = 4 + 4 * dimensions
    if header[:3] != bytes([0, 0, UNSIGNED_BYTE]) or not 0 < start <= len(header):
        return FREE
    sizes: tuple[int, ...] = struct.unpack_from(f">{dimensions}I", header, 4)
    return start + math.prod(sizes)


def _torn(path: Path, size: int, error: Exception) -> DataError:
    return fault(
        path,
        f"the compressed stream is torn or damaged ({size:,} bytes: {error}).",
        "Expected a whole gzip or xz stream.",
        get_again(path),
    )


def decode_idx(content: bytes, path: Path, num_dimensions: int) -> np.ndarray:
    """The array in the decompressed `content` of `path`; `path` is for messages only.

    Raises:
        DataError: `content` is not a whole idx file of unsigned bytes with so many dimensions.
    """
    _check_magic(content, path, num_dimensions)
    start = 4 + 4 * num_dimensions
    if len(content) < start:
        raise fault(
            path,
            f"the header is torn: {len(content)} bytes.",
            f"Expected {start} bytes of header.",
            get_again(path),
        )
    shape = struct.unpack_from(f">{num_dimensions}I", content, 4)
    size = math.prod(shape)
    if len(content) - start != size:
        few = len(content) - start < size
        raise fault(
            path,
            f"the body is {'torn' if few else 'followed by more'}: "
            f"{len(content) - start:,} bytes after the header.",
            f"Expected {size:,} bytes for the shape {shape} that the header names.",
            get_again(path),
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _check_magic(content: bytes, path: Path, num_dimensions: int) -> None:
    wanted = bytes([0, 0, UNSIGNED_BYTE, num_dimensions])
    magic = content[:4]
    if magic == wanted:
        return
    expected = f"Expected 0x{wanted.hex()} (uint8, {SHAPES[num_dimensions]})."
    if len(magic) < 4 or magic[:2] != b"\x00\x00" or magic[2] not in TYPES:
        begins = f"begins with 0x{magic.hex()}" if magic else "is empty"
        raise fault(
            path,
            f"is not an idx file: it {begins}.",
            expected,
            get_again(path),
        )
    if magic[2] != UNSIGNED_BYTE:
        raise fault(
            path,
            f"holds {TYPES[magic[2]]} elements (magic number 0x{magic.hex()}).",
            expected,
            "Convert the elements to unsigned bytes, 0 to 255.",
        )
    raise fault(
        path,
        f"has {magic[3]} dimensions (magic number 0x{magic.hex()}).",
        expected,
        "Check that images and labels have not changed places.",
    )


def sha256(content: bytes) -> str:
    """The checksum by which files are known, over their decompressed bytes."""
    return hashlib.sha256(content).hexdigest()


def encode_idx(array: np.ndarray) -> bytes:
    """The idx file of an array of unsigned bytes, uncompressed."""
    assert array.dtype == np.uint8, array.dtype
    header = bytes([0, 0, UNSIGNED_BYTE, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array of unsigned bytes, compressed as the suffix of `path` says."""
    content = encode_idx(array)
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif path.suffix == ".xz":
        content = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    write_whole(path, content)
