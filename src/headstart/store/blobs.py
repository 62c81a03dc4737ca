"""Arrays as safetensors files: written whole, checked against their row when read."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from headstart.core.files import write_whole

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Blob:
    """What a row remembers of its blob."""

    size: int
    sha256: str


class DamagedBlob(Exception):
    """A blob is missing, torn or changed."""


def write_blob(path: Path, arrays: Arrays) -> Blob:
    """Write arrays to `path`, whole and synced to disk."""
    # Not np.ascontiguousarray, which gives a single number a shape of (1,).
    content = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    write_whole(path, content)
    return Blob(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def read_blob(path: Path, blob: Blob) -> Arrays:
    """The arrays of a blob.

    Raises:
        DamagedBlob: the file is not what the row says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedBlob(f"{path} cannot be read: {error}") from None
    if len(content) != blob.size or hashlib.sha256(content).hexdigest() != blob.sha256:
        raise DamagedBlob(f"{path} is not what was written to it")
    return dict(load(content))


def looks_whole(path: Path, blob: Blob) -> bool:
    """Whether the file is there with its full size; its content is checked when it is read."""
    try:
        return path.stat().st_size == blob.size
    except OSError:
        return False
