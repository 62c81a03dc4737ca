"""Image files as a data set: their paths tell part and class.

    train/CLASS/image.jpg and test/CLASS/image.jpg    published parts
    train/CLASS/image.jpg and val/CLASS/image.jpg     val/ is the test part
    CLASS/image.jpg                                   about a fifth is dealt as the test part

Beside test/, the images of val/ follow those of train/. Classes are sorted by name. Files have no
published order, and sorted by name they would come class by class, so that the first thousand of
them were of one class: they are sorted by the SHA-256 of "CLASS/file", which mixes the classes and
is the same on every machine.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from headstart.data.catalogue import Part
from headstart.data.errors import fault
from headstart.data.formats.archives import Listing
from headstart.data.formats.file_kinds import is_read, read_suffixes
from headstart.data.formats.tree_layout import LAYOUT, spots_of
from headstart.data.formats.unread import passed_over
from headstart.study.dataset_facts import LeftOut

NO_IMAGES = "no image files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An image file: where it lies, its part and its class.

    `below` is its path below its part, in one spelling whatever the root and the file system.
    """

    name: str
    part: str  # train, val or test; empty where there are no parts
    label: str
    below: str

    @property
    def path(self) -> str:
        """Its path below the root."""
        return f"{self.part}/{self.below}"

    @property
    def rank(self) -> bytes:
        """Sort key of images."""
        return hashlib.sha256(self.below.encode(errors="surrogateescape")).digest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """The image files of each part in order; those of the test part are none if none is published.

    `test_from` says where the test part came from, `notes` what else became of the files.
    """

    classes: tuple[str, ...]
    parts: Mapping[Part, list[Placed]]
    test_from: str
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> Mapping[Part, list[str]]:
        """The files of each part."""
        return {part: [one.name for one in placed] for part, placed in self.parts.items()}

    @property
    def labels(self) -> Mapping[Part, np.ndarray]:
        """Positions of their classes, int64 (n,)."""
        index = {label: number for number, label in enumerate(self.classes)}
        return {
            part: np.array([index[one.label] for one in placed], dtype=np.int64)
            for part, placed in self.parts.items()
        }


def tree_of(where: Path, listing: Listing) -> Tree:
    """Parts, classes and order of the images in a listing.

    Raises:
        DataError: an image lies outside any class, a class is empty or in one part only, or there
            are fewer than two.
    """
    images = [name for name in listing.files if is_read(name)]
    if not images:
        raise fault(
            where,
            f"holds no image files (of {len(listing.files):,} files).",
            f"{LAYOUT} Image files end in {', '.join(read_suffixes())}.",
        )
    others = sorted(listing.files.keys() - set(images))
    spots = spots_of(where, images, others, listing.folders)
    placed = [
        Placed(
            name=spot.name,
            part=spot.part,
            label=_spelled(spot.label),
            below=f"{_spelled(spot.label)}/{_spelled(spot.name)}",
        )
        for spot in spots
    ]
    tree = parted(where, placed, passed_over(others, NO_IMAGES))
    places = sorted({spot.place for spot in spots if f"{spot.part}/" == tree.test_from})
    return replace(tree, test_from=", ".join(places) or tree.test_from)


def parted(
    where: Path, placed: list[Placed], others: tuple[LeftOut, ...], named: str = "{}/"
) -> Tree:
    """Image files in the parts that are published.

    Args:
        where: the data set, for errors.
        placed: the files.
        others: files that are none of them.
        named: how a part is called in a sentence.

    Raises:
        DataError: a class is in one part only, or there are fewer than two.
    """
    placed = sorted(placed, key=lambda one: (one.rank, one.name))
    by_part = {part: [one for one in placed if one.part == part] for part in ("train", "test")}
    val = [one for one in placed if one.part == "val"]
    train = by_part["train"] or [one for one in placed if not one.part]
    classes = tuple(sorted({one.label for one in train}))
    _check_classes(where, classes, by_part["test"], val, named)
    if by_part["test"] and val:
        joined = f"the {len(val):,} images of {named.format('val')} are training images too"
        parts: dict[Part, list[Placed]] = {"train": train + val, "test": by_part["test"]}
        return Tree(
            classes=classes,
            parts=parts,
            test_from=named.format("test"),
            left_out=others,
            notes=(joined,),
        )
    test = by_part["test"] or val
    test_from = named.format(test[0].part) if test else ""
    return Tree(
        classes=classes,
        parts={"train": train, "test": test},
        test_from=test_from,
        left_out=others,
    )


def _check_classes(
    where: Path, classes: tuple[str, ...], test: list[Placed], val: list[Placed], named: str
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
        train, other = named.format("train"), named.format(part)
        faults = [f"'{label}' is in {other}, but not in {train}" for label in labels - set(classes)]
        faults += [f"'{label}' is in {train}, but not in {other}" for label in missing]
        if labels and faults:
            raise fault(
                where,
                f"class {'; class '.join(sorted(faults)[:6])}{' ...' if len(faults) > 6 else ''}.",
                "Expected the same classes in both.",
                "Check the spelling of the folders, upper and lower case included.",
            )


def _spelled(name: str) -> str:
    """One spelling of accents, whatever the file system made of them; of a path, the file."""
    return unicodedata.normalize("NFC", name.rpartition("/")[2])
