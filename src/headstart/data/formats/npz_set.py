"""A data set as arrays in one NumPy archive (.npz), as `np.savez` writes them.

    x_train, y_train, x_test, y_test                      as in Keras's mnist.npz
    train_images, train_labels, test_images, ...          as in MedMNIST
    classes                                               names of the classes, optional

Images are bytes, or floats that a network is given as they are: (n, height, width) or
(n, height, width, channels). Labels are whole numbers from 0, or names of classes. Validation
images (x_val, val_images) follow the training images; without a test part they are it. A set may
be without a test part.
"""

import math
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from headstart.core.errors import DataError
from headstart.core.files import open_regular, written_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.core.names import in_a_row
from headstart.data.catalogue import Part
from headstart.data.errors import fault, get_again
from headstart.data.formats.listing import check_unpacked
from headstart.data.images import Content, Images

SPELLINGS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"))
EXPECTED = "Expected the arrays x_train and y_train, and beside them x_test and y_test."
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,  # encrypted, or packed in a way that zipfile does not know
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file raises."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0}
WIDEST = 100_000  # classes; a greater label is no label

Arrays = tuple[np.ndarray, np.ndarray]
"""Images as they are in the file, and their labels."""


def saved_npz(
    folder: Path, train: Images, classes: Sequence[str], test: Images | None = None
) -> Path:
    """The file of some images in a folder: what has the same content is written once.

    Args:
        folder: that holds such files.
        train: images to train on, and to validate with.
        classes: their names.
        test: images to test with; None for a set without a test part.
    """
    arrays = {"x_train": train.pixels, "y_train": train.labels}
    if test is not None:
        arrays |= {"x_test": test.pixels, "y_test": test.labels}
    path = folder / f"{digest([hash_arrays(arrays), list(classes)])}.npz"
    if not path.exists():
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays, classes=np.array(classes, str))
    return path


def read_npz_set(path: Path, part: Part) -> Content:
    """The images and labels of one part.

    Raises:
        DataError: the file is torn, or does not hold images with a label each.
    """
    try:
        # numpy leaves a file open that it opened itself and that is torn.
        with open_regular(path) as file:
            _check_headers(path, file)
            with np.load(file, allow_pickle=False) as arrays:
                return _content(path, arrays, part)
    except DataError:
        raise
    except DAMAGE as error:
        raise fault(path, f"cannot be read: {error}.", EXPECTED, get_again(path)) from None


def _check_headers(path: Path, file: BinaryIO) -> None:
    """Refuse arrays that are not what their headers say, before memory is taken for them."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        check_unpacked(path, os.fstat(file.fileno()).st_size, unpacked)
        for member in members:
            with archive.open(member) as array:
                version = np.lib.format.read_magic(array)
                read = HEADERS.get(version, np.lib.format.read_array_header_2_0)
                shape, _, dtype = read(array)
                size = array.tell() + math.prod(shape) * dtype.itemsize
            if size != member.file_size and not dtype.hasobject:
                raise fault(
                    f"{path}: {member.filename}",
                    f"has {member.file_size:,} bytes.",
                    f"Expected {size:,}, as its header says.",
                    get_again(path),
                )
    file.seek(0)


def _content(path: Path, arrays: "np.lib.npyio.NpzFile", part: Part) -> Content:
    named = _parts(path, arrays)
    train, test = ["train"], [name for name in ("test", "val") if name in named][:1]
    if test == ["test"] and "val" in named:
        train.append("val")
    chosen = [_checked(path, arrays, named[name]) for name in (train if part == "train" else test)]
    origin = ", ".join(named[name][0] for name in (train if part == "train" else test))
    if not chosen:
        images, labels = _checked(path, arrays, named["train"])
        chosen = [(images[:0], labels[:0])]
    classes = _classes(path, arrays, arrays[named["train"][1]])
    labels = np.concatenate([_indices(path, labels, classes) for _, labels in chosen])
    pixels = chosen[0][0] if len(chosen) == 1 else np.concatenate([images for images, _ in chosen])
    return Content(images=Images(pixels, labels), origin=origin, classes=classes)


def _parts(path: Path, arrays: "np.lib.npyio.NpzFile") -> dict[str, tuple[str, str]]:
    """Names of the images and labels of each part that is there."""
    for spelling in SPELLINGS:
        named = {
            part: tuple(of.format(part) for of in spelling) for part in ("train", "val", "test")
        }
        there = {part: names for part, names in named.items() if set(names) & set(arrays.files)}
        missing = {n for names in there.values() for n in names} - set(arrays.files)
        if "train" in there and not missing:
            return {part: (images, labels) for part, (images, labels) in there.items()}
        if there:
            wanted = sorted(missing | set(named["train"]) - set(arrays.files))
            raise fault(path, f"has no {', no '.join(wanted)}.", "Expected labels for all images.")
    held = ", ".join(arrays.files[:8]) or "nothing"
    raise fault(path, f"holds {held}.", EXPECTED, "Rename the arrays: np.savez writes them.")


def _checked(path: Path, arrays: "np.lib.npyio.NpzFile", names: tuple[str, str]) -> Arrays:
    """Images (n, height, width, channels), uint8 or float32, and one label for each."""
    image_name, label_name = names
    images, labels = arrays[image_name], arrays[label_name]
    where = f"{path}: {image_name}"
    if (
        images.ndim not in (3, 4)
        or 0 in images.shape[1:]
        or images.shape[3:] not in ((), (1,), (3,))
    ):
        raise fault(
            where,
            f"has the shape {images.shape}.",
            "Expected (images, height, width), or that with 1 or 3 channels at the end.",
        )
    if len(labels) != len(images) or labels.size != len(images):
        raise fault(
            where,
            f"has {len(images):,} images, but {label_name} is {labels.shape}.",
            "Expected one label for each image.",
        )
    if images.dtype != np.uint8 and images.dtype.kind != "f":
        raise fault(
            where,
            f"has pixels of type {images.dtype}.",
            "Expected uint8, or floats, which are taken as they are.",
        )
    if images.dtype.kind == "f":
        images = images.astype(np.float32, copy=False)
        if not np.isfinite(images).all():
            raise fault(where, "has pixels that are not finite in float32.")
    return images.reshape(*images.shape[:3], -1), labels.reshape(-1)


def _classes(path: Path, arrays: "np.lib.npyio.NpzFile", labels: np.ndarray) -> tuple[str, ...]:
    """Names of the classes, as given or as the labels are; none where the labels are numbers."""
    if "classes" in arrays.files:
        names = tuple(map(str, arrays["classes"].reshape(-1).tolist()))
        if len(set(names)) < len(names):
            raise fault(f"{path}: classes", "names a class twice.", "Expected distinct names.")
        return names
    return tuple(np.unique(labels).tolist()) if labels.dtype.kind == "U" else ()


def _indices(path: Path, labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Labels as indices among the classes."""
    if labels.dtype.kind == "U":
        unknown = sorted(set(labels.tolist()) - set(classes))
        if unknown:
            raise fault(
                f"{path}: labels",
                f"'{unknown[0]}' is none of the classes of the training images.",
                f"Known: {in_a_row(classes)}.",
            )
        number = {name: index for index, name in enumerate(classes)}
        return np.array([number[name] for name in labels.tolist()], np.int64)
    most = len(classes) or WIDEST
    if labels.dtype.kind not in "iu" or (
        len(labels) and not 0 <= labels.min() <= labels.max() < most
    ):
        raise fault(
            f"{path}: labels",
            f"are {labels.dtype} from {labels.min()} to {labels.max()}.",
            f"Expected whole numbers from 0 to {most - 1}, or names of classes.",
        )
    return labels.astype(np.int64)
