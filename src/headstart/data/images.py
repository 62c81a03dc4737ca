"""From a data set's name to checked arrays, and to the facts a plan needs."""

import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.data.catalogue import KNOWN, PARTS, STEMS, KnownSet
from headstart.data.catalogue import Part as Part
from headstart.data.faults import fault
from headstart.data.find import Found, where
from headstart.data.idx import GET_AGAIN, decode_idx, read_bytes, sha256
from headstart.spec.facts import DatasetFacts

FACTS_VERSION = 1  # raised when the meaning of a cached fact changes

Stamp = tuple[str, int, int]
"""Absolute path, size and time of change of a file: while these stand, so does its content."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with their labels, in one order. The arrays are read-only."""

    pixels: np.ndarray  # uint8 (n, height, width, channels)
    labels: np.ndarray  # int64 (n,), indices among the classes

    def __post_init__(self) -> None:
        assert len(self.pixels) == len(self.labels)
        self.pixels.flags.writeable = False
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)


def open_part(dataset: str, part: Part) -> Images:
    """The images and labels of one part, read and checked; the other part is not touched.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    return read_part(where(dataset), part)


def read_part(found: Found, part: Part) -> Images:
    """The images and labels of one part of a data set that was found."""
    images, labels = (_stamp(path) for path in found.files[part])
    return _read(images, labels, part, found.known.name if found.known else None)


def facts_of(dataset: str) -> DatasetFacts:
    """Counts, classes, shape, licence and content hash, from a cache while no file has changed.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    found = where(dataset)
    stamps = [_stamp(path) for part in PARTS for path in found.files[part]]
    known = found.known.name if found.known else None
    key: dict[str, Any] = {
        "version": FACTS_VERSION,
        "name": dataset,
        "known": known,
        "files": [list(stamp) for stamp in stamps],
    }
    path = cache_folder() / "facts" / f"{digest(key)}.json"
    cached = _cached(path)
    if cached is not None:
        return cached
    facts = _measure(found)
    # A cache that cannot be written costs time at the next call, and nothing else.
    with contextlib.suppress(OSError):
        write_whole(path, facts.model_dump_json().encode())
    return facts


def _cached(path: Path) -> DatasetFacts | None:
    try:
        return DatasetFacts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _measure(found: Found) -> DatasetFacts:
    train, test = read_part(found, "train"), read_part(found, "test")
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise fault(
            found.folder,
            f"training images are {train.pixels.shape[1:]}, "
            f"test images are {test.pixels.shape[1:]}.",
            "Expected one size for both.",
        )
    if len(np.unique(train.labels)) < 2:
        raise fault(
            found.folder,
            f"every training label is {train.labels[0]}.",
            "Expected at least two classes.",
            "Check the labels file.",
        )
    classes = found.known.classes if found.known else _numbered(train, test)
    return DatasetFacts(
        name=found.dataset,
        content=hash_arrays(
            {
                "train/pixels": train.pixels,
                "train/labels": train.labels,
                "test/pixels": test.pixels,
                "test/labels": test.labels,
            }
        ),
        shape=train.pixels.shape[1:],
        classes=classes,
        train_counts=_counts(train, len(classes)),
        test_counts=_counts(test, len(classes)),
        licence=found.known.licence if found.known else "",
    )


def _numbered(train: Images, test: Images) -> tuple[str, ...]:
    """Names for the classes of a user's folder: its label numbers, from 0 to the greatest."""
    return tuple(str(label) for label in range(max(train.labels.max(), test.labels.max()) + 1))


def _counts(images: Images, num_classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(images.labels, minlength=num_classes).tolist())


def _stamp(path: Path) -> Stamp:
    state = path.stat()
    return str(path.absolute()), state.st_size, state.st_mtime_ns


# Four parts: train and test of a source and of a target. A changed file has another stamp.
@lru_cache(maxsize=4)
def _read(images: Stamp, labels: Stamp, part: Part, known_name: str | None) -> Images:
    """Structure first, checksums last: a torn file is then called torn, and not merely other."""
    images_path, labels_path = Path(images[0]), Path(labels[0])
    images_bytes, labels_bytes = read_bytes(images_path), read_bytes(labels_path)
    pixels = decode_idx(images_bytes, images_path, 3)[..., np.newaxis]
    classes = decode_idx(labels_bytes, labels_path, 1)
    if len(pixels) != len(classes):
        raise fault(
            images_path,
            f"has {len(pixels):,} images, but {labels_path.name} beside it has "
            f"{len(classes):,} labels.",
            "Expected one label for each image.",
            "Check that both files are of one data set and one part.",
        )
    if not pixels.size:
        raise fault(images_path, "has no images.", "Expected at least one image for each class.")
    if known_name is not None:
        known = KNOWN[known_name]
        _check_known(pixels, classes, known, images_path, labels_path)
        _check_sum(images_path, images_bytes, STEMS[part][0], known)
        _check_sum(labels_path, labels_bytes, STEMS[part][1], known)
    return Images(pixels, classes.astype(np.int64))


def _check_known(
    pixels: np.ndarray, labels: np.ndarray, known: KnownSet, images_path: Path, labels_path: Path
) -> None:
    if pixels.shape[1:] != known.shape:
        raise fault(
            images_path,
            f"images are {pixels.shape[1:]}.",
            f"Expected {known.shape} for '{known.name}'.",
            _as_path(images_path),
        )
    if labels.max() >= len(known.classes):
        raise fault(
            labels_path,
            f"label {labels.max()} is out of range.",
            f"Expected labels from 0 to {len(known.classes) - 1} for '{known.name}'.",
            _as_path(labels_path),
        )


def _check_sum(path: Path, content: bytes, stem: str, known: KnownSet) -> None:
    wanted = known.checksums[stem]
    found = sha256(content)
    if found != wanted:
        raise fault(
            path,
            f"is not the file of '{known.name}': its decompressed bytes have SHA-256 {found}.",
            f"Expected {wanted}.",
            f"{GET_AGAIN} {_as_path(path)}",
        )


def _as_path(path: Path) -> str:
    return f"To use this folder as it is, give its path as the data set: {path.parent}."
