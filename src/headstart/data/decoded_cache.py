"""Decoded images kept on disk, so that they are decoded once and shared by all processes.

An entry is a folder with pixels.npy, labels.npy and entry.json, which is written last and says how
large and of when the arrays are: an entry that is torn or was changed is not used but made again.
Pixels are memory-mapped, so every process sees the same pages. Where the cache cannot be written,
the images are decoded into memory.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from filelock import FileLock

from headstart.core.files import cache_folder, write_whole, written_whole
from headstart.core.hashing import Json, digest
from headstart.data.images import Content, Images
from headstart.study.base import Spec

NPY_HEADER = 128  # bytes: room for any shape, so that the number of images can be put in last
State = tuple[int, int]
"""Size and time of change of a file."""


class Sink(Protocol):
    """Takes images in order. What is added may be fewer than were announced."""

    def start(self, num: int, shape: tuple[int, ...]) -> None:
        """Make room for at most `num` images of one shape."""

    def add(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        """Take the next images: uint8 (n, height, width, channels), and int64 (n,)."""


Make = Callable[[Sink], tuple[tuple[str, ...], tuple[str, ...]]]
"""Fills a sink; gives the names of the classes, and notes."""


class Entry(Spec):
    """What entry.json says."""

    pixels: State
    labels: State
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def kept(key: Json, make: Make) -> Content:
    """What `make` gives, from the cache if it is there; `key` must name all that it depends on."""
    folder = cache_folder() / "decoded" / digest(key)
    found = _opened(folder)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The processes of a run all start at once: one of them decodes, the others wait.
        with FileLock(folder / "lock"):
            found = _opened(folder)
            if found is None:
                _write(folder, make)
                found = _opened(folder)
    except OSError:  # no room, no rights, no locks
        found = None
    return found or _in_memory(make)


def _opened(folder: Path) -> Content | None:
    """The entry, if it is whole."""
    paths = [folder / "pixels.npy", folder / "labels.npy"]
    try:
        entry = Entry.model_validate_json((folder / "entry.json").read_bytes())
        if [entry.pixels, entry.labels] != [_state(path) for path in paths]:
            return None
        pixels, labels = np.load(paths[0], mmap_mode="r"), np.load(paths[1])
    except (OSError, ValueError):
        return None
    return Content(images=Images(pixels, labels), classes=entry.classes, notes=entry.notes)


def _write(folder: Path, make: Make) -> None:
    pixels, labels = folder / "pixels.npy", folder / "labels.npy"
    with written_whole(pixels) as temporary, temporary.open("wb") as file:
        sink = _File(file)
        classes, notes = make(sink)
        sink.finish()
    with written_whole(labels) as temporary, temporary.open("wb") as file:
        np.save(file, np.concatenate(sink.labels))
    entry = Entry(pixels=_state(pixels), labels=_state(labels), classes=classes, notes=notes)
    write_whole(folder / "entry.json", entry.model_dump_json().encode())


def _in_memory(make: Make) -> Content:
    sink = _Memory()
    classes, notes = make(sink)
    return Content(images=sink.images(), classes=classes, notes=notes)


def _state(path: Path) -> State:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


class _File:
    """Writes a .npy file from front to back, so that a full disk is an error and not a crash."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.shape: tuple[int, ...] = ()
        self.labels: list[np.ndarray] = []

    def start(self, num: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.file.write(_npy_header((num, *shape)))

    def add(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        assert pixels.dtype == np.uint8
        assert pixels.shape == (len(labels), *self.shape)
        self.file.write(np.ascontiguousarray(pixels).data)
        self.labels.append(labels)

    def finish(self) -> None:
        """Put in how many images have come."""
        num = sum(len(labels) for labels in self.labels)
        self.file.seek(0)
        self.file.write(_npy_header((num, *self.shape)))


class _Memory:
    """Fills an array."""

    def __init__(self) -> None:
        self.pixels = np.empty((0, 0, 0, 0), dtype=np.uint8)
        self.labels: list[np.ndarray] = []
        self.num = 0

    def start(self, num: int, shape: tuple[int, ...]) -> None:
        self.pixels = np.empty((num, *shape), dtype=np.uint8)

    def add(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.pixels[self.num : self.num + len(labels)] = pixels
        self.labels.append(labels)
        self.num += len(labels)

    def images(self) -> Images:
        return Images(self.pixels[: self.num], np.concatenate(self.labels))


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """The header of the .npy format, version 1.0, for bytes, padded to a fixed length."""
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", NPY_HEADER - 10)
    return start + text.ljust(NPY_HEADER - 11).encode() + b"\n"
