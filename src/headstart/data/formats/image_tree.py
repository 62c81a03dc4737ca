"""Image files as a data set: their paths tell part and class.

    train/CLASS/image.jpg and test/CLASS/image.jpg    published parts
    train/CLASS/image.jpg and val/CLASS/image.jpg     val/ is the test part
    CLASS/image.jpg                                   a fixed, stratified fifth is the test part

Beside test/, the images of val/ follow those of train/. Classes are sorted by name. Files have no
published order, and sorted by name they would come class by class, so that the first thousand of
them were of one class: they are sorted by the SHA-256 of "CLASS/file", which mixes the classes and
is the same on every machine.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from headstart.core.seeds import generator
from headstart.data.catalogue import Part
from headstart.data.errors import fault
from headstart.data.formats.archives import Listing
from headstart.data.formats.left_out import left_out
from headstart.data.formats.tree_layout import LAYOUT, spots_of
from headstart.data.sampling import stratified
from headstart.study.dataset_facts import LeftOut

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
)
TEST_SHARE = 5  # one image in so many, where no test part is published
FIFTH = "a fixed fifth of every class, for there is no test/ or val/"
NO_IMAGES = "no image files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An image file: where it lies, and what its path says."""

    name: str
    part: str  # train, val or test; empty where there are no parts
    label: str

    @property
    def path(self) -> str:
        """Where it lies below the root, in one spelling whatever the root and the file system."""
        return f"{self.part}/{self.label}/{_spelled(self.name)}"

    @property
    def rank(self) -> bytes:
        """Sort key of images."""
        text = f"{self.label}/{_spelled(self.name)}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """The files of each part in order, with their labels."""

    classes: tuple[str, ...]
    test_from: str  # where the test part came from
    left_out: tuple[LeftOut, ...]
    names: Mapping[Part, list[str]]
    paths: Mapping[Part, list[str]]  # below the root
    labels: Mapping[Part, np.ndarray]  # int64 (n,)
    notes: tuple[str, ...]


def tree_of(where: Path, listing: Listing) -> Tree:
    """Parts, classes and order of the images in a listing.

    Raises:
        DataError: an image lies outside any class, a class is empty or in one part only, or there
            are fewer than two.
    """
    images = [name for name in listing.files if name.lower().endswith(SUFFIXES)]
    if not images:
        raise fault(
            where,
            f"holds no image files (of {len(listing.files):,} files).",
            f"{LAYOUT} Image files end in {', '.join(SUFFIXES)}.",
        )
    others = sorted(listing.files.keys() - set(images))
    spots = spots_of(where, images, others, listing.folders)
    placed = [Placed(name=spot.name, part=spot.part, label=_spelled(spot.label)) for spot in spots]
    tree = _parted(where, placed, left_out(others, NO_IMAGES))
    places = sorted({spot.place for spot in spots if f"{spot.part}/" == tree.test_from})
    return replace(tree, test_from=", ".join(places) or tree.test_from)


def _parted(where: Path, placed: list[Placed], others: tuple[LeftOut, ...]) -> Tree:
    """The published parts, or a fifth of the images as the test part."""
    placed = sorted(placed, key=lambda one: (one.rank, one.name))
    by_part = {part: [one for one in placed if one.part == part] for part in ("train", "test")}
    val = [one for one in placed if one.part == "val"]
    train = by_part["train"] or [one for one in placed if not one.part]
    classes = tuple(sorted({one.label for one in train}))
    _check_classes(where, classes, by_part["test"], val)
    if by_part["test"]:
        joined = (f"the {len(val):,} images of val/ are training images too",) if val else ()
        return _tree(classes, train + val, by_part["test"], "test/", others, joined)
    if val:
        return _tree(classes, train, val, "val/", others)
    labels = _labels(train, classes)
    bits = generator(0, "images", "test part").bit_generator
    chosen = set(stratified(labels, len(classes), max(1, len(train) // TEST_SHARE), bits).tolist())
    return _tree(
        classes,
        [one for index, one in enumerate(train) if index not in chosen],
        [one for index, one in enumerate(train) if index in chosen],
        FIFTH,
        others,
    )


def _check_classes(
    where: Path, classes: tuple[str, ...], test: list[Placed], val: list[Placed]
) -> None:
    if len(classes) < 2:
        raise fault(
            where,
            f"has one class only: {classes[0]}.",
            f"Expected at least two. {LAYOUT}",
        )
    for part, others in (("test", test), ("val", val)):
        labels = {one.label for one in others}
        # Images of val/ beside test/ only add to train/, so no class needs to have any.
        missing = set(classes) - labels if part == "test" or not test else set()
        faults = [f"'{label}' is in {part}/, but not in train/" for label in labels - set(classes)]
        faults += [f"'{label}' is in train/, but not in {part}/" for label in missing]
        if labels and faults:
            raise fault(
                where,
                f"class {'; class '.join(sorted(faults)[:6])}{' ...' if len(faults) > 6 else ''}.",
                "Expected the same classes in both.",
                "Check the spelling of the folders, upper and lower case included.",
            )


def _tree(
    classes: tuple[str, ...],
    train: list[Placed],
    test: list[Placed],
    test_from: str,
    others: tuple[LeftOut, ...],
    notes: tuple[str, ...] = (),
) -> Tree:
    parts: dict[Part, list[Placed]] = {"train": train, "test": test}
    return Tree(
        classes=classes,
        test_from=test_from,
        left_out=others,
        names={part: [one.name for one in placed] for part, placed in parts.items()},
        paths={part: [one.path for one in placed] for part, placed in parts.items()},
        labels={part: _labels(placed, classes) for part, placed in parts.items()},
        notes=notes,
    )


def _labels(placed: Iterable[Placed], classes: tuple[str, ...]) -> np.ndarray:
    index = {label: number for number, label in enumerate(classes)}
    return np.array([index[one.label] for one in placed], dtype=np.int64)


def _spelled(name: str) -> str:
    """One spelling of accents, whatever the file system made of them; of a path, the file."""
    return unicodedata.normalize("NFC", name.rpartition("/")[2])
