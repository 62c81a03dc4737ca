"""Download a known data set into the user's cache: mirrors in turn, checksums, no torn files."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from headstart.core.errors import DataError
from headstart.core.files import written_whole
from headstart.data.catalogue import BATCHES_ARCHIVE, PARTS, STEMS, KnownSet
from headstart.data.errors import fault
from headstart.data.find import fetched_folder, known_set, where
from headstart.data.formats.idx import read_bytes, sha256

Progress = Callable[[str, int, int], None]
"""Called with the name of a file, the bytes of it that have come, and its size (0: not known)."""

Wrong = Callable[[Path], str | None]
"""Says what is wrong with a file, if anything is."""

TIMEOUT = 30  # seconds without a byte before the next mirror is tried
CHUNK = 1 << 16  # bytes


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Make sure the data set `name` lies in the cache, and say in which folder.

    Files that are there and right are left alone. A data set that ships with headstart is not
    fetched.

    Raises:
        DataError: the name is not known, the cache cannot be written, or every mirror failed.
    """
    known = known_set(name)
    if not known.mirrors:
        return where(name).path
    return fetch_set(known, fetched_folder(name), progress)


def fetch_set(known: KnownSet, folder: Path, progress: Progress | None = None) -> Path:
    """Make sure every file of `known` lies in `folder`, whole and right."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fault(
            folder,
            f"the folder for downloads cannot be made: {error.strerror or error}.",
            fix="Set HEADSTART_CACHE to a folder that can be written.",
        ) from error
    for name, wrong in _files(known).items():
        path = folder / name
        if not (path.is_file() and wrong(path) is None):
            _fetch_file(known, path, wrong, progress)
    return folder


def _files(known: KnownSet) -> dict[str, Wrong]:
    """What to download, and the check of each file."""
    sums = known.checksums
    if known.layouts[0] == "batches":
        return {BATCHES_ARCHIVE: partial(_wrong_archive, checksum=sums[BATCHES_ARCHIVE])}
    stems = [stem for part in PARTS for stem in STEMS[part]]
    return {f"{stem}.gz": partial(_wrong_idx, checksum=sums[stem]) for stem in stems}


def _fetch_file(known: KnownSet, path: Path, wrong: Wrong, progress: Progress | None) -> None:
    failures: list[str] = []
    for mirror in known.mirrors:
        url = f"{mirror.rstrip('/')}/{path.name}"
        # Every fault of the net, of requests and of the disk under the cache is an OSError.
        try:
            with written_whole(path) as temporary:
                _download(url, temporary, path.name, progress)
                fault_seen = wrong(temporary)
                if fault_seen:
                    raise DataError(fault_seen)
            return
        except (OSError, DataError) as error:
            failures.append(f"  - {url}: {error}")
    lines = [f"{path.name} of data set '{known.name}' could not be fetched. Tried:", *failures]
    lines.append(
        "Check the connection and run the same command again: files that came whole are kept. "
        f"Or put the files into $HEADSTART_DATA/{known.name}/ by hand."
    )
    raise DataError("\n".join(lines))


def _wrong_archive(path: Path, checksum: str) -> str | None:
    """What is wrong with an archive, or None: its authors give the MD5 of the whole file."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return f"the file has MD5 {found}, expected {checksum}" if found != checksum else None


def _wrong_idx(path: Path, checksum: str) -> str | None:
    """What is wrong with the content of an idx file, or None."""
    try:
        found = sha256(read_bytes(path))
    except DataError as error:
        return str(error).partition("\n")[0]
    if found != checksum:
        return f"the decompressed bytes have SHA-256 {found}, expected {checksum}"
    return None


def _download(url: str, path: Path, name: str, progress: Progress | None) -> None:
    # Imported here: it is of use only where something is downloaded, and is slow to import.
    import pooch

    bar = _Bar(name, progress) if progress else False
    pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, timeout=TIMEOUT)(url, path, None)


class _Bar:
    """What pooch takes for a progress bar, passing everything on to a `Progress`."""

    def __init__(self, name: str, progress: Progress) -> None:
        self.name = name
        self.progress = progress
        self.total = 0
        self.done = 0

    def update(self, num_bytes: int) -> None:
        # pooch counts whole chunks, so the last one may overshoot.
        self.done += num_bytes
        if self.total:
            self.done = min(self.done, self.total)
        self.progress(self.name, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        """Nothing to close."""
