"""Which folders of a tree are parts and which are classes, by their names and depth alone.

Parts go by their usual names in any case, and may be packed once more, as in
seg_train/seg_train/CLASS/image.jpg.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import DataError
from headstart.core.names import few
from headstart.data.errors import fault
from headstart.data.formats.left_out import left_out

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
LAYOUT = "Expected train/CLASS/* and test/CLASS/*, or CLASS/*."
_LINES, _FOLDERS = 6, 4  # shown of a tree, and of a line of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where an image file lies.

    `part` is a value of PART_NAMES and `place` the folder that is this part, both empty where there
    are no parts; `folder` is that of its class, with all above it.
    """

    name: str
    part: str
    place: str
    folder: str

    @property
    def label(self) -> str:
        """Name of the class."""
        return self.folder.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """Images by their paths, and what was made of the folders.

    `root` is the folder around everything. `parts` are the top folders below it that are parts,
    and `places` the folders that hold those of classes, with the part of each. Folders are empty
    or end in '/'.
    """

    where: Path
    images: Sequence[str]
    root: str
    parts: Mapping[str, str]
    places: Mapping[str, str]


def spots_of(
    where: Path, images: Sequence[str], others: Sequence[str], folders: frozenset[str]
) -> list[Spot]:
    """The part and the class folder of every image.

    Args:
        where: the data set, for errors.
        images: paths of image files, parts joined by '/'.
        others: paths of all other files.
        folders: every folder there is.

    Raises:
        DataError: an image lies outside any class, a class has no images, or folders that are
            named like parts hold no classes.
    """
    tree = _understood(where, images)
    if tree.parts and "train" not in tree.parts.values():
        raise _no_training(tree)
    spots, strays = [], []
    for name in images:
        folder = name.rpartition("/")[0]
        part = tree.places.get(_above(folder)) if folder else None
        if part is None:
            strays.append(name)
        else:
            place = _above(folder) if part else ""
            spots.append(Spot(name=name, part=part, place=place, folder=folder))
    if spots and not tree.parts and _like_parts({spot.label for spot in spots}):
        raise _no_classes(tree)
    if strays:
        raise _outside(tree, strays)
    _check_empty(tree, spots, others, folders)
    return spots


def parts_by_folder(images: Sequence[str]) -> list[str]:
    """The part that each image lies in, by its top folder; empty where it lies in none.

    Folders of classes are not needed. There are no parts where not two different ones are found: a
    class may be called 'train' too.

    Args:
        images: paths of image files, parts joined by '/'.
    """
    root = _root(images)
    tops = [name[len(root) :].partition("/") for name in images]
    parts = {top: _part_in(top) for top, slash, _ in tops if slash}
    several = len({part for part in parts.values() if part}) > 1
    return [parts.get(top, "") if several and slash else "" for top, slash, _ in tops]


def _understood(where: Path, images: Sequence[str]) -> _Tree:
    root = _root(images)
    parts = _part_folders([name[len(root) :] for name in images])
    places = {root: ""}
    if parts:
        places = {_packed(images, f"{root}{top}/"): part for top, part in parts.items()}
    return _Tree(where=where, images=images, root=root, parts=parts, places=places)


def _root(images: Sequence[str]) -> str:
    """The folder around everything, which many archives have."""
    tops = {name.partition("/")[0] for name in images}
    deep = all(name.count("/") >= 2 for name in images)
    if len(tops) == 1 and deep and not _is_part(top := tops.pop()):
        return f"{top}/{_root([name[len(top) + 1 :] for name in images])}"
    return ""


def _packed(images: Sequence[str], folder: str) -> str:
    """The folder that holds the classes of a part: itself, or the only one in it that is deeper."""
    inside = [name[len(folder) :] for name in images if name.startswith(folder)]
    tops = {name.partition("/")[0] for name in inside}
    if len(tops) == 1 and all(name.count("/") >= 2 for name in inside):
        return f"{folder}{tops.pop()}/"
    return folder


def _part_folders(inside: Sequence[str]) -> dict[str, str]:
    """The part that each top folder is, of those that are parts: of folders with images.

    A class may be called 'train' too: a part is a folder with folders of images. Longer names that
    hold such a word (seg_train) count beside a plain one, or where all folders are several parts.
    """
    tops = {name.partition("/")[0] for name in inside if "/" in name}
    deep = {name.partition("/")[0] for name in inside if name.count("/") >= 2}
    found = {top: part for top in sorted(deep) if (part := _part_in(top))}
    plain = any(map(_is_part, found))
    return found if plain or (found.keys() == tops and len(set(found.values())) > 1) else {}


def _is_part(folder: str) -> bool:
    """Whether a folder is called like a part and no more than that."""
    return folder.lower() in PART_NAMES


def _part_in(folder: str) -> str:
    """The part whose name is, or is a word of, a folder's name; empty where there is none."""
    words = re.split(r"[^a-z]+", folder.lower())
    found = {PART_NAMES[word] for word in words if word in PART_NAMES}
    return found.pop() if len(found) == 1 else ""


def _above(folder: str) -> str:
    """The folder that a folder lies in, empty or ending in '/'."""
    above = folder.rpartition("/")[0]
    return f"{above}/" if above else ""


def _like_parts(folders: set[str]) -> bool:
    """Whether folders of images are parts without classes, and no classes themselves.

    One class may be called 'train', or 'steam train' beside 'bullet train'.
    """
    parts = {_part_in(folder) for folder in folders}
    plain = {PART_NAMES[folder.lower()] for folder in folders if _is_part(folder)}
    return (
        all(map(_is_part, folders))
        or (all(parts) and "train" in parts and len(parts) > 1)
        or ("train" in plain and len(plain) > 1)
    )


def _no_classes(tree: _Tree) -> DataError:
    return fault(
        tree.where,
        f"its folders are named like parts, but hold images and no classes.{_seen(tree)}",
        LAYOUT,
        "Put the images of each class into a folder of its name, such as train/CLASS/; or give the "
        'table of their labels: labels = "labels.csv" in the task.',
    )


def _no_training(tree: _Tree) -> DataError:
    names = ", ".join(f"{top}/" for top in tree.parts)
    first = tree.where / f"{tree.root}{next(iter(tree.parts))}"
    return fault(
        tree.where,
        f"has {names}, but no training images.{_seen(tree)}",
        LAYOUT,
        f"Add the training images as train/, or give {first} as the data set.",
    )


def _outside(tree: _Tree, strays: Sequence[str]) -> DataError:
    return fault(
        tree.where,
        f"{len(strays):,} image file{'s lie' if len(strays) > 1 else ' lies'} outside any class "
        f"folder: {few(strays)}.{_seen(tree)}",
        LAYOUT,
        _way_in(tree, strays),
    )


def _way_in(tree: _Tree, strays: Sequence[str]) -> str:
    """What to do about images outside any class."""
    below = [name[len(tree.root) :] for name in strays]
    tops = sorted({name.partition("/")[0] for name in below if "/" in name})
    if tree.parts and all("/" in name for name in below):
        unknown = [f"{top}/" for top in tops if not _part_in(top)]
        if len(unknown) == len(tops):
            return (
                f"{few(unknown)}: no part is called so. Parts are train, val and test (training, "
                "validation, dev, testing, eval): rename it, or move it out of the data set."
            )
        training = next(top for top, part in tree.parts.items() if part == "train")
        if not unknown and training not in tops:
            return (
                "Images without a class can be neither trained on nor tested with. To leave them "
                f"where they are, give {tree.where / f'{tree.root}{training}'} as the data set."
            )
    return (
        "Move them into the folder of their class, or out of the data set; or give the table of "
        'their labels: labels = "labels.csv" in the task.'
    )


def _seen(tree: _Tree) -> str:
    """The folders with their numbers of images, in lines of an error."""
    numbers = Counter(name.rpartition("/")[0] for name in tree.images)
    lines: dict[str, list[str]] = defaultdict(list)
    for folder, number in sorted(numbers.items()):
        above = _above(folder) if folder else ""
        name = f"{folder.rpartition('/')[2]}/ " if folder else "images "
        lines[above or "./"].append(f"{name}{number:,}")
    shown = [f"{above}: {few(inside, _FOLDERS)}" for above, inside in list(lines.items())[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"and {len(lines) - _LINES:,} more folders")
    return "\n     Seen, with numbers of images:" + "".join(f"\n       {line}" for line in shown)


def _check_empty(
    tree: _Tree, spots: Sequence[Spot], others: Sequence[str], folders: frozenset[str]
) -> None:
    """A class folder without images is more likely a slip than a wish."""
    filled = set()
    for folder in {spot.folder for spot in spots}:
        while folder:
            filled.add(folder)
            folder = folder.rpartition("/")[0]
    empty = [
        f"{folder}/"
        for folder in sorted(folders - filled)
        if _above(folder) in tree.places
        or (tree.parts and _above(folder) == tree.root and _part_in(folder.rpartition("/")[2]))
    ]
    if not empty:
        return
    there = left_out((name for name in others if name.startswith(tuple(empty))), "")
    files = ", ".join(f"{entry.number:,} {entry.suffix or 'without suffix'}" for entry in there)
    raise fault(
        tree.where,
        f"{few(empty)} {'hold' if len(empty) > 1 else 'holds'} no images"
        f"{f' (but other files: {files})' if files else ''}.",
        "Expected images in the folder of every class.",
        "Put them there, or move the folder out of the data set.",
    )
