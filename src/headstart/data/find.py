"""Search for a data set: the places, in order, and what to do if it is in none of them.

A name is looked for in `$HEADSTART_DATA/<name>`, in the user's cache (where `headstart data fetch`
puts it), among the system's packages of data sets, and in headstart itself. A path is taken as it
is: a folder or an archive in any of the layouts, of which nothing else is known.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import DataError, known_names, nearest
from headstart.core.files import cache_folder, path_of
from headstart.core.printable import printable_name
from headstart.data.catalogue import KNOWN, LAYOUTS, KnownSet, Layout
from headstart.data.errors import fault
from headstart.data.formats.layouts import EXPECTED, Files, look
from headstart.study.archives import is_archive
from headstart.study.labels import TABLE_SUFFIXES

DRIVE = re.compile(r"[A-Za-z]:[\\/]")
SYSTEM_FOLDER = Path("/usr/share/datasets")
PACKAGE_FOLDER = Path(__file__).parent / "mini"


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
    """A data set's files. `known` is None for a user's own data, which has no checksums."""

    dataset: str
    path: Path  # the folder or the archive
    layout: Layout
    files: Files
    known: KnownSet | None
    record_look: tuple[Place, ...]


def where(name: str) -> Found:
    """Where the data set `name`, or what lies at the path `name`, is to be read from.

    Raises:
        DataError: the name is not known, or the files are in none of the places.
    """
    _check_text(name)
    if is_path(name):
        return in_folder(name, local_path(name))
    known = known_set(name)
    record_look: list[Place] = []
    for what, folder in _places(name):
        held, seen = look(folder, known.layouts)
        record_look.append(Place(what=what, folder=folder, seen=seen))
        if held:
            return Found(
                dataset=name,
                path=held.path,
                layout=held.layout,
                files=held.files,
                known=known,
                record_look=tuple(record_look),
            )
    raise _missing(known, record_look)


def _check_text(name: str) -> None:
    """Refuse what no path is and what backslashes come to in TOML.

    Raises:
        DataError: the name is no text, has control characters, or is a path on a drive of Windows
            elsewhere.
    """
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise fault(
            "",
            f"data set '{printable_name(name)}' has a name that is not UTF-8.",
            fix="Rename it: a study is text, and names it.",
        )
    if printable_name(name) != name:
        raise fault(
            "",
            f"data set '{printable_name(name)}' has characters that no path needs.",
            "In TOML a backslash in double quotes begins an escape: \\n is the end of a line.",
            "Write the path with '/' or in single quotes.",
        )
    if os.name != "nt" and DRIVE.match(name):
        raise fault(
            "",
            f"data set '{name}' is a path on a drive of Windows, which this system does not have.",
            fix="Write the path as it is here, such as './photos'.",
        )


def local_path(text: str) -> Path:
    """The path that a study means, also one that was written on Windows.

    There, folders are separated by a backslash; elsewhere it may be part of a name.
    """
    path = path_of(os.path.expanduser(text)).absolute()
    if os.sep == "/" and "\\" in text and not os.path.exists(path):
        return path_of(os.path.expanduser(text.replace("\\", "/"))).absolute()
    return path


def in_folder(dataset: str, folder: Path, known: KnownSet | None = None) -> Found:
    """The data set in one folder or archive, looked for nowhere else.

    Raises:
        DataError: it does not hold a data set.
    """
    layouts = known.layouts if known else LAYOUTS
    held, seen = look(folder, layouts)
    if not folder.exists():
        raise fault(
            f"data set '{dataset}'",
            f"{folder}: {seen}.",
            "A relative path is from the folder of the study file, and on the command line from "
            "the current folder.",
            _beside(folder) or "Check the path; a known data set goes by its name alone.",
        )
    if not held:
        raise fault(
            f"data set '{dataset}'",
            f"{folder}: {seen}.",
            f"Expected {'; or '.join(EXPECTED[layout] for layout in layouts)}.",
            "Arrays of another kind go into an .npz: np.savez('set.npz', x_train=..., y_train=..., "
            "x_test=..., y_test=...). A known data set goes by its name alone. "
            + known_names(KNOWN),
        )
    place = Place(what="the path given", folder=folder, seen=seen)
    return Found(
        dataset=dataset,
        path=held.path,
        layout=held.layout,
        files=held.files,
        known=known,
        record_look=(place,),
    )


def _beside(missing: Path) -> str:
    """A sentence that suggests what lies where a path leads to nothing, by its name."""
    try:
        names = [path.name for path in missing.parent.iterdir()]
    except OSError:
        return ""
    return nearest(missing.name, names)


def is_path(text: str) -> bool:
    """Whether a study means a folder or a file by `text`, and not a known data set.

    A known name stays a name even where a folder of that name happens to lie in the current
    folder; `./name` means the folder.
    """
    if text in KNOWN:
        return False
    return (
        text.startswith((".", "~"))
        or "/" in text
        or "\\" in text  # Windows
        or text.lower().endswith(".npz")
        or is_archive(text)
        or text.lower().endswith(TABLE_SUFFIXES)
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
        f"{known_names(KNOWN)} A path to data of your own is written with a '/': './{name}'.",
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


def _missing(known: KnownSet, record_look: list[Place]) -> DataError:
    """An error that lists every place looked at and every command that helps."""
    name = known.name
    lines = [f"data set '{name}' was not found. Looked in:"]
    lines += [f"  - {place}" for place in record_look]
    lines.append("To get it, do one of:")
    if known.mirrors:
        lines.append(f"  - headstart data fetch {name}    (about {known.megabytes} MB)")
    held = "; or ".join(EXPECTED[layout] for layout in known.layouts)
    lines.append(f"  - export HEADSTART_DATA=FOLDER    where FOLDER/{name}/ holds {held}")
    if known.system_package:
        lines.append(f"  - apt install {known.system_package}")
    if known.mini:
        lines.append(f"  - use '{known.mini}' instead, which ships with headstart")
    if known.by_hand:
        lines.append(f"  - put {known.by_hand} into {fetched_folder(name)}")
    elif not known.mirrors:
        lines.append("  - install headstart again: this data set is part of it")
    return DataError("\n".join(lines))
