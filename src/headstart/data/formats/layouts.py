"""Layout of a data set in a folder or file, recognised by names alone; nothing is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.core.files import special_kind
from headstart.core.names import few, natural_order
from headstart.data.catalogue import (
    BATCHES,
    BATCHES_ARCHIVE,
    BATCHES_FOLDER,
    BATCHES_META,
    LAYOUTS,
    PARTS,
    STEMS,
    Layout,
    Part,
)
from headstart.data.formats.file_kinds import is_read
from headstart.data.formats.idx import SUFFIXES
from headstart.data.formats.tar_archive import first_names
from headstart.study.archives import ARCHIVES, TARS, is_archive
from headstart.study.labels import TABLE_SUFFIXES

Files = Mapping[Part, tuple[Path, ...]]
"""What each part is read from: idx images and labels, batches and their meta file, or one folder
or archive that holds both parts."""

STEM_LIST = ", ".join(stem for part in PARTS for stem in STEMS[part])
EXPECTED: Mapping[Layout, str] = {
    "idx": f"{STEM_LIST} (plain, .gz or .xz)",
    "batches": f"{BATCHES_ARCHIVE} or {BATCHES_FOLDER}/",
    "images": "image files as train/CLASS/*.jpg and test/CLASS/*.jpg, or as CLASS/*.jpg, "
    "in folders or in one .zip or tar archive; or a table of their labels (.csv, .tsv)",
    "npz": "one .npz with the arrays x_train, y_train, x_test, y_test",
}
"""What a place may hold, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A layout that was found, and the folder or file to name when it is spoken of."""

    layout: Layout
    path: Path
    files: Files


def look(place: Path | None, layouts: Sequence[Layout] = LAYOUTS) -> tuple[Held | None, str]:
    """What `place` holds in one of `layouts`, and in words what was seen."""
    if place is None:
        return None, "is not set"
    try:
        if place.is_dir():
            return _in_folder(place, layouts)
        if place.exists():
            return _as_file(place, layouts)
    except OSError as error:
        return None, f"cannot be looked at: {error.strerror or error}"
    return None, "no such file" if place.suffix else "no such folder"


def _in_folder(folder: Path, layouts: Sequence[Layout]) -> tuple[Held | None, str]:
    """The first layout that is there. One that is only begun is not passed over for another."""
    lookers = {"idx": _idx, "batches": _batches, "images": _images, "npz": _npz}
    for layout in layouts:
        held, seen = lookers[layout](folder)
        if held or seen:
            return held, seen or "found"
    if tuple(layouts) == ("idx",):
        return None, f"has no {STEM_LIST.replace(', ', ', no ')}"
    return None, f"holds none of the files looked for{_contents(folder)}"


def _contents(folder: Path) -> str:
    """What a folder holds instead, and how what is nearly right is to be named."""
    names = natural_order(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if not names:
        return ", but nothing"
    for name in names:
        if found := re.search(r"(train|test|t10k)-(images|labels)[-.]idx", name):
            part: Part = "train" if found[1] == "train" else "test"
            stem = STEMS[part][found[2] == "labels"]
            return f", but {few(names)}; rename {name} to {stem}{_packing(name)}, and so on"
    return f", but {few(names)}"


def _packing(name: str) -> str:
    """The suffix of a file that says how it is packed, if it is."""
    return next((suffix for suffix in SUFFIXES if suffix and name.endswith(suffix)), "")


def _as_file(path: Path, layouts: Sequence[Layout]) -> tuple[Held | None, str]:
    name = path.name.lower()
    if kind := special_kind(path.stat().st_mode):
        return None, f"is {kind}, not a file"
    layout: Layout | None = None
    if name.endswith(".npz"):
        layout = "npz"
    elif name.endswith(TARS) and _holds_batches(path):
        layout = "batches"
    elif is_archive(name) or name.endswith(TABLE_SUFFIXES):
        layout = "images"
    if layout is None or layout not in layouts:
        return None, "is not a folder"
    return _whole(layout, path), "found"


def _holds_batches(path: Path) -> bool:
    """Whether a tar archive is that of CIFAR-10, by its name or those of its first files."""
    batches = {BATCHES_META, *(name for part in PARTS for name in BATCHES[part])}
    return path.name == BATCHES_ARCHIVE or bool(batches & set(first_names(path)))


def _whole(layout: Layout, path: Path) -> Held:
    """Both parts in one folder or file."""
    return Held(layout=layout, path=path, files={part: (path,) for part in PARTS})


def _idx(folder: Path) -> tuple[Held | None, str]:
    stems = [stem for part in PARTS for stem in STEMS[part]]
    found = {stem: path for stem in stems if (path := _idx_file(folder, stem))}
    missing = [stem for stem in stems if stem not in found]
    if missing:
        return None, f"has no {', no '.join(missing)}" if found else ""
    files = {part: tuple(found[stem] for stem in STEMS[part]) for part in PARTS}
    return Held(layout="idx", path=folder, files=files), ""


def _idx_file(folder: Path, stem: str) -> Path | None:
    """The file of that name, with any suffix; the dotted spelling of some archives counts too."""
    for spelling in (stem, stem.replace("-idx", ".idx")):
        for suffix in SUFFIXES:
            path = folder / f"{spelling}{suffix}"
            if path.is_file():
                return path
    return None


def _batches(folder: Path) -> tuple[Held | None, str]:
    """The unpacked batches, in their own folder or in this one, else the archive."""
    archive = folder / BATCHES_ARCHIVE
    seen = ""
    for place in (folder / BATCHES_FOLDER, folder):
        files = {part: tuple(place / n for n in (*BATCHES[part], BATCHES_META)) for part in PARTS}
        paths = [path for part in PARTS for path in files[part]]
        missing = dict.fromkeys(path.name for path in paths if not path.is_file())
        if not missing:
            return Held(layout="batches", path=place, files=files), ""
        if place.name == BATCHES_FOLDER and place.is_dir():
            seen = f"{place.name} has no {', no '.join(missing)}"
    if archive.is_file():
        return _whole("batches", archive), ""
    return None, seen


def _images(folder: Path) -> tuple[Held | None, str]:
    """Folders of images, else the only archive, else images that a table may label."""
    inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__"))]
    if any(path.is_dir() and path.name != BATCHES_FOLDER for path in inside):
        return _whole("images", folder), ""
    held, seen = _only("images", ARCHIVES, folder)
    if held is None and not seen and any(is_read(path.name) for path in inside):
        return _whole("images", folder), ""
    return held, seen


def _npz(folder: Path) -> tuple[Held | None, str]:
    """The only .npz."""
    return _only("npz", (".npz",), folder)


def _only(layout: Layout, suffixes: tuple[str, ...], folder: Path) -> tuple[Held | None, str]:
    """The only file of a folder that ends in one of some suffixes; several are a fault."""
    archives = sorted(
        path.name
        for path in folder.iterdir()
        if path.name.lower().endswith(suffixes) and not path.name.startswith((".", "__"))
    )
    if len(archives) > 1:
        what = "archives" if layout == "images" else f"{suffixes[0]} files"
        return None, f"has {len(archives)} {what} ({', '.join(archives[:3])}), not one"
    return (_whole(layout, folder / archives[0]), "") if archives else (None, "")
