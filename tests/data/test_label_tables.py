"""Tables of labels: how they are read, which column is what, and what is wrong with their rows."""

from pathlib import Path
from typing import Any

import pytest

from headstart.core.errors import DataError
from headstart.data.formats.archives import Listing
from headstart.data.formats.label_table import Labelled, labelled
from headstart.study.labels import LabelTable

FILES = ("ants/1.jpg", "ants/2.jpg", "bees/3.jpg", "bees/4.jpg")
ROWS = (("1.jpg", "ant"), ("2.jpg", "ant"), ("3.jpg", "bee"), ("4.jpg", "bee"))
LABELS = {"ants/1.jpg": "ant", "ants/2.jpg": "ant", "bees/3.jpg": "bee", "bees/4.jpg": "bee"}


def read(content: str | bytes, *files: str, skip: bool = False, **columns: Any) -> Labelled:
    """What a table says of some files."""
    listing = Listing(files=dict.fromkeys(files or FILES, (1, 1)), folders=frozenset())
    content = content.encode() if isinstance(content, str) else content
    return labelled(Path("labels.csv"), content, LabelTable(**columns), listing, skip=skip)


def labels_of(found: Labelled) -> dict[str, str]:
    return {one.name: one.label for one in found.placed}


def parts_of(found: Labelled) -> dict[str, str]:
    return {one.name: one.part for one in found.placed}


def fault_of(content: str | bytes, *files: str, **columns: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(content, *files, **columns)
    assert str(caught.value).startswith("labels.csv: ")
    return str(caught.value)


def table(*header: str, delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in (header, *ROWS) if row)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_ends_of_lines_and_encodings(delimiter: str, end: str, encoding: str) -> None:
    text = table("image", "label", delimiter=delimiter, end=end)
    assert labels_of(read(text.encode(encoding))) == LABELS


def test_a_line_that_names_the_delimiter_and_cells_that_hold_it() -> None:
    rows = 'sep=;\nfile;label\n1.jpg;"a;b"\n2.jpg; c,d\n3.jpg;"say ""x"""\n'
    found = labels_of(read(rows, *FILES[:3]))
    assert list(found.values()) == ["a;b", "c,d", 'say "x"']


def test_labels_of_an_older_spreadsheet() -> None:
    found = read("file,label\n1.jpg,Käfer\n2.jpg,Käfer\n3.jpg,Bär\n".encode("cp1252"))
    assert set(labels_of(found).values()) == {"Käfer", "Bär"}


@pytest.mark.parametrize("image", ["image", "Image ID", "imageId", "FileName", "id", "X-ray no"])
@pytest.mark.parametrize("label", ["label", "Class", "target", "diagnosis", "breed"])
def test_headers_that_people_use(image: str, label: str) -> None:
    found = read(table(image, label))
    assert labels_of(found) == LABELS
    assert f"image '{image}'" in found.text
    assert f"label '{label}'" in found.text


def test_a_table_without_a_header() -> None:
    found = read(table())
    assert labels_of(found) == LABELS
    assert "without a header" in found.text


def test_the_column_of_files_is_the_one_whose_cells_are_files() -> None:
    rows = "id,name,label\n7,1.jpg,ant\n8,2.jpg,ant\n9,3.jpg,bee\n"
    found = read(rows)
    assert len(found.placed) == 3
    assert "image 'name'" in found.text
    assert "not used: 'id'" in found.text


@pytest.mark.parametrize(
    "cells",
    [
        ("1", "2", "3", "4"),
        ("ants/1", "ants/2", "bees/3", "bees/4"),
        ("./ants/1.jpg", "./ants/2.jpg", "./bees/3.jpg", "./bees/4.jpg"),
        ("ants\\1.jpg", "ants\\2.jpg", "bees\\3.jpg", "bees\\4.jpg"),
        ("1.JPG", "2.JPG", "3.JPG", "4.JPG"),
        tuple(f"/home/me/photos/{name}" for name in FILES),
        tuple(f"C:\\data\\{name.replace('/', chr(92))}" for name in FILES),
    ],
)
def test_names_and_paths_with_and_without_suffix(cells: tuple[str, ...]) -> None:
    rows = "".join(f"{cell},{row[1]}\n" for cell, row in zip(cells, ROWS, strict=True))
    assert labels_of(read(f"image,label\n{rows}")) == LABELS
    assert labels_of(read(rows)) == LABELS


def test_a_path_is_not_found_by_its_file_name_in_another_folder() -> None:
    assert "1 of 2 rows name a file that is not there: bees/1.jpg (line 3)." in fault_of(
        "image,label\nants/1.jpg,ant\nbees/1.jpg,bee\n"
    )


def test_names_that_two_folders_hold_are_those_of_the_folder_that_holds_all() -> None:
    files = [f"train/{n}.jpg" for n in range(6)] + [f"test/{n}.jpg" for n in range(3)]
    found = read("id,breed\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(6)), *files)
    assert sorted(labels_of(found)) == files[:6]
    assert found.unlabelled == files[6:]
    assert set(parts_of(found).values()) == {""}


def test_names_that_are_not_clear_are_refused() -> None:
    text = fault_of("id,label\n1,a\n", "cat/1.jpg", "dog/1.jpg")
    assert "1 of 1 rows may mean several files" in text
    assert "1 (line 2: cat/1.jpg, dog/1.jpg)" in text


def test_parts_and_the_words_for_them() -> None:
    found = read("file,label,split\n1,a,Train\n2,b,train\n3,a,VAL\n4,b,test\n")
    assert list(parts_of(found).values()) == ["train", "train", "val", "test"]
    assert "part 'split'" in found.text
    plain = read("file,label,set\n1,a,x\n2,b,y\n")
    assert set(parts_of(plain).values()) == {""}
    assert "not used: 'set'" in plain.text
    assert "2 of 4 rows are in no part" in fault_of(
        "file,label,part\n1,a,train\n2,b,\n3,a,tset\n4,b,test\n"
    )
    assert "no image is in part train" in fault_of("file,label,part\n1,a,test\n2,b,test\n")


def test_folders_are_parts_where_the_table_has_none() -> None:
    files = ("x/train/1.jpg", "x/train/2.jpg", "x/test/3.jpg", "x/test/4.jpg")
    found = read("file,label\n1,a\n2,b\n3,a\n4,b\n", *files)
    assert list(parts_of(found).values()) == ["train", "train", "test", "test"]


def test_one_column_for_each_class() -> None:
    found = read("image,MEL,NV\n1,1.0,0.0\n2,0.0,1.0\n3,1.0,0.0\n")
    assert list(labels_of(found).values()) == ["MEL", "NV", "MEL"]
    text = fault_of("image,MEL,NV\n1,1,1\n2,0,0\n3,1,0\n")
    assert "1 of 3 rows have several labels: 1 (line 2: MEL, NV)." in text
    assert "1 of 3 rows have no label: 2 (line 3)." in text


def test_columns_that_say_nothing_are_no_labels() -> None:
    found = read(",file,finding,note\n0,1.jpg,a,\n1,2.jpg,b,\n2,3.jpg,a,\n")
    assert list(labels_of(found).values()) == ["a", "b", "a"]


def test_numbers_and_their_names_are_one_label_and_others_are_asked_for() -> None:
    found = read("image,label,class_name\n1,0,ant\n2,0,ant\n3,1,bee\n4,1,bee\n")
    assert labels_of(found) == LABELS
    text = fault_of("image,label,class\n1,0,ant\n2,1,ant\n3,1,bee\n4,1,bee\n")
    assert "several columns can be the label: 'label', 'class'." in text
    text = fault_of("image,colour,shape\n1,red,round\n2,blue,flat\n3,red,flat\n")
    assert "no column is called label: 'colour', 'shape'." in text
    assert 'labels = { file = "labels.csv", label = "..." }' in text
    rows = "image,colour,shape\n1,red,round\n2,blue,flat\n3,red,flat\n"
    assert list(labels_of(read(rows, label="Shape")).values()) == ["round", "flat", "flat"]
    assert "Did you mean 'shape'?" in fault_of(rows, label="shapes")


def test_columns_of_groups_are_named_and_are_no_labels() -> None:
    found = read("image,patient_id,finding\n1,p1,a\n2,p1,b\n3,p2,a\n")
    assert found.groups == ("patient_id",)
    assert "label 'finding'" in found.text
    assert list(found.columns["patient_id"].values()) == ["p1", "p1", "p2"]


def test_rows_of_one_file_that_name_other_groups_differ() -> None:
    rows = "image,label,site\n1,a,x\n1,a,y\n2,b,x\n2,b,x\n"
    assert "1 (line 2: a, x), 1 (line 3: a, y)." in fault_of(rows)


def test_all_faults_of_the_rows_at_once() -> None:
    rows = (
        "image,label\n1,ant\n1,ant\n2,ant\n2,bee\n3,\n9,bee\n10,bee\n11,bee\n12,bee\n4,bee\n,bee\n"
    )
    text = fault_of(rows)
    assert "4 of 11 rows" not in text
    assert (
        "5 of 11 rows name a file that is not there: 9 (line 7), 10 (line 8), 11 (line 9) and 2 "
        "more."
    ) in text
    assert "1 of 11 rows have no label: 3 (line 6)." in text
    differing = "2 (line 4: ant), 2 (line 5: bee)"
    assert f"2 of 11 rows say something else of the same file: {differing}." in text
    assert "skip_broken" in text
    found = read(rows, skip=True)
    assert labels_of(found) == {"ants/1.jpg": "ant", "bees/4.jpg": "bee"}
    assert any("1 of 11 rows have no label" in note for note in found.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("image\n1.jpg\n2.jpg\n", "has one column only ('image', ...)"),
        ("image,label\n", "no column names image files"),
        ("image,label\n1.jpg,a\n2.jpg,b,c\n", "1 of 3 rows have more than the 2 columns"),
        ("image,label,label\n1.jpg,a,b\n", "has two columns 'label'"),
        ("image,label\nx.jpg,a\ny.jpg,b\n", "no column names image files of the data set: 'image'"),
        (b"image,label\n1.jpg,\x00\n", "is no text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text"),
    ],
)
def test_what_is_no_table_of_labels(content: str | bytes, said: str) -> None:
    assert said in fault_of(content)


def test_labels_that_are_no_classes() -> None:
    files = [f"{n}.jpg" for n in range(60)]
    rows = "".join(f"{n},{n * 0.37:.2f}\n" for n in range(60))
    assert "60 of 60 images have a label of their own" in fault_of(f"id,age\n{rows}", *files)
