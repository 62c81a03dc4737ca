"""SHA-256 of large files, cached by path, size and time of change."""

import hashlib
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest
from headstart.networks.checkpoints.errors import fault
from headstart.study.base import Spec


class Entry(Spec):
    """What the cache holds of one file."""

    size: int
    changed: int  # nanoseconds
    sha256: str


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    The file is read again only where its size or its time of change is another than when its hash
    was cached.

    Raises:
        CheckpointError: the file cannot be read.
    """
    path = path.absolute()
    try:
        return _hash_of(path)
    except OSError as error:
        raise fault(
            path, f"cannot be read: {error.strerror}.", fix="Check its access rights."
        ) from error


def _hash_of(path: Path) -> str:
    state = path.stat()
    cached = cache_folder() / "file-hashes" / f"{digest(str(path))}.json"
    with suppress(OSError, ValidationError):
        entry = Entry.model_validate_json(cached.read_bytes())
        if (entry.size, entry.changed) == (state.st_size, state.st_mtime_ns):
            return entry.sha256
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    entry = Entry(size=state.st_size, changed=state.st_mtime_ns, sha256=sha256)
    with suppress(OSError):  # a cache that cannot be written costs time only
        write_whole(cached, entry.model_dump_json().encode())
    return sha256
