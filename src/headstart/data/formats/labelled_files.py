"""Image files with their parts and labels, be it by their folders or by a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from headstart.data.catalogue import PARTS, Part
from headstart.data.dealing import dealt_test, units_of
from headstart.data.errors import fault
from headstart.data.formats.archives import Source
from headstart.data.formats.file_kinds import is_read
from headstart.data.formats.image_tree import (
    NO_IMAGES,
    Placed,
    Tree,
    parted,
    tree_of,
)
from headstart.data.formats.label_place import Place, check_inside, is_table
from headstart.data.formats.label_table import labelled
from headstart.data.formats.left_out import left_out
from headstart.data.formats.table_text import listed
from headstart.data.formats.tree_layout import PART_NAMES
from headstart.data.formats.unread import passed_over, refuse_losses
from headstart.study.dataset_facts import GroupFacts
from headstart.study.labels import LabelTable
from headstart.study.tasks import Grouped

FIFTH = "about a fifth of every class, dealt by {} for no test part is published"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFiles:
    """The image files of each part, and of a table the rest of what it says of them.

    Attributes:
        tree: the files, with their labels.
        table: the table and what its columns were taken for; empty where folders are classes.
        columns: by their headers: the cell of each file by its name.
        group_columns: headers of the columns that are called like groups.
    """

    tree: Tree
    table: str = ""
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    group_columns: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[GroupFacts, ...]:
        """How many groups the columns that are called like groups make, and where they lie."""
        return tuple(self._groups(name) for name in self.group_columns)

    def _groups(self, name: str) -> GroupFacts:
        cells = self.columns[name]
        train, test = ({cells[one.name] for one in self.tree.parts[part]} - {""} for part in PARTS)
        return GroupFacts(name=name, num=len(train | test), num_crossing=len(train & test))


def labelled_files(
    place: Place, source: Source, labels: LabelTable | None, *, skip: bool
) -> LabelledFiles:
    """The image files of a data set in the parts that are published.

    Where all images lie in one folder, or in one for each part, a table among them labels them.

    Args:
        place: where they lie, and their table.
        source: the open folder or archive.
        labels: the table as the study names it.
        skip: whether to leave out rows that cannot be used.

    Raises:
        DataError: they make no data set.
    """
    if place.table is None and not place.inside:
        place = replace(place, inside=_only_table(place.root, source))
        if not place.inside:
            refuse_losses(source.path, source.listing, skip)
            return LabelledFiles(tree=tree_of(source.path, source.listing))
    check_inside(place, source)
    content = place.read(source)
    found = labelled(place.name, content, labels or LabelTable(), source.listing, skip=skip)
    taken = {one.name for one in found.placed} | {place.name_inside, *found.unlabelled}
    others = (
        *left_out(found.unlabelled, f"no row in {place.name.name}"),
        *passed_over(source.listing.files.keys() - taken, NO_IMAGES),
    )
    tree = parted(place.name, found.placed, others, "part {}")
    return LabelledFiles(
        tree=replace(tree, notes=(*tree.notes, *found.notes)),
        table=found.text,
        columns=found.columns,
        group_columns=found.groups,
    )


def _only_table(root: Path, source: Source) -> str:
    """The only table among images that lie in no folders of classes; empty where there is none."""
    files = source.listing.files
    images = [name for name in files if is_read(name)]
    folders = {name.rpartition("/")[0].rpartition("/")[2].lower() for name in images} - {""}
    if not images or (len(folders) > 1 and folders - PART_NAMES.keys()):
        return ""
    tables = sorted(name for name in files if is_table(Path(name)))
    if len(tables) > 1:
        raise fault(
            root,
            f"holds images, but no folders of classes, and {len(tables)} tables: {listed(tables)}.",
            "Expected one table of labels, or a folder for each class.",
            f'Name the table: labels = "{tables[0]}" in the task.',
        )
    return tables[0] if tables else ""


def dealt(
    where: Path,
    files: LabelledFiles,
    sha256: Mapping[str, str],
    grouped: Grouped | None,
    groups: Mapping[str, str] | None,
) -> tuple[LabelledFiles, dict[str, int] | None]:
    """The same with a test part, dealt where none is published; and the unit of each file.

    Units are what stays together; there are none where parts are published and no groups asked for.

    Args:
        where: the data set, for errors.
        files: of it, in the parts that are published.
        sha256: of each file.
        grouped: what makes the groups, if groups stay together.
        groups: the group of each file.

    Raises:
        DataError: a group lies in both of the parts that are published.
    """
    tree = files.tree
    train, test = tree.parts["train"], tree.parts["test"]
    if test and grouped is None:
        return files, None
    every = [name for part in PARTS for name in tree.names[part]]
    of_files = None if groups is None else [groups[name] for name in every]
    found = units_of([sha256[name] for name in every], of_files)
    units = dict(zip(every, found.tolist(), strict=True))
    if test:
        _check_apart(where, str(grouped and grouped.by), groups or {}, tree)
        return files, units
    held_out = dealt_test(found, tree.labels["train"]).tolist()
    if not any(held_out):
        what = "groups" if grouped else "different images"
        raise fault(
            where,
            f"no class has two {what}, so that none can be set apart to test with.",
            "Expected a test part, or several of a class to deal one from.",
        )
    parts: dict[Part, list[Placed]] = {
        "train": [one for one, out in zip(train, held_out, strict=True) if not out],
        "test": [one for one, out in zip(train, held_out, strict=True) if out],
    }
    what = f"whole groups ({grouped.by})," if grouped else "the bytes of each image,"
    return replace(files, tree=replace(tree, parts=parts, test_from=FIFTH.format(what))), units


def _check_apart(where: Path, by: str, groups: Mapping[str, str], tree: Tree) -> None:
    train, test = ({groups[one.name] for one in tree.parts[part]} for part in PARTS)
    if both := sorted(train & test):
        raise fault(
            where,
            f"{len(both):,} of {len(train | test):,} groups ({by}) have images in the training and "
            f"in the test part: {listed(both)}.",
            "Expected published parts that keep groups together.",
            "Leave split.group out to use the parts as they are, which a gate reports; or leave "
            "out the column or the folders of parts, and whole groups are dealt.",
        )
