"""Where a data set lies: the places looked at, in order, and what to do if it is in none of them.

A name is looked for in `$HEADSTART_DATA/<name>`, in the user's cache (where `headstart data fetch`
puts it), among the system's packages of data sets, and in headstart itself. A path is taken as it
is: a folder with files named as MNIST's, of which nothing else is known.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import DataError, known_names, nearest
from headstart.core.files import cache_folder
from headstart.data.catalogue import KNOWN, PARTS, STEMS, KnownSet, Part
from headstart.data.faults import fault
from headstart.data.idx import SUFFIXES

SYSTEM_FOLDER = Path("/usr/share/datasets")
PACKAGE_FOLDER = Path(__file__).parent / "mini"

Files = Mapping[Part, tuple[Path, Path]]
"""The files with images and with labels of each part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place looked at and what was seen there."""

    what: str
    folder: Path | None
    seen: str

    def __str__(self) -> str:
        return f"{self.what}{f' ({self.folder})' if self.folder else ''}: {self.seen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A data set's files. `known` is None for a user's own folder, which has no checksums."""

    dataset: str
    folder: Path
    files: Files
    known: KnownSet | None
    looked: tuple[Place, ...]


def where(name: str) -> Found:
    """Where the data set `name`, or the folder at the path `name`, lies.

    Raises:
        DataError: the name is not known, or the files are in none of the places.
    """
    if is_path(name):
        return in_folder(name, Path(os.path.expanduser(name)).absolute())
    known = known_set(name)
    looked: list[Place] = []
    for what, folder in _places(name):
        files, seen = _look(folder)
        looked.append(Place(what=what, folder=folder, seen=seen))
        if files and folder:
            return Found(
                dataset=name, folder=folder, files=files, known=known, looked=tuple(looked)
            )
    raise _missing(known, looked)


def in_folder(dataset: str, folder: Path, known: KnownSet | None = None) -> Found:
    """The data set in one folder, looked for nowhere else.

    Raises:
        DataError: the folder does not hold the four files.
    """
    files, seen = _look(folder)
    if not files:
        raise fault(
            f"data set '{dataset}'",
            f"{folder}: {seen}.",
            f"Expected {_stem_list()}, each plain, .gz or .xz.",
            "Check the path; a known data set goes by its name alone. " + known_names(KNOWN),
        )
    place = Place(what="the path given", folder=folder, seen=seen)
    return Found(dataset=dataset, folder=folder, files=files, known=known, looked=(place,))


def is_path(text: str) -> bool:
    """Whether a study means a folder by `text`, and not a known data set.

    A known name stays a name even where a folder of that name happens to lie in the current
    folder; `./name` means the folder.
    """
    if text in KNOWN:
        return False
    separators = [separator for separator in (os.sep, os.altsep, "/") if separator]
    return (
        text.startswith((".", "~"))
        or any(separator in text for separator in separators)
        or os.path.isdir(text)
    )


def known_set(name: str) -> KnownSet:
    """The entry of the catalogue for `name`.

    Raises:
        DataError: there is none.
    """
    if name in KNOWN:
        return KNOWN[name]
    raise fault(
        "",
        f"data set '{name}' is not known.",
        f"{known_names(KNOWN)} A path to a folder of idx files is written with a '/': './{name}'.",
        nearest(name, KNOWN),
    )


def fetched_folder(name: str) -> Path:
    """Where `headstart data fetch` puts a data set."""
    return cache_folder() / "data" / name


def _places(name: str) -> list[tuple[str, Path | None]]:
    given = os.environ.get("HEADSTART_DATA")
    return [
        ("$HEADSTART_DATA", Path(os.path.expanduser(given)) / name if given else None),
        ("the cache", fetched_folder(name)),
        ("the system's data sets", SYSTEM_FOLDER / name),
        ("headstart itself", PACKAGE_FOLDER / name),
    ]


def _look(folder: Path | None) -> tuple[Files | None, str]:
    """The files in `folder`, if all four are there, and in words what was seen."""
    if folder is None:
        return None, "is not set"
    try:
        return _look_inside(folder)
    except OSError as error:
        return None, f"cannot be looked at: {error.strerror or error}"


def _look_inside(folder: Path) -> tuple[Files | None, str]:
    if not folder.is_dir():
        return None, "is not a folder" if folder.exists() else "no such folder"
    stems = [stem for part in PARTS for stem in STEMS[part]]
    paths = {stem: _file(folder, stem) for stem in stems}
    missing = [stem for stem in stems if paths[stem] is None]
    if missing:
        return None, f"has no {', no '.join(missing)}"
    found = {stem: path for stem, path in paths.items() if path is not None}
    return {part: (found[STEMS[part][0]], found[STEMS[part][1]]) for part in PARTS}, "found"


def _file(folder: Path, stem: str) -> Path | None:
    """The file of that name, with any suffix; the dotted spelling of some archives counts too."""
    for spelling in (stem, stem.replace("-idx", ".idx")):
        for suffix in SUFFIXES:
            path = folder / f"{spelling}{suffix}"
            if path.is_file():
                return path
    return None


def _stem_list() -> str:
    return ", ".join(stem for part in PARTS for stem in STEMS[part])


def _missing(known: KnownSet, looked: list[Place]) -> DataError:
    """An error that lists every place looked at and every command that helps."""
    name = known.name
    lines = [f"data set '{name}' was not found. Looked in:"]
    lines += [f"  - {place}" for place in looked]
    lines.append("To get it, do one of:")
    if known.mirrors:
        lines.append(f"  - headstart data fetch {name}    (about {known.megabytes} MB)")
    lines.append(
        f"  - export HEADSTART_DATA=FOLDER    where FOLDER/{name}/ holds {_stem_list()} "
        "(plain, .gz or .xz)"
    )
    if known.system_package:
        lines.append(f"  - apt install {known.system_package}")
    if known.mini:
        lines.append(f"  - use '{known.mini}' instead, which ships with headstart")
    if not known.mirrors:
        lines.append("  - install headstart again: this data set is part of it")
    return DataError("\n".join(lines))
