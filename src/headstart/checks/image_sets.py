"""Images to be searched for copies: arrays, image files, folders, archives, tables, data sets."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress, permutations
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from headstart.checks.tensors import as_array
from headstart.core.errors import DataError
from headstart.core.names import few
from headstart.data.catalogue import PARTS, Layout
from headstart.data.contact_sheet import COMPARED, SIDE
from headstart.data.datasets import read_part
from headstart.data.find import Found, is_path, local_path, where
from headstart.data.formats.archives import open_source
from headstart.data.formats.decode import decode
from headstart.data.formats.file_kinds import is_decodable
from headstart.data.formats.label_place import is_table, place_of
from headstart.data.formats.labelled_files import labelled_files
from headstart.data.formats.layouts import look
from headstart.data.formats.unread import passed_over
from headstart.data.images import Images
from headstart.data.progress import Progress, reporting
from headstart.data.repeated import pooled
from headstart.data.thumbnails import thumbnails
from headstart.model.image_files import AT_ONCE, ImageGroup, common_folder, image_groups
from headstart.study.archives import is_archive
from headstart.study.dataset_facts import LeftOut
from headstart.study.decoding import Decoding

NO_IMAGE = "no image files"
_ARRAYS: tuple[Layout, ...] = ("idx", "batches", "npz")

ImagesOf: TypeAlias = Any
"""An array or tensor of images, the path of a folder, archive, table or .npz, or image files."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageSet:
    """Images of one side, as they are compared.

    Attributes:
        name: of the set.
        images: what is compared; image files at 32 x 32 pixels, in colour.
        titles: name of each image, below the set's place.
        picture: picture of an image by its position, in its own proportions.
        paths: where each image file lies; empty where there are none.
        unreadable: files that cannot be decoded, and why.
        left_out: files beside them that are not read.
    """

    name: str
    images: Images
    titles: tuple[str, ...]
    picture: Callable[[int], np.ndarray]
    paths: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def image_set(given: ImagesOf, name: str) -> ImageSet:
    """Whatever holds images, as one set.

    Args:
        given: arrays, or where the images lie.
        name: what an array is called.

    Raises:
        DataError: it is missing, or holds no image that can be read.
    """
    if isinstance(given, str | PathLike):
        return _at(fspath(given))
    listed = isinstance(given, list | tuple) and given
    if listed and all(isinstance(one, str | PathLike) for one in given):
        return _of_files(name, image_groups([Path(one) for one in given]))
    images = _images(name, given)
    return _of_arrays(name, images, [f"image {at}" for at in range(len(images))])


def image_files_of(places: Sequence[str]) -> ImageSet:
    """The image files of folders and archives, as one set.

    Titles are paths below their place; of several places below the folder that holds them all.

    Raises:
        DataError: places that are not there, or are neither, or hold no image that can be read.
    """
    paths = [local_path(place) for place in places]
    wrong = [
        f"{place}: {'is no folder or archive of images' if path.exists() else 'is not there'}."
        for place, path in zip(places, paths, strict=True)
        if not (path.is_dir() or (path.is_file() and is_archive(path)))
    ]
    real = [Path(os.path.realpath(path)) for path in paths]
    wrong += [
        f"{one} is, or lies in, {other}: give each image once."
        for (one, inner), (other, outer) in permutations(zip(places, real, strict=True), 2)
        if inner.is_relative_to(outer)
    ][:1]
    if wrong:
        raise DataError("\n".join([*wrong, "Expected folders or archives of image files."]))
    sets = [_of_place(place, path) for place, path in zip(places, paths, strict=True)]
    if len(sets) == 1:
        return sets[0]
    above = common_folder(paths)
    return _joined(sets, [os.path.relpath(path.absolute(), above) for path in paths])


def _joined(sets: Sequence[ImageSet], folders: Sequence[str]) -> ImageSet:
    """Several sets as one, each below a folder."""
    ends = np.cumsum([len(one) for one in sets])

    def picture(at: int) -> np.ndarray:
        of = int(np.searchsorted(ends, at, side="right"))
        return sets[of].picture(at - int(ends[of]) + len(sets[of]))

    return ImageSet(
        name=" and ".join(one.name for one in sets),
        images=Images(
            np.concatenate([one.images.pixels for one in sets]), np.zeros(ends[-1], np.int64)
        ),
        titles=tuple(
            f"{folder}/{title}"
            for folder, one in zip(folders, sets, strict=True)
            for title in one.titles
        ),
        picture=picture,
        paths=tuple(path for one in sets for path in one.paths),
        unreadable=tuple(
            (f"{folder}/{file}", why)
            for folder, one in zip(folders, sets, strict=True)
            for file, why in one.unreadable
        ),
        left_out=tuple(entry for one in sets for entry in one.left_out),
    )


def _at(text: str) -> ImageSet:
    """The images of a place, of all its parts."""
    path = local_path(text)
    if is_path(text) and path.is_file() and is_decodable(path.name):
        return _of_files(text, image_groups([path]))
    if is_path(text) and path.is_dir() and look(path, _ARRAYS)[0] is None:
        return _of_place(text, path)
    found = where(text)
    if found.layout != "images":
        return _of_data_set(text, found)
    (place,) = found.files["train"]
    return _of_table(text, place) if is_table(place) else _of_place(text, place)


def _of_place(name: str, path: Path) -> ImageSet:
    """All image files of a folder or an archive, whatever folders they lie in."""
    groups = image_groups([path])
    files = open_source(path, follow_links=True).listing.files
    others = passed_over([one for one in files if not is_decodable(one)], NO_IMAGE)
    return _of_files(name, groups, str(path), others)


def _of_table(name: str, table: Path) -> ImageSet:
    """The image files that a table of labels names."""
    place = place_of(table, None)
    source = open_source(place.root, follow_links=True)
    tree = labelled_files(place, source, None, skip=True).tree
    names = tuple(one for part in PARTS for one in tree.names[part])
    sizes = [source.listing.files[one][0] for one in names]
    group = ImageGroup(
        reader=source,
        names=names,
        titles=names,
        file_bytes=sum(sizes) / max(len(sizes), 1),
    )
    return _of_files(name, [group], str(place.root), tree.left_out)


def _of_data_set(name: str, found: Found) -> ImageSet:
    """Both parts of a data set of arrays."""
    train, test = (read_part(found, part) for part in PARTS)
    titles = [
        f"{part} image {at}"
        for part, images in zip(PARTS, (train, test), strict=True)
        for at in range(len(images))
    ]
    return _of_arrays(name, pooled(train, test), titles)


def _of_arrays(name: str, images: Images, titles: Sequence[str]) -> ImageSet:
    def picture(at: int) -> np.ndarray:
        return np.asarray(thumbnails([images.image(at)], SIDE)[0])

    return ImageSet(name=name, images=images, titles=tuple(titles), picture=picture)


def _of_files(
    name: str, groups: Sequence[ImageGroup], root: str = "", left_out: tuple[LeftOut, ...] = ()
) -> ImageSet:
    """Image files below a folder, decoded small and in colour; those that cannot be are named.

    Raises:
        DataError: none can be.
    """
    small, shape = Decoding(size=COMPARED, colour="rgb"), (*COMPARED, 3)
    pixels, read, broken = [], list[tuple[ImageGroup, str]](), dict[str, str]()
    num = sum(map(len, groups))
    work = Progress(what="decoding images", place=Path(name), num=num, once=False)
    report = reporting(work)
    for group in groups:
        inside = dict(zip(group.titles, group.names, strict=True))
        for batch in group.batches(small, shape, AT_ONCE):
            sound = [title not in batch.broken for title in batch.titles]
            pixels.append(batch.pixels[sound])
            broken |= {inside[title]: why for title, why in batch.broken.items()}
            read += [(group, inside[title]) for title in compress(batch.titles, sound)]
            report(len(read) + len(broken))
    if not read:
        shown = few([f"{file}: {why}" for file, why in broken.items()])
        raise DataError(f"no image file of {name} can be decoded ({shown}).")

    def picture(at: int) -> np.ndarray:
        group, file = read[at]
        pixels = decode(group.reader.read(file), Decoding(colour="rgb"))
        return np.asarray(thumbnails([pixels], SIDE)[0])

    return ImageSet(
        name=name,
        images=Images(np.concatenate(pixels), np.zeros(len(read), np.int64)),
        titles=tuple(file for _, file in read),
        picture=picture,
        paths=tuple(os.path.realpath(os.path.join(root, file)) for _, file in read),
        unreadable=tuple(broken.items()),
        left_out=left_out,
    )


def _images(name: str, given: Any) -> Images:
    """An array of images, channels last or first, as bytes or float32.

    Raises:
        DataError: it is something else.
    """
    array = as_array(name, given)
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim not in (3, 4) or array.shape[3:] not in ((), (1,), (3,)) or not array.size:
        raise DataError(
            f"{name} is {array.dtype} of shape {array.shape}. Expected images (n, height, width), "
            "or that with 1 or 3 channels in the last or the second axis."
        )
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    elif array.dtype.kind not in "iub" or array.min() < 0 or array.max() > 255:
        raise DataError(
            f"{name} is {array.dtype} from {array.min()} to {array.max()}. Expected bytes, or "
            "floats of any scale."
        )
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity.")
    pixels = array if array.dtype == np.float32 else array.astype(np.uint8)
    pixels = np.array(pixels.reshape(*pixels.shape[:3], -1))  # a copy, for it becomes read-only
    return Images(pixels, np.zeros(len(pixels), np.int64))
