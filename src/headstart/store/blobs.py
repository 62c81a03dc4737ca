"""Arrays as safetensors files: packed by a worker, written whole, checked when they are read."""

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from headstart.core.files import sync_folder, write_whole

Arrays = dict[str, np.ndarray]

INCOMING = "incoming"  # where in a store packed files wait to be moved
LARGE = 1_000_000  # bytes from which packed arrays travel as a file, where files are shared


@dataclass(frozen=True, slots=True)
class Blob:
    """What a row remembers of its blob."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Arrays in the form of a blob, on their way to the store: bytes, or a file to be moved."""

    blob: Blob
    content: bytes = b""
    file: Path | None = None

    def read(self) -> bytes:
        """All bytes.

        Raises:
            OSError: the file cannot be read.
        """
        return self.content if self.file is None else self.file.read_bytes()


class DamagedBlob(Exception):
    """A blob is missing, torn or changed."""


def blob_path(folder: Path, key: str) -> Path:
    """Where the store in a folder has the blob of a step."""
    return folder / _place(key)


def _place(key: str) -> str:
    return f"blobs/{key[:2]}/{key}.safetensors"


def pack(arrays: Arrays, folder: Path | None = None, key: str = "") -> Packed:
    """Arrays in the form of a blob.

    Args:
        arrays: by name.
        folder: of the store, where this process shares it: large arrays become a file in it.
        key: of the step that they belong to, by which a file that nobody fetched is found.

    Raises:
        OSError: the file cannot be written.
    """
    # Not np.ascontiguousarray, which gives a single number a shape of (1,).
    content = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    blob = Blob(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    if folder is None or len(content) < LARGE:
        return Packed(blob=blob, content=content)
    file = folder / INCOMING / f"{key}.{uuid.uuid4().hex}"
    write_whole(file, content)
    return Packed(blob=blob, file=file)


def write_blob(path: Path, packed: Packed) -> None:
    """Bring packed arrays to `path`, whole and synced to disk."""
    if packed.file is None:
        write_whole(path, packed.content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    packed.file.replace(path)
    sync_folder(path.parent)


def discard(folder: Path, key: str) -> None:
    """Delete the packed files of a step that has its place, those of killed runs among them."""
    for file in (folder / INCOMING).glob(f"{key}.*"):
        file.unlink(missing_ok=True)


def read_blob(path: Path, blob: Blob) -> Arrays:
    """The arrays of a blob.

    Raises:
        DamagedBlob: the file is not what the row says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedBlob(f"{path} cannot be read: {error}") from None
    return unpack(content, blob, str(path))


def unpack(content: bytes, blob: Blob, name: str) -> Arrays:
    """The arrays in the bytes of a blob, which errors call `name`.

    Raises:
        DamagedBlob: the bytes are not what the row says.
    """
    if len(content) != blob.size or hashlib.sha256(content).hexdigest() != blob.sha256:
        raise DamagedBlob(f"{name} is not what was written to it")
    return dict(load(content))


def looks_whole(folder: Path, key: str, size: int) -> bool:
    """Whether the blob of a step is there with its full size.

    Its content is checked when it is read. Stores of many steps ask this of each: a `Path` takes
    longer to make than the file's size to be found out.
    """
    try:
        return os.stat(f"{folder}/{_place(key)}").st_size == size
    except OSError:
        return False
