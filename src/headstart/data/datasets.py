"""From a reference to a data set to checked arrays, and to the facts a plan needs."""

import contextlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from headstart.core.files import cache_folder, text_of, write_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.core.printable import printable_name
from headstart.data.catalogue import PARTS, KnownSet, Layout
from headstart.data.catalogue import Part as Part
from headstart.data.dealing import dealt_groups
from headstart.data.errors import as_path, fault
from headstart.data.find import Found, where
from headstart.data.formats.archives import stamp_of
from headstart.data.formats.cifar import read_batches
from headstart.data.formats.file_kinds import read_suffixes
from headstart.data.formats.idx_set import read_idx_set
from headstart.data.formats.label_place import Place, place_of
from headstart.data.formats.left_out import left_out
from headstart.data.formats.npz_set import read_npz_set
from headstart.data.formats.prepared import read_prepared
from headstart.data.images import Content
from headstart.data.images import Images as Images
from headstart.study.dataset_facts import DatasetFacts, LeftOut
from headstart.study.decoding import CHANNELS, Decoding
from headstart.study.tasks import DataRef, Grouped

if TYPE_CHECKING:
    from headstart.data.formats.photo_set import Photos, PhotoSet

STREAMED_FROM = 8_000_000_000  # bytes of decoded images of one part
NOT_READ = "not part of it"
FACTS_VERSION = 6  # raised when the meaning of a cached fact changes


def open_part(data: DataRef, part: Part, limit: int = STREAMED_FROM) -> Images:
    """The images and labels of one part, read and checked; of arrays, the other is not touched.

    Args:
        data: the data set, and how its images are decoded.
        part: of it.
        limit: bytes; image files that take more once decoded are streamed.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    if data.prepared:
        return read_prepared(Path(data.prepared), part)
    return read_part(where(data.dataset), part, data, limit)


def read_part(
    found: Found, part: Part, data: DataRef | None = None, limit: int = STREAMED_FROM
) -> Images:
    """The images and labels of one part of a data set that was found."""
    return _content(found, part, data or DataRef(dataset=found.dataset), limit).images


def decode(data: DataRef) -> None:
    """Decode image files into the cache, with progress; nothing is to be done for arrays.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    if where(data.dataset).layout == "images":
        for part in PARTS:
            open_part(data, part)


def facts_of(data: DataRef) -> DatasetFacts:
    """Counts, classes, shape, licence and content hash, from a cache while no file has changed.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    found = where(data.dataset)
    files = dict.fromkeys(path for part in PARTS for path in found.files[part])
    if found.layout == "images":
        files = dict.fromkeys(_place(found, data).files)
    elif data.labels or data.grouped:
        raise fault(
            f"data set '{data.dataset}'",
            "is arrays, which have their labels with them and no names to group by.",
            "Expected image files.",
            "Leave out labels and split.group.",
        )
    key: dict[str, Any] = {
        "version": FACTS_VERSION,
        "known": found.known.name if found.known else None,
        "files": stamp_of(tuple(files), data.follow_links),
        "reading": data.reading,
    }
    if found.layout == "images":
        key["read"] = read_suffixes()  # more of them once a package is installed
    path = cache_folder() / "facts" / f"{digest(key)}.json"
    facts = _cached(path)
    if facts is None:
        facts = measure(found, data)
        # A cache that cannot be written costs time at the next call, and nothing else.
        with contextlib.suppress(OSError):
            write_whole(path, facts.model_dump_json().encode())
    shape = facts.image_shape(data.decoding)
    if shape is not None:
        _check_shape(found, shape, data)
    return facts.model_copy(update={"name": str(data)})


def _cached(path: Path) -> DatasetFacts | None:
    try:
        return DatasetFacts.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def measure(found: Found, data: DataRef) -> DatasetFacts:
    """The facts of a data set that was found: of image files from their bytes and headers alone."""
    if found.layout == "images":
        return _of_files(found, data)
    contents = [_content(found, part, data) for part in PARTS]
    train, test = (content.images for content in contents)
    if train.shape != test.shape:
        raise fault(
            found.path,
            f"training images are {train.shape}, test images are {test.shape}.",
            "Expected one size and one colour for both.",
        )
    if len(np.unique(train.labels)) < 2:
        raise fault(
            found.path,
            f"every training label is {train.labels[0]}.",
            "Expected at least two classes.",
            "Check the labels file.",
        )
    classes = found.known.classes if found.known else contents[0].classes or _numbered(train, test)
    height, width, channels = train.shape
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
        shape=(height, width, channels),
        classes=classes,
        train_counts=_counts(train.labels, len(classes)),
        test_counts=_counts(test.labels, len(classes)),
        licence=found.known.licence if found.known else "",
        note=found.known.note if found.known else "",
        floats=train.pixels.dtype.kind == "f",
        place=printable_name(text_of(os.path.abspath(found.path))),
        test_from=contents[1].origin,
        left_out=_beside(found),
        values=_range(train.pixels, test.pixels),
    )


def _of_files(found: Found, data: DataRef) -> DatasetFacts:
    photos = _photos(found, data)
    train = photos.parts["train"]
    facts = DatasetFacts(
        name=str(data),
        content=photos.content,
        shape=None,
        classes=photos.classes,
        train_counts=_counts(train.labels, len(photos.classes)),
        test_counts=_counts(photos.parts["test"].labels, len(photos.classes)),
        licence=found.known.licence if found.known else "",
        note="; ".join(photos.notes),
        sizes=photos.sizes,
        modes=photos.modes,
        proportions=photos.proportions,
        deep=photos.deep,
        place=printable_name(text_of(os.path.abspath(found.path))),
        test_from=photos.test_from,
        test_dealt=data.grouped is None and photos.parts["test"].units is not None,
        left_out=photos.left_out,
        labels_from=printable_name(text_of(photos.labels_from)),
        groups=photos.groups,
        validation_counts=_validation_counts(train, data.grouped, len(photos.classes)),
    )
    return facts.model_copy(update={"shape": facts.image_shape(Decoding())})


def _validation_counts(
    train: "Photos", grouped: Grouped | None, num_classes: int
) -> tuple[int, ...] | None:
    if grouped is None:
        return None
    assert train.units is not None, "groups make units"
    held_out = dealt_groups(train.units, train.labels, grouped.validation, grouped.seed)
    return _counts(train.labels[held_out], num_classes)


def _beside(found: Found) -> tuple[LeftOut, ...]:
    """Files in a user's own folder of arrays that are none of its arrays."""
    if found.known or not found.path.is_dir():
        return ()
    read = {path.name for part in PARTS for path in found.files[part]}
    names = {path.name for path in found.path.iterdir() if path.is_file()}
    return left_out((name for name in names - read if not name.startswith(".")), NOT_READ)


def _range(*parts: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest value in the arrays that are not empty."""
    filled = [pixels for pixels in parts if pixels.size]
    if not filled:
        return None
    least, most = min(pixels.min() for pixels in filled), max(pixels.max() for pixels in filled)
    return float(least), float(most)


def photos_in(data: DataRef) -> "PhotoSet | None":
    """The image files of a data set with their sizes and colours; None where there are arrays.

    Raises:
        DataError: the data set is missing, torn or not what it claims to be.
    """
    found = where(data.dataset)
    return _photos(found, data) if found.layout == "images" else None


def _numbered(train: Images, test: Images) -> tuple[str, ...]:
    """Names for the classes of a user's folder: its label numbers, from 0 to the greatest."""
    greatest = max(images.labels.max(initial=0) for images in (train, test))
    return tuple(str(label) for label in range(greatest + 1))


def _counts(labels: np.ndarray, num_classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(labels, minlength=num_classes).tolist())


def _content(found: Found, part: Part, data: DataRef, limit: int = STREAMED_FROM) -> Content:
    if found.layout == "images":
        content = _read_files(_photos(found, data), part, data.decoding, limit)
    else:
        files = found.files[part]
        content = _read(found.layout, files, stamp_of(files), part, found.known)
    _check_shape(found, content.images.shape, data)
    return content


# Four parts: train and test of a source and of a target. Changed files have another stamp.
@lru_cache(maxsize=4)
def _read(
    layout: Layout, files: tuple[Path, ...], stamp: str, part: Part, known: KnownSet | None
) -> Content:
    if layout == "idx":
        return read_idx_set(files, part, known)
    if layout == "npz":
        return read_npz_set(files[0], part)
    return read_batches(files, stamp, part, known)


@lru_cache(maxsize=4)
def _read_files(photos: "PhotoSet", part: Part, decoding: Decoding, limit: int) -> Content:
    from headstart.data.formats.image_files import read_images

    return Content(images=read_images(photos, part, decoding, limit), classes=photos.classes)


def _place(found: Found, data: DataRef) -> Place:
    (path,) = found.files["train"]
    return place_of(path, data.labels)


def _photos(found: Found, data: DataRef) -> "PhotoSet":
    place = _place(found, data)
    return _measured(place, stamp_of(place.files, data.follow_links), found.known, data.undecoded)


# A source and a target.
@lru_cache(maxsize=2)
def _measured(place: Place, stamp: str, known: KnownSet | None, data: DataRef) -> "PhotoSet":
    # Imported here: Pillow is of use only where images are files, and is slow to import.
    from headstart.data.formats.image_files import photo_set

    return photo_set(place, stamp, known, data)


def forget() -> None:
    """Drop all parts that this process holds, as if it had just been started."""
    for cached in (_read, _read_files, _measured):
        cached.cache_clear()


def _check_shape(found: Found, shape: tuple[int, ...], data: DataRef) -> None:
    """Check the shape against what was asked for, or else against the catalogue."""
    usual = found.known.shape if found.known else shape
    height, width = data.size or usual[:2]
    channels = CHANNELS[data.colour] if data.colour else usual[2]
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
