"""From a reference to a data set to checked arrays, and to the facts a plan needs."""

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.data.catalogue import PARTS, KnownSet, Layout
from headstart.data.catalogue import Part as Part
from headstart.data.errors import as_path, fault
from headstart.data.find import Found, where
from headstart.data.formats.archives import stamp_of
from headstart.data.formats.cifar import read_batches
from headstart.data.formats.idx_set import read_idx_set
from headstart.data.images import Content
from headstart.data.images import Images as Images
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.tasks import DataRef

FACTS_VERSION = 2  # raised when the meaning of a cached fact changes


def open_part(data: DataRef, part: Part) -> Images:
    """The images and labels of one part, read and checked; the other part is not touched.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    return read_part(where(data.dataset), part, data)


def read_part(found: Found, part: Part, data: DataRef | None = None) -> Images:
    """The images and labels of one part of a data set that was found."""
    return _content(found, part, data or DataRef(dataset=found.dataset)).images


def facts_of(data: DataRef) -> DatasetFacts:
    """Counts, classes, shape, licence and content hash, from a cache while no file has changed.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    found = where(data.dataset)
    files = dict.fromkeys(path for part in PARTS for path in found.files[part])
    key: dict[str, Any] = {
        "version": FACTS_VERSION,
        "name": str(data),
        "known": found.known.name if found.known else None,
        "files": stamp_of(tuple(files)),
        "decoding": _decoding(found, data),
    }
    path = cache_folder() / "facts" / f"{digest(key)}.json"
    cached = _cached(path)
    if cached is not None:
        return cached
    facts = measure(found, data)
    # A cache that cannot be written costs time at the next call, and nothing else.
    with contextlib.suppress(OSError):
        write_whole(path, facts.model_dump_json().encode())
    return facts


def _decoding(found: Found, data: DataRef) -> dict[str, Any] | None:
    if found.layout != "images":
        return {"size": data.size, "colour": data.colour}  # only checked, see `_check_shape`
    from headstart.data.formats.image_files import decoding

    return decoding(data)


def _cached(path: Path) -> DatasetFacts | None:
    try:
        return DatasetFacts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def measure(found: Found, data: DataRef) -> DatasetFacts:
    """The facts of a data set that was found, from its arrays."""
    contents = [_content(found, part, data) for part in PARTS]
    train, test = (content.images for content in contents)
    if train.shape != test.shape:
        raise fault(
            found.path,
            f"training images are {train.shape}, test images are {test.shape}.",
            "Expected one size and one colour for both.",
            'For image files: `image = { size = [64, 64], colour = "rgb" }` in the task.'
            if found.layout == "images"
            else "",
        )
    if len(np.unique(train.labels)) < 2:
        raise fault(
            found.path,
            f"every training label is {train.labels[0]}.",
            "Expected at least two classes.",
            "Check the labels file.",
        )
    classes = found.known.classes if found.known else contents[0].classes or _numbered(train, test)
    return DatasetFacts(
        name=str(data),
        content=hash_arrays(
            {
                "train/pixels": train.pixels,
                "train/labels": train.labels,
                "test/pixels": test.pixels,
                "test/labels": test.labels,
            }
        ),
        shape=train.shape,
        classes=classes,
        train_counts=_counts(train, len(classes)),
        test_counts=_counts(test, len(classes)),
        licence=found.known.licence if found.known else "",
        note="; ".join(dict.fromkeys(note for content in contents for note in content.notes)),
    )


def _numbered(train: Images, test: Images) -> tuple[str, ...]:
    """Names for the classes of a user's folder: its label numbers, from 0 to the greatest."""
    return tuple(str(label) for label in range(max(train.labels.max(), test.labels.max()) + 1))


def _counts(images: Images, num_classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(images.labels, minlength=num_classes).tolist())


def _content(found: Found, part: Part, data: DataRef) -> Content:
    files = found.files[part]
    content = _read(found.layout, files, stamp_of(files), part, found.known, data)
    _check_shape(found, content.images.shape, data)
    return content


# Four parts: train and test of a source and of a target. Changed files have another stamp.
@lru_cache(maxsize=4)
def _read(
    layout: Layout,
    files: tuple[Path, ...],
    stamp: str,
    part: Part,
    known: KnownSet | None,
    data: DataRef,
) -> Content:
    if layout == "idx":
        return read_idx_set(files, part, known)
    if layout == "batches":
        return read_batches(files, stamp, part, known)
    # Imported here: Pillow is of use only where images are files, and is slow to import.
    from headstart.data.formats.image_files import read_images

    return read_images(files[0], stamp, part, known, data)


def _check_shape(found: Found, shape: tuple[int, ...], data: DataRef) -> None:
    """What was asked for, or else what the catalogue says, is what there is."""
    usual = found.known.shape if found.known else shape
    height, width = data.size or usual[:2]
    channels = {"grey": 1, "rgb": 3}[data.colour] if data.colour else usual[2]
    if shape == (height, width, channels):
        return
    if data.size or data.colour:
        raise fault(
            f"data set '{data}'",
            f"its images are {shape}, and not in image files.",
            f"Expected ({height}, {width}, {channels}), as `image` of the task says.",
            "Only image files can be resized and recoloured: leave out `image`.",
        )
    raise fault(
        found.path,
        f"images are {shape}.",
        f"Expected {usual} for '{data.dataset}'.",
        as_path(found.path),
    )
