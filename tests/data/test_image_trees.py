"""Folders and archives of images: parts, classes, order; every fault of the layout is named."""

import hashlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_images import picture, pictures, published, write_folder, write_zip
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.core.errors import DataError
from headstart.data.catalogue import PARTS, Part
from headstart.data.datasets import facts_of, open_part
from headstart.data.find import where
from headstart.data.formats.archives import Listing
from headstart.data.formats.image_tree import Tree, tree_of
from headstart.study.dataset_facts import LeftOut

pytestmark = pytest.mark.usefixtures("alone")


def tree(*names: str, folders: tuple[str, ...] = ()) -> Tree:
    """The tree of a listing with these names."""
    above = {parent for name in names for parent in _above(name)}
    files = dict.fromkeys(names, (1, 1))
    return tree_of(Path("photos"), Listing(files=files, folders=frozenset(above | set(folders))))


def _above(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


def fault_of(*names: str, folders: tuple[str, ...] = ()) -> str:
    with pytest.raises(DataError) as caught:
        tree(*names, folders=folders)
    text = str(caught.value)
    assert text.startswith("photos: ")
    return text


def names_in(folder: Path, part: Part) -> list[str]:
    """Files of one part of a data set."""
    names = open_part(ref(folder), part).names
    assert names is not None
    return list(names)


def _paths(found: Tree) -> dict[str, list[str]]:
    """Where the images of each part lie below the root."""
    return {part: [one.path for one in placed] for part, placed in found.parts.items()}


PAIR = ("train/cat/a.jpg", "train/dog/a.jpg")
TESTED = (*PAIR, "test/cat/b.jpg", "test/dog/b.jpg")


@pytest.mark.parametrize("zipped", [False, True])
def test_published_parts(tmp_path: Path, zipped: bool) -> None:
    write = write_zip if zipped else write_folder
    path = write(tmp_path / ("photos.zip" if zipped else "photos"), published())
    found = where(str(path))
    assert (found.path, found.layout, found.known) == (path, "images", None)
    facts = facts_of(ref(path))
    assert facts.classes == ("cat", "dog")
    assert (facts.train_counts, facts.test_counts) == ((3, 3), (2, 2))
    assert facts.shape == (4, 5, 3)
    assert (facts.name, facts.note, facts.licence) == (str(path), "", "")


def test_folder_and_archive_have_one_content_in_one_order(tmp_path: Path) -> None:
    files = published()
    first = write_folder(tmp_path / "photos", files)
    others = [
        write_zip(tmp_path / "a.zip", files),
        write_zip(tmp_path / "b.zip", dict(reversed(files.items()))),
        write_zip(tmp_path / "c.zip", {f"photos/{name}": one for name, one in files.items()}),
        write_zip(tmp_path / "d.zip", {f"./{name}": one for name, one in files.items()}),
        write_zip(tmp_path / "e.zip", {n.replace("/", "\\"): one for n, one in files.items()}),
        write_folder(
            tmp_path / "g" / "Photos", {n.replace("train", "Train"): files[n] for n in files}
        ),
    ]
    content = facts_of(ref(first)).content
    assert [facts_of(ref(path)).content for path in others] == [content] * 6


def test_the_order_is_by_the_hash_of_class_and_file() -> None:
    names = [f"{label}/{index}.png" for label in ("a", "b", "c") for index in range(30)]
    found = tree(*(f"train/{name}" for name in names), *(f"test/{name}" for name in names))
    by_hash = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    assert found.names["train"] == [f"train/{name}" for name in by_hash]
    assert found.labels["train"].tolist() == ["abc".index(name[0]) for name in by_hash]
    assert len(set(found.labels["train"][:8].tolist())) == 3  # no class comes as a block


def test_the_order_does_not_depend_on_how_a_file_system_spells_accents() -> None:
    composed = [f"{label}/é{index}.png" for label in ("café", "dog") for index in range(9)]
    apart = [unicodedata.normalize("NFD", name) for name in composed]
    one, other = tree(*composed), tree(*apart)
    assert one.classes == other.classes == ("café", "dog")
    assert [unicodedata.normalize("NFC", name) for name in other.names["train"]] == one.names[
        "train"
    ]


def test_pixels_and_labels_stay_together(tmp_path: Path) -> None:
    files = published()
    images = open_part(ref(write_folder(tmp_path / "photos", files)), "train")
    found = tree(*files)
    for name, pixels, label in zip(found.names["train"], images.pixels, images.labels, strict=True):
        places = ("train/x/a.png", "train/y/a.png", "test/x/a.png", "test/y/a.png")
        alone_in = write_zip(tmp_path / "one.zip", dict.fromkeys(places, files[name]))
        assert (pixels == open_part(ref(alone_in), "train").pixels[0]).all()
        assert name.split("/")[1] == ("cat", "dog")[label]
        alone_in.unlink()


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_images_of_val_follow_those_of_train_where_there_is_a_test(val: str) -> None:
    found = tree(*TESTED, f"{val}/cat/c.jpg", f"{val}/cat/d.jpg")
    assert found.names["train"][2:] == sorted(
        [f"{val}/cat/c.jpg", f"{val}/cat/d.jpg"],
        key=lambda name: hashlib.sha256(name.split("/", 1)[1].encode()).digest(),
    )
    assert set(found.names["train"][:2]) == set(PAIR)
    assert sorted(found.names["test"]) == ["test/cat/b.jpg", "test/dog/b.jpg"]
    assert found.notes == ("the 2 images of val/ are training images too",)
    assert found.test_from == "test/"


def test_val_is_the_test_part_where_there_is_none() -> None:
    found = tree(*PAIR, "val/cat/b.jpg", "val/dog/b.jpg")
    assert sorted(found.names["test"]) == ["val/cat/b.jpg", "val/dog/b.jpg"]
    assert (found.test_from, found.notes) == ("val/", ())


@pytest.mark.parametrize("prefix", ["", "train/"])
def test_about_a_fifth_is_dealt_where_no_test_part_is_published(
    tmp_path: Path, prefix: str
) -> None:
    files = pictures(f"{prefix}cat", num=10) | pictures(f"{prefix}dog", num=60, first=10)
    folder = write_folder(tmp_path / "photos", files)
    before = facts_of(ref(folder))
    assert before.train_counts == (8, 46)
    assert before.test_counts == (2, 14)
    assert before.test_from == (
        "about a fifth of every class, dealt by the bytes of each image, for no test part is "
        "published"
    )
    tested = set(names_in(folder, "test"))
    write_folder(folder, pictures(f"{prefix}bird", f"{prefix}dog/more", num=20, first=100))
    for path in (folder / prefix / "dog/more").iterdir():
        path.rename(folder / prefix / "dog" / f"new-{path.name}")
    (folder / prefix / "dog/more").rmdir()
    after = facts_of(ref(folder))
    assert sum(after.train_counts) + sum(after.test_counts) == 110
    again = {name for name in names_in(folder, "test") if name in files}
    assert again == tested


def test_a_file_that_lies_in_two_classes_is_on_one_side(tmp_path: Path) -> None:
    files = pictures("cat", "dog", num=8) | pictures("bird", num=30, first=100)
    both = {f"{label}/copy-{n}.png": picture(500 + n) for label in ("cat", "dog") for n in range(8)}
    folder = write_folder(tmp_path / "photos", files | both)
    parts = {part: names_in(folder, part) for part in PARTS}
    copies = {part: {name[3:] for name in names if "copy" in name} for part, names in parts.items()}
    assert not copies["train"] & copies["test"]
    assert len(copies["train"] | copies["test"]) == 8


def test_nothing_can_be_dealt_where_no_class_has_two_images(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", {"cat/a.png": picture(1), "dog/a.png": picture(2)})
    with pytest.raises(DataError, match=r"no class has two different images"):
        facts_of(ref(folder))


def test_other_files_are_left_out_and_counted_and_hidden_ones_are_not(tmp_path: Path) -> None:
    more = {
        "README": b"",
        "notes.txt": b"",
        "train/cat/Thumbs.db": b"",
        "train/dog/a.TXT": b"",
        ".DS_Store": b"",
        "train/.hidden/x.jpg": b"",
        "__MACOSX/train/cat/._0.png": b"",
    }
    for path in (
        write_folder(tmp_path / "photos", published() | more),
        write_zip(tmp_path / "photos.zip", published() | more),
    ):
        facts = facts_of(ref(path))
        why = "no image files"
        assert facts.left_out == (
            LeftOut(suffix=".txt", number=2, why=why),
            LeftOut(suffix="", number=1, why=why),
            LeftOut(suffix=".db", number=1, why=why),
        )
        assert facts.train_counts == (3, 3)
        assert facts.place == str(path)
        assert facts_of(ref(path)) == facts  # from the cache


@pytest.mark.parametrize(
    ("stray", "text"),
    [
        (("a.jpg",), "1 image file lies outside any class folder: a.jpg."),
        (("train/a.JPG",), "1 image file lies outside any class folder: train/a.JPG."),
        (
            tuple(f"train/cat/deep/{index}.png" for index in range(5)),
            "5 image files lie outside any class folder: train/cat/deep/0.png, "
            "train/cat/deep/1.png, train/cat/deep/2.png and 2 more.",
        ),
    ],
)
def test_an_image_outside_any_class(stray: tuple[str, ...], text: str) -> None:
    found = fault_of(*TESTED, *stray)
    assert text in found
    assert "Expected train/CLASS/* and test/CLASS/*, or CLASS/*." in found
    assert (
        "Move them into the folder of their class, or out of the data set; or give the table"
        in found
    )


def test_the_odd_images_are_named_and_the_tree_is_shown() -> None:
    good = [f"train/{label}/{index}.jpg" for label in ("cat", "dog") for index in range(30)]
    found = fault_of(*good, "holdout/cat/a.jpg", "holdout/dog/a.jpg")
    assert "2 image files lie outside any class folder: holdout/cat/a.jpg, holdout/dog" in found
    assert "\n       holdout/: cat/ 1, dog/ 1\n       train/: cat/ 30, dog/ 30\n" in found
    assert "holdout/: no part is called so. Parts are train, val and test (training," in found
    deeper = fault_of("train/cats/manx/a.jpg", "train/dogs/pug/a.jpg", "train/dogs/corgi/a.jpg")
    assert "       train/cats/: manx/ 1\n       train/dogs/: corgi/ 1, pug/ 1\n" in deeper
    classes = fault_of("a.jpg", *(f"{number}/a.jpg" for number in range(1000)))
    assert "       ./: images 1, 0/ 1, 1/ 1, 10/ 1 and 997 more\n" in classes


def test_unlabelled_test_images_may_stay_where_they_are() -> None:
    found = fault_of(*PAIR, "test/0.jpg", "test/1.jpg")
    assert "2 image files lie outside any class folder: test/0.jpg, test/1.jpg." in found
    assert "give photos/train as the data set." in found


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "test"),
        ("Training", "Testing", "dev"),
        ("train_images", "test_images"),
        ("test", "val"),
        ("train",),
        ("train", "test", "masks"),
    ],
)
def test_parts_without_classes_are_no_classes(folders: tuple[str, ...]) -> None:
    for root in ("", "breeds/"):
        found = fault_of(*(f"{root}{folder}/{n}.jpg" for folder in folders for n in range(2)))
        assert "named like parts, but hold images and no classes." in found
        assert "Put the images of each class into a folder of its name" in found


@pytest.mark.parametrize(
    "names", [("train", "car"), ("bullet train", "steam train"), ("test tube", "flask", "dev")]
)
def test_a_class_may_have_the_name_of_a_part(names: tuple[str, ...]) -> None:
    assert set(tree(*(f"{name}/{n}.jpg" for name in names for n in range(2))).classes) == set(names)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Training", "Testing"),
        ("TRAIN", "eval"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("train/train", "test/images"),
        ("my-train-2", "Test Set"),
        ("root/train_images", "root/valid_images"),
    ],
)
def test_parts_go_by_their_usual_names_and_may_be_packed_once_more(train: str, test: str) -> None:
    usual = tree(*TESTED)
    found = tree(
        *(name.replace("train/", f"{train}/").replace("test/", f"{test}/") for name in TESTED)
    )
    assert found.classes == usual.classes
    assert len(found.names["test"]) == 2
    assert found.test_from == f"{test}/"
    assert all(name.startswith(test) for name in found.names["test"])
    if "valid" not in test:
        assert _paths(found) == _paths(usual)  # what names the content is the same


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["train", "Test", "val", "cat", "dog", "x"]), max_size=4),
        min_size=1,
        max_size=12,
    )
)
def test_any_tree_is_read_whole_or_refused_with_a_sentence(ways: list[list[str]]) -> None:
    names = {"/".join([*way, f"{number}.png"]) for number, way in enumerate(ways)}
    try:
        found = tree(*names)
    except DataError as error:
        text = str(error)
    else:
        text = "Expected"
        assert {*found.names["train"], *found.names["test"]} == names
        assert len(found.classes) >= 2
    assert "Expected" in text


@pytest.mark.parametrize(
    ("names", "empty", "text"),
    [
        (TESTED, ("train/cow",), "train/cow/ holds no images."),
        (TESTED, ("train/cow", "test/cow"), "test/cow/, train/cow/ hold no images."),
        (PAIR, ("test",), "test/ holds no images."),
        (("cat/a.jpg", "dog/a.jpg"), ("cow",), "cow/ holds no images."),
        (("x/cat/a.jpg", "x/dog/a.jpg"), ("x/cow",), "x/cow/ holds no images."),
        ((*TESTED, "train/cow/a.svg"), (), "train/cow/ holds no images (but other files: 1 .svg)."),
        (("train/x/cat/a.jpg", "train/x/dog/a.jpg"), ("train/x/cow",), "train/x/cow/ holds no"),
    ],
)
def test_a_class_without_images(names: tuple[str, ...], empty: tuple[str, ...], text: str) -> None:
    found = fault_of(*names, folders=empty)
    assert text in found
    assert "Put them there, or move the folder out of the data set." in found


def test_an_empty_class_of_real_folders_and_archives(tmp_path: Path) -> None:
    files = published() | {"train/cow/": b""}
    for path in (
        write_folder(tmp_path / "photos", files),
        write_zip(tmp_path / "photos.zip", files),
    ):
        with pytest.raises(DataError, match=r"photos(\.zip)?: train/cow/ holds no images"):
            open_part(ref(path), "train")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((*TESTED, "test/cow/a.jpg"), "class 'cow' is in test/, but not in train/."),
        ((*TESTED, "train/cow/a.jpg"), "class 'cow' is in train/, but not in test/."),
        ((*TESTED, "val/cow/a.jpg"), "class 'cow' is in val/, but not in train/."),
        ((*PAIR, "val/cat/a.jpg"), "class 'dog' is in train/, but not in val/."),
        (
            (*PAIR, "test/cat/a.jpg", "test/Dog/a.jpg"),
            "class 'Dog' is in test/, but not in train/; "
            "class 'dog' is in train/, but not in test/.",
        ),
    ],
)
def test_a_class_of_one_part_only(names: tuple[str, ...], text: str) -> None:
    found = fault_of(*names)
    assert text in found
    assert "Expected the same classes in both." in found
    assert "upper and lower case" in found


def test_layouts_that_make_no_data_set() -> None:
    assert "has one class only: cat." in fault_of("cat/a.jpg", "cat/b.jpg")
    text = fault_of("test/cat/a.jpg", "test/dog/a.jpg")
    assert "has test/, but no training images." in text
    assert "or give photos/test as the data set." in text
    text = fault_of("cat/a.txt", "dog/a.txt")
    assert "holds no image files (of 2 files)." in text
    assert "Image files end in .jpg, .jpeg, .jpe," in text


@pytest.mark.parametrize(
    "name", ["../x.png", "train/../../x.png", "/etc/x", "C:/x.png", "c:\\x", "..\\x"]
)
def test_a_path_that_leads_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "photos.zip", published() | {name: b""})
    with pytest.raises(DataError) as caught:
        open_part(ref(path), "train")
    text = str(caught.value)
    assert text.startswith(f"{path}: holds '{name}', a path that leads outside the archive.")
    assert "Do not trust this archive" in text
    assert sorted(tmp_path.parent.glob("*.png")) == []


def test_an_archive_that_is_damaged_or_encrypted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "photos.zip", published())
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(
        DataError, match=r"photos\.zip: is not a whole \.zip: File is not a zip"
    ) as caught:
        open_part(ref(path), "train")
    assert "Make it or fetch it again." in str(caught.value)
    flagged = whole.replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )
    assert flagged != whole
    path.write_bytes(flagged)
    with pytest.raises(DataError, match=r"is encrypted \(train/cat/0\.png\)") as caught:
        open_part(ref(path), "train")
    assert "Unpack it with its password" in str(caught.value)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.zip: no such file"):
        open_part(ref(tmp_path / "none.zip"), "train")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"notes\.txt: is not a folder") as caught:
        where(str(tmp_path / "notes.txt"))
    assert "train/CLASS/*.jpg and test/CLASS/*.jpg" in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: holds none of the files looked for"):
        where(str(tmp_path / "empty"))


def test_a_folder_with_archives(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine" / "photos.zip", published())
    assert where(str(tmp_path / "mine")).path == path
    write_zip(tmp_path / "mine" / "more.zip", published())
    with pytest.raises(DataError, match=r"has 2 archives \(more\.zip, photos\.zip\), not one"):
        where(str(tmp_path / "mine"))


def test_a_changed_folder_is_read_anew(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published())
    before = facts_of(ref(folder))
    (folder / "train" / "cat" / "new.png").write_bytes(picture(77))
    after = facts_of(ref(folder))
    assert after.train_counts == (4, 3)
    assert after.content != before.content
