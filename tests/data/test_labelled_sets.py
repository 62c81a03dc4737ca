"""Data sets labelled by tables: where table and images lie, their parts, groups and contents."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tiny_images import Files, picture, write_folder, write_zip
from tiny_sets import alone as alone

from headstart.core.errors import DataError
from headstart.data.datasets import facts_of, open_part
from headstart.data.tasks import test_part as part_to_test_with
from headstart.data.tasks import training_part
from headstart.study.labels import GroupPattern, LabelTable
from headstart.study.tasks import DataRef, SplitSpec

pytestmark = pytest.mark.usefixtures("alone")

NUM = 60
GROUPS = [f"p{at % 20}" for at in range(NUM)]
LABELS = ["ant" if at % 20 < 10 else "bee" for at in range(NUM)]
IMAGES: Files = {f"p{at % 20}_{at:02}.png": picture(at) for at in range(NUM)}


def table(header: str, *columns: Sequence[str]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([header.split(","), *zip(*columns, strict=True)])
    return file.getvalue().encode()


LABELLED = table("file,label", list(IMAGES), LABELS)
GROUPED = table("file,label,patient", list(IMAGES), LABELS, GROUPS)


def data(path: Path, labels: str | None = None, split: SplitSpec | None = None) -> DataRef:
    named = None if labels is None else LabelTable(file=labels)
    return DataRef(dataset=str(path), labels=named, grouped=split.grouped if split else None)


def test_one_content_wherever_table_and_images_lie(tmp_path: Path) -> None:
    inside = {f"images/{name}": one for name, one in IMAGES.items()}
    beside = write_folder(tmp_path / "beside", {**IMAGES, "labels.csv": LABELLED})
    deeper = write_folder(tmp_path / "deeper", {**inside, "labels.csv": LABELLED})
    apart = write_folder(tmp_path / "apart", IMAGES)
    other = write_folder(tmp_path / "other", {"labels.tsv": LABELLED.replace(b",", b"\t")})
    far = [str(apart / name) for name in IMAGES]
    absolute = write_folder(tmp_path / "far", {"t.csv": table("file,label", far, LABELS)})
    found = [
        facts_of(one)
        for one in (
            data(beside / "labels.csv"),
            data(beside),
            data(beside, "labels.csv"),
            data(deeper),
            data(deeper / "labels.csv"),
            data(apart, str(other / "labels.tsv")),
            data(absolute / "t.csv"),
            data(write_zip(tmp_path / "a.zip", {**IMAGES, "labels.csv": LABELLED})),
            data(write_zip(tmp_path / "b.zip", {**inside, "labels.csv": LABELLED}), "labels.csv"),
            data(write_zip(tmp_path / "c.zip", IMAGES), str(beside / "labels.csv")),
        )
    ]
    assert len({facts.content for facts in found}) == 1
    assert {facts.classes for facts in found} == {("ant", "bee")}
    assert found[0].labels_from == "labels.csv (columns image 'file', label 'label')"


def test_labels_go_with_their_images(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {**IMAGES, "labels.csv": LABELLED})
    label_of = dict(zip(IMAGES, LABELS, strict=True))
    for part in ("train", "test"):
        images = open_part(data(folder / "labels.csv"), part)
        assert images.names is not None
        assert [("ant", "bee")[label] for label in images.labels] == [
            label_of[name] for name in images.names
        ]


def test_another_label_or_part_is_another_content_and_another_image_another_count(
    tmp_path: Path,
) -> None:
    folder = write_folder(tmp_path / "x", {**IMAGES, "labels.csv": LABELLED})
    usual = facts_of(data(folder / "labels.csv"))
    write_folder(folder, {"more.png": picture(999)})
    more = facts_of(data(folder / "labels.csv"))
    assert more.content == usual.content
    assert {(entry.number, entry.why) for entry in more.left_out} == {(1, "no row in labels.csv")}
    for other in (
        LABELLED.replace(b"ant", b"wasp", 1),
        table("file,label,part", list(IMAGES), LABELS, ["train", "test"] * 30),
    ):
        write_folder(folder, {"labels.csv": other})
        assert facts_of(data(folder / "labels.csv")).content != usual.content


def test_published_parts_of_a_table(tmp_path: Path) -> None:
    parts = ["train", "val", "test"] * 20
    rows = table("file,label,split", list(IMAGES), LABELS, parts)
    facts = facts_of(data(write_folder(tmp_path / "x", {**IMAGES, "labels.csv": rows})))
    assert sum(facts.train_counts) == 40
    assert sum(facts.test_counts) == 20
    assert facts.test_from == "part test"
    assert facts.note == "the 20 images of part val are training images too"


def test_groups_of_a_column_or_a_pattern_are_in_one_part(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {**IMAGES, "labels.csv": GROUPED})
    for by in ("patient", GroupPattern(pattern=r"^(p\d+)_")):
        split = SplitSpec(group=by, validation=0.2)
        ref = data(folder, None, split)
        facts, groups = facts_of(ref), ((0,), (1,))
        found = training_part(ref, groups, split)
        parts = {
            "train": found.train,
            "validation": found.validation,
            "test": part_to_test_with(ref, groups, split),
        }
        sides = defaultdict(set)
        for part, images in parts.items():
            assert images.names is not None
            assert set(images.labels.tolist()) == {0, 1}
            for name in images.names:
                sides[name.partition("_")[0]].add(part)
        assert {len(of) for of in sides.values()} == {1}
        assert len(sides) == 20
        assert facts.validation_counts == tuple(np.bincount(found.validation.labels))
        assert f"dealt by whole groups ({by})" in facts.test_from
        # A task on one class takes the same groups out as one on all.
        alone = training_part(ref, ((1,),), split)
        assert alone.validation.names is not None
        assert {name.partition("_")[0] for name in alone.validation.names} <= {
            group for group, of in sides.items() if of == {"validation"}
        }


def test_groups_change_the_content_and_are_counted_where_they_are_not_used(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {**IMAGES, "labels.csv": GROUPED})
    plain, grouped = (facts_of(data(folder, None, SplitSpec(group=by))) for by in (None, "patient"))
    assert plain.content != grouped.content
    (unused,), (used,) = plain.groups, grouped.groups
    assert (unused.name, unused.num, used.num, used.num_crossing) == ("patient", 20, 20, 0)
    assert unused.num_crossing > 5


def in_published_parts(folder: Path) -> tuple[Path, SplitSpec]:
    rows = table("file,label,patient,part", list(IMAGES), LABELS, GROUPS, ["train", "test"] * 30)
    rows = rows.replace(b"p1_01.png,ant,p1,test", b"p1_01.png,ant,p1,train")
    return write_folder(folder, {**IMAGES, "labels.csv": rows}), SplitSpec(group="patient")


def without_such_a_column(folder: Path) -> tuple[Path, SplitSpec]:
    return write_folder(folder, {**IMAGES, "labels.csv": GROUPED}), SplitSpec(group="patients")


def with_empty_cells(folder: Path) -> tuple[Path, SplitSpec]:
    rows = table("file,label,patient", list(IMAGES), LABELS, ["", *GROUPS[1:]])
    return write_folder(folder, {**IMAGES, "labels.csv": rows}), SplitSpec(group="patient")


def without_a_match(folder: Path) -> tuple[Path, SplitSpec]:
    split = SplitSpec(group=GroupPattern(pattern="^q"))
    return write_folder(folder, {**IMAGES, "labels.csv": GROUPED}), split


def without_a_table(folder: Path) -> tuple[Path, SplitSpec]:
    files = {f"{label}/{at}.png": picture(at) for at, label in enumerate("aabb")}
    return write_folder(folder, files), SplitSpec(group="patient")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (in_published_parts, "1 of 20 groups (patient) have images in the training and in the"),
        (without_such_a_column, "has no column 'patients'"),
        (with_empty_cells, "1 of 60 image files are in no group of split.group (patient): p0_00"),
        (without_a_match, "60 of 60 image files are in no group of split.group (pattern ^q)"),
        (without_a_table, "has no columns, and split.group names one: 'patient'"),
    ],
)
def test_groups_that_cannot_be_kept_together(
    tmp_path: Path, made: Callable[[Path], tuple[Path, SplitSpec]], says: str
) -> None:
    folder, split = made(tmp_path / "x")
    with pytest.raises(DataError) as caught:
        facts_of(data(folder, None, split))
    assert says in str(caught.value)


def test_tables_that_are_not_there_or_are_several(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", {**IMAGES, "a.csv": LABELLED, "b.csv": GROUPED})
    with pytest.raises(DataError, match=r"and 2 tables: a.csv, b.csv") as caught:
        facts_of(data(folder))
    assert 'labels = "a.csv"' in str(caught.value)
    with pytest.raises(DataError, match=r"The tables there are a.csv, b.csv"):
        facts_of(data(folder, "c.csv"))
    with pytest.raises(DataError, match=r"is a table of labels, and so is b.csv"):
        facts_of(data(folder / "a.csv", "b.csv"))
    assert facts_of(data(folder, "b.csv")).groups


def test_folders_of_classes_stay_classes_beside_a_table(tmp_path: Path) -> None:
    files = {f"{label}/{at}.png": picture(at) for at, label in enumerate("aaabbb")}
    folder = write_folder(tmp_path / "x", {**files, "labels.csv": b"file,label\na/0.png,z\n"})
    assert facts_of(data(folder)).classes == ("a", "b")
