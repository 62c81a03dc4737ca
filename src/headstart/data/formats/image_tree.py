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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.core.seeds import generator
from headstart.data.catalogue import Part
from headstart.data.errors import fault
from headstart.data.formats.archives import Listing
from headstart.data.sampling import stratified

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
PART_NAMES = {
    "train": "train",
    "test": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
TEST_SHARE = 5  # one image in so many, where no test part is published
LAYOUT = "Expected train/CLASS/* and test/CLASS/*, or CLASS/*."


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An image file: where it lies, and what its path says."""

    name: str
    part: str  # of PART_NAMES; empty where there are no parts
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
    root = _root(images)
    depth = _class_depth(where, images, root)
    placed = _placed(where, images, root, depth)
    _check_empty(where, listing, placed, root, depth)
    others = len(listing.files) - len(images)
    notes = (f"{others:,} files that are no images ignored",) if others else ()
    return _parted(where, placed, notes)


def _root(images: list[str]) -> str:
    """The folder around everything, which many archives have; empty or ending in '/'."""
    tops = {name.partition("/")[0] for name in images}
    deep = all(name.count("/") >= 2 for name in images)
    if len(tops) == 1 and deep and not _is_part(top := tops.pop()):
        return f"{top}/{_root([name[len(top) + 1 :] for name in images])}"
    return ""


def _is_part(folder: str) -> bool:
    return folder.lower() in PART_NAMES


def _class_depth(where: Path, images: list[str], root: str) -> int:
    """At which depth below the root the classes lie: 1 in parts, else 0.

    A class may be called 'train' too: a part is a folder with folders of images.
    """
    inside = [name[len(root) :].split("/") for name in images]
    parts = {way[0].lower() for way in inside if len(way) == 3 and _is_part(way[0])}
    if not parts:
        return 0
    if "train" not in parts:
        raise fault(
            where,
            f"has {', '.join(f'{part}/' for part in sorted(parts))}, but no images in train/.",
            LAYOUT,
            "Add the training images, or give this folder itself as the data set.",
        )
    return 1


def _placed(where: Path, images: list[str], root: str, depth: int) -> list[Placed]:
    """Every image with its part and class."""
    placed: list[Placed] = []
    strays: list[str] = []
    for name in images:
        way = name[len(root) :].split("/")
        if len(way) != depth + 2 or (depth and not _is_part(way[0])):
            strays.append(name)
            continue
        part = PART_NAMES[way[0].lower()] if depth else ""
        placed.append(Placed(name=name, part=part, label=_spelled(way[depth])))
    if strays:
        raise fault(
            where,
            f"{len(strays):,} image file{'s lie' if len(strays) > 1 else ' lies'} outside any "
            f"class folder: {_few(strays)}.",
            LAYOUT,
            "Move them into the folder of their class, or away.",
        )
    return placed


def _check_empty(
    where: Path, listing: Listing, placed: list[Placed], root: str, depth: int
) -> None:
    """A class folder without images is more likely a slip than a wish."""
    filled = {one.name.rpartition("/")[0] for one in placed}
    filled |= {folder.rpartition("/")[0] for folder in filled if depth}
    empty = []
    for folder in sorted(listing.folders - filled):
        way = folder[len(root) :].split("/") if folder.startswith(root) else []
        class_or_part = len(way) == depth + 1 or len(way) == depth == 1
        if class_or_part and (not depth or _is_part(way[0])):
            empty.append(f"{folder}/")
    if empty:
        raise fault(
            where,
            f"{_few(empty)} {'hold' if len(empty) > 1 else 'holds'} no images.",
            "Expected images in the folder of every class.",
            "Put them there, or remove the folder.",
        )


def _parted(where: Path, placed: list[Placed], notes: tuple[str, ...]) -> Tree:
    """The published parts, or a fifth of the images as the test part."""
    placed = sorted(placed, key=lambda one: (one.rank, one.name))
    by_part = {part: [one for one in placed if one.part == part] for part in ("train", "test")}
    val = [one for one in placed if one.part == "val"]
    train = by_part["train"] or [one for one in placed if not one.part]
    classes = tuple(sorted({one.label for one in train}))
    _check_classes(where, classes, by_part["test"], val)
    if by_part["test"]:
        joined = (f"the {len(val):,} images of val/ are training images too",) if val else ()
        return _tree(classes, train + val, by_part["test"], (*notes, *joined))
    if val:
        return _tree(classes, train, val, (*notes, "the images of val/ are the test part"))
    labels = _labels(train, classes)
    bits = generator(0, "images", "test part").bit_generator
    chosen = set(stratified(labels, len(classes), max(1, len(train) // TEST_SHARE), bits).tolist())
    said = f"no test part is published: a fixed, stratified fifth ({len(chosen):,} images) is it"
    return _tree(
        classes,
        [one for index, one in enumerate(train) if index not in chosen],
        [one for index, one in enumerate(train) if index in chosen],
        (*notes, said),
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
    classes: tuple[str, ...], train: list[Placed], test: list[Placed], notes: tuple[str, ...]
) -> Tree:
    parts: dict[Part, list[Placed]] = {"train": train, "test": test}
    return Tree(
        classes=classes,
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


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
