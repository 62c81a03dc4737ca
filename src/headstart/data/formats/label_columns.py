"""Which column of a table of labels says what, by their headers and by what is in them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import known_names, nearest
from headstart.data.errors import fault
from headstart.data.formats.label_files import FileFinder, FileIndex
from headstart.data.formats.table_text import Row
from headstart.data.formats.tree_layout import PART_NAMES
from headstart.study.labels import LabelTable

IMAGE = (
    "image", "images", "image_path", "img_path", "filepath", "file_path", "path", "paths",
    "filename", "file_name", "image_name", "img_name", "image_file", "file", "img", "photo",
    "picture", "image_id", "img_id", "isic_id", "id_code", "imageid", "id", "name", "uri",
)  # fmt: skip
LABEL = (
    "label", "labels", "class", "classes", "class_name", "classname", "label_name", "category",
    "category_name", "target", "diagnosis", "dx", "species", "breed", "class_id", "category_id",
    "label_id", "kind", "type", "variety", "y",
)  # fmt: skip
PART = ("part", "split", "partition")
PERHAPS_PART = ("set", "subset", "dataset", "data_set", "usage", "phase", "stage")
GROUP = (
    "group", "group_id", "patient", "patient_id", "patientid", "subject", "subject_id",
    "participant", "participant_id", "person", "person_id", "pid", "case_id", "lesion_id",
    "study_id", "session", "session_id", "video", "video_id", "clip", "clip_id", "sequence",
    "sequence_id", "seq_id", "burst", "burst_id", "scene", "scene_id", "site", "site_id",
    "location", "camera", "camera_id", "hospital", "hospital_id", "slide", "slide_id",
    "photographer", "photographer_id", "observer", "observer_id", "specimen", "specimen_id",
)  # fmt: skip
"""Headers that people use, in lower case with '_' between words; the earlier one comes first.

A column of `PERHAPS_PART` is that of parts only where its cells are.
"""

ONE_HOT = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
HOW = 'Name the columns in the task: `labels = { file = "labels.csv", label = "..." }`.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table understood: its rows without the header, and positions of the columns.

    `label` are several columns where there is one for each class, with a 1 at the image's own.
    """

    names: tuple[str, ...]  # of all columns; empty where there is no header
    rows: tuple[Row, ...]
    finder: FileFinder  # of the files that the cells of `image` name
    image: int
    label: tuple[int, ...]
    part: int | None
    groups: tuple[int, ...]  # columns whose headers are those of groups

    @property
    def text(self) -> str:
        """What each column was taken for, and which are not used."""
        if not self.names:
            return "without a header, its columns are image and label"
        used = [f"image '{self.names[self.image]}'"]
        one_hot = len(self.label) > 1
        used.append(
            f"label one of {len(self.label)} columns"
            if one_hot
            else f"label '{self.names[self.label[0]]}'"
        )
        if self.part is not None:
            used.append(f"part '{self.names[self.part]}'")
        used += [f"group '{self.names[at]}'" for at in self.groups]
        taken = {self.image, *self.label, self.part, *self.groups}
        others = [f"'{name}'" for at, name in enumerate(self.names) if at not in taken]
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        unused = f"; not used: {', '.join(others[:5])}{more}" if others else ""
        return f"columns {', '.join(used)}{unused}"

    def labels(self, row: Row) -> tuple[str, ...]:
        """The labels of a row: one, unless it is at fault."""
        if len(self.label) == 1:
            cell = row.cells[self.label[0]]
            return (cell,) if cell else ()
        return tuple(
            self.names[at] for at in self.label if ONE_HOT.get(row.cells[at].lower(), False)
        )

    def said(self, row: Row) -> tuple[str, ...]:
        """Label, part and groups of a row, as it says them; empty where it says none."""
        part = "" if self.part is None else row.cells[self.part]
        return ", ".join(self.labels(row)), part, *(row.cells[at] for at in self.groups)


def columns_of(
    where: Path | str, table: Sequence[Row], spec: LabelTable, index: FileIndex
) -> Columns:
    """The columns of a table, of which the first row may be a header.

    Raises:
        DataError: no column names image files, or none or several can be the label.
    """
    first, below = table[0].cells, tuple(table[1:])
    image = _image(where, first, below or table, spec, index)
    finder = FileFinder(index, (row.cells[image] for row in below))
    headed = not finder.find(first[image])
    names, rows = (first, below) if headed else ((), tuple(table))
    if not rows:
        raise fault(where, "holds a header and nothing else.", "Expected a row for each image.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise fault(where, f"has two columns '{twice[0]}'.", "Expected distinct headers.")
    part = _part(where, names, rows, spec, image)
    groups = [at for at in _known(names, GROUP) if at not in (image, part)]
    label = _label(where, names, rows, spec, {image, part}, groups)
    return Columns(
        names=names,
        rows=rows,
        finder=FileFinder(index, (row.cells[image] for row in rows)),
        image=image,
        label=label,
        part=part,
        groups=tuple(at for at in groups if at not in label),
    )


def _image(
    where: Path | str, first: Sequence[str], rows: Sequence[Row], spec: LabelTable, index: FileIndex
) -> int:
    """The column that names files: the one that is said to, or the one whose cells mostly do."""
    given = _given(where, first, spec.image, "image")
    if given is not None:
        return given
    known = _known(first, IMAGE)
    for candidates in (known, [at for at in range(len(first)) if at not in known]):
        found = {}
        for at in candidates:
            finder = FileFinder(index, (row.cells[at] for row in rows))
            found[at] = sum(bool(finder.find(row.cells[at])) for row in rows)
        best = max(found, key=found.__getitem__, default=None)
        if best is not None and found[best]:
            return best
    raise fault(
        where,
        f"no column names image files of the data set: {_listed(first)}, and then "
        f"{_listed(rows[0].cells)}.",
        "Expected paths below the folder of the images, or names of files with or without suffix.",
        "Give the folder of the images as the data set and the table as its labels: "
        'dataset = "./photos", labels = "labels.csv".',
    )


def _part(
    where: Path | str, names: Sequence[str], rows: Sequence[Row], spec: LabelTable, image: int
) -> int | None:
    given = _given(where, names, spec.part, "part")
    if given is not None:
        return given
    perhaps = [
        at
        for at in _known(names, PERHAPS_PART)
        if any(row.cells[at].lower() in PART_NAMES for row in rows)
    ]
    return next((at for at in (*_known(names, PART), *perhaps) if at != image), None)


def _label(
    where: Path | str,
    names: Sequence[str],
    rows: Sequence[Row],
    spec: LabelTable,
    taken: set[int | None],
    groups: Sequence[int],
) -> tuple[int, ...]:
    given = _given(where, names, spec.label, "label")
    if given is not None:
        return (given,)
    rest = [at for at in range(len(rows[0].cells)) if at not in taken]
    if not names:
        if len(rest) == 1:
            return tuple(rest)
        raise fault(
            where,
            f"has no header and {len(rows[0].cells)} columns.",
            "Expected a header, or two columns: image and label.",
            "Write a header as its first line, such as image,label.",
        )
    known = [at for at in _known(names, LABEL) if at not in taken]
    others = [at for at in rest if at not in groups and _says_something(names[at], rows, at)]
    if not known:
        hot = [at for at in others if _is_one_hot(rows, at)]
        if len(hot) > 1:
            return tuple(hot)
        known = others if len(others) == 1 else []
    if len(known) > 1 and _same_classes(rows, known):
        words = [at for at in known if not _is_numbers(rows, at)]
        known = (words or known)[:1]
    if len(known) == 1:
        return tuple(known)
    which = "several columns can be the label" if known else "no column is called label"
    raise fault(
        where,
        f"{which}: {_listed([names[at] for at in known or rest])}.",
        "Expected one column of labels, or one column of 0 and 1 for each class.",
        HOW,
    )


def _given(where: Path | str, names: Sequence[str], name: str | None, what: str) -> int | None:
    """Position of a column that the study names."""
    if name is None:
        return None
    found = _position(names, name)
    if found is None:
        raise fault(
            where,
            f"has no column '{name}', which is to be its {what}.",
            known_names(names),
            nearest(name, names),
        )
    return found


def _position(names: Sequence[str], name: str) -> int | None:
    if name in names:
        return names.index(name)
    plain = [_plain(one) for one in names]
    return plain.index(_plain(name)) if plain.count(_plain(name)) == 1 else None


def _known(names: Sequence[str], headers: Sequence[str]) -> list[int]:
    """Columns with one of some headers, in the order of these."""
    plain = {_plain(name): at for at, name in reversed(list(enumerate(names)))}
    return [plain[header] for header in headers if header in plain]


def _plain(name: str) -> str:
    """A header in lower case, with '_' between its words: `Image ID`, `imageId` are `image_id`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", apart).strip("_").lower()


def _says_something(name: str, rows: Iterable[Row], at: int) -> bool:
    """Whether a column is more than the numbers of rows that a frame is saved with, or nothing."""
    numbers = not name or name.startswith("Unnamed")
    return not numbers and any(row.cells[at] for row in rows)


def _is_one_hot(rows: Iterable[Row], at: int) -> bool:
    return all(row.cells[at].lower() in ONE_HOT for row in rows)


def _is_numbers(rows: Iterable[Row], at: int) -> bool:
    return all(NUMBER.fullmatch(row.cells[at]) for row in rows if row.cells[at])


def _same_classes(rows: Sequence[Row], columns: Sequence[int]) -> bool:
    """Whether columns name the same classes in other words: numbers, and what they stand for."""
    met = {tuple(row.cells[at] for at in columns) for row in rows}
    return all(len({one[at] for one in met}) == len(met) for at in range(len(columns)))


def _listed(names: Iterable[str]) -> str:
    shown = [f"'{name}'" for name in names]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
