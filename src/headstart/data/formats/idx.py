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
import zlib
from pathlib import Path

import numpy as np

from headstart.core.files import write_whole
from headstart.data.errors import fault, get_again

SUFFIXES = ("", ".gz", ".xz")
"""What may follow the name of an idx file, in the order in which files are looked for."""

UNSIGNED_BYTE = 0x08
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
    """The decompressed content of a file.

    The first bytes say how it is compressed, and not the name: browsers and servers unpack
    a `.gz` on the way and leave its name as it was.

    Raises:
        DataError: the file cannot be read or its compressed stream is torn.
    """
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise fault(
            path,
            f"cannot be read: {error.strerror or error}.",
            fix="Check its access rights.",
        ) from error
    try:
        if packed.startswith(b"\x1f\x8b"):
            return gzip.decompress(packed)
        if packed.startswith(b"\xfd7zXZ\x00"):
            return lzma.decompress(packed)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise fault(
            path,
            f"the compressed stream is torn or damaged ({len(packed):,} bytes: {error}).",
            "Expected a whole gzip or xz stream.",
            get_again(path),
        ) from error
    return packed


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
