"""Compressed streams, unpacked as they are read and known by their first bytes."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from headstart.core.files import open_regular

DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
"""What reading a damaged stream raises, beside an OSError without a number."""

_UNPACKINGS: dict[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked as they are read if it is packed.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_regular(path))
        unpacking = _unpacking_of(file)
        yield stack.enter_context(unpacking(file)) if unpacking else file


def is_packed(path: Path) -> bool:
    """Whether a file is packed.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    with open_regular(path) as file:
        return _unpacking_of(file) is not None


def _unpacking_of(file: BinaryIO) -> Callable[[BinaryIO], BinaryIO] | None:
    """How to unpack a file that is at its start; None where it is not packed.

    The name does not count: browsers and servers unpack a `.gz` on the way and leave its name as it
    was.
    """
    start = file.read(max(map(len, _UNPACKINGS)))
    file.seek(0)
    found = (how for magic, how in _UNPACKINGS.items() if start.startswith(magic))
    return cast(Callable[[BinaryIO], BinaryIO] | None, next(found, None))
