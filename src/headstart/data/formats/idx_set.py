"""A data set of idx files: both files of a part, checked against each other and the catalogue."""

from pathlib import Path

import numpy as np

from headstart.data.catalogue import STEMS, KnownSet, Part
from headstart.data.errors import as_path, fault, get_again
from headstart.data.formats.idx import decode_idx, read_bytes, sha256
from headstart.data.images import Content, Images


def read_idx_set(files: tuple[Path, ...], part: Part, known: KnownSet | None) -> Content:
    """The images and labels of one part; its classes have no names of their own.

    Raises:
        DataError: a file is torn, does not fit the other, or is not that of the known set.
    """
    # Structure first, checksums last: a torn file is then called torn, and not merely other.
    images_path, labels_path = files
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
    if known is not None:
        _check_known(pixels, classes, known, images_path, labels_path)
        _check_sum(images_path, images_bytes, STEMS[part][0], known)
        _check_sum(labels_path, labels_bytes, STEMS[part][1], known)
    return Content(images=Images(pixels, classes.astype(np.int64)), origin=images_path.name)


def _check_known(
    pixels: np.ndarray, labels: np.ndarray, known: KnownSet, images_path: Path, labels_path: Path
) -> None:
    if pixels.shape[1:] != known.shape:
        raise fault(
            images_path,
            f"images are {pixels.shape[1:]}.",
            f"Expected {known.shape} for '{known.name}'.",
            as_path(images_path.parent),
        )
    if labels.max() >= len(known.classes):
        raise fault(
            labels_path,
            f"label {labels.max()} is out of range.",
            f"Expected labels from 0 to {len(known.classes) - 1} for '{known.name}'.",
            as_path(labels_path.parent),
        )


def _check_sum(path: Path, content: bytes, stem: str, known: KnownSet) -> None:
    wanted = known.checksums[stem]
    found = sha256(content)
    if found != wanted:
        raise fault(
            path,
            f"is not the file of '{known.name}': its decompressed bytes have SHA-256 {found}.",
            f"Expected {wanted}.",
            f"{get_again(path)} {as_path(path.parent)}",
        )
