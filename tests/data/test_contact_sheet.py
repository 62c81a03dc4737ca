"""Pictures of every class, sizes, colours and copies of a data set, be it files or arrays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_images import picture, pictures, saved, write_folder
from tiny_sets import alone as alone
from tiny_sets import write_set

from headstart.core.errors import DataError
from headstart.data import contact_sheet as module
from headstart.data.contact_sheet import SIDE, contact_sheet
from headstart.report import contact
from headstart.report.html.contact_page import contact_page

pytestmark = pytest.mark.usefixtures("alone")


def photos(folder: Path) -> Path:
    """Cats and dogs: a dog is a cat of the test part too, a cat is copied, files are left out."""
    files = pictures("train/cat", "train/dog", num=7, size=(40, 60))
    files |= pictures("test/cat", "test/dog", num=2, first=50, size=(60, 40), mode="L")
    files |= {
        "test/cat/copy.png": files["train/dog/3.png"],
        "train/cat/again.png": files["train/cat/2.png"],
        "train/cat/torn.png": files["train/cat/0.png"][:200],
        "train/dog/IMG.dng": b"raw",
        "train/dog/notes.txt": b"",
    }
    return write_folder(folder, files)


def test_every_class_part_size_and_colour_is_there(tmp_path: Path) -> None:
    sheet = contact_sheet(str(photos(tmp_path / "photos")))
    assert (sheet.facts.train_counts, sheet.facts.test_counts) == ((8, 7), (3, 2))
    cats, dogs = sheet.classes
    assert [len(cats), len(dogs)] == [11, 9]
    assert {one.part for one in dogs} == {"train", "test"}
    assert all(one.label == 0 for one in cats)
    assert cats[0].name.startswith("train/cat/")
    assert cats[0].picture.shape == (40, 60, 3)
    assert sheet.sizes == (((40, 60), 16), ((60, 40), 4))
    assert sheet.colours == (("rgb", 16), ("grey", 4))


def test_copies_in_two_classes_and_two_parts_come_first(tmp_path: Path) -> None:
    sheet = contact_sheet(str(photos(tmp_path / "photos")))
    first, second = sheet.pairs
    assert {first.one.name, first.other.name} == {"test/cat/copy.png", "train/dog/3.png"}
    assert {second.one.name, second.other.name} == {"train/cat/again.png", "train/cat/2.png"}
    assert (first.kind, first.similarity) == ("exact", 1)
    assert (sheet.copies.num, sheet.copies.across_parts, sheet.copies.across_classes) == (2, 1, 1)


def test_the_page_is_whole_and_says_what_was_found(tmp_path: Path) -> None:
    page = contact_page(contact_sheet(str(photos(tmp_path / "<b>photos"))))
    assert "&lt;b&gt;photos" in page
    assert "<b>photos" not in page
    assert "20 photos of 2 classes: 15 to train on, 5 to test with." in page
    assert "1 pair of likely copies under two labels" in page
    assert "1 pair of likely copies in both parts" in page
    assert "1 .dng (camera raw is not read: `magick mogrify -format png &#39;*.dng&#39;`" in page
    assert "1 .txt (no image files); 1 .png (broken" in page
    assert "<summary>1 broken file</summary>" in page
    assert "<li>train/cat/torn.png: " in page
    assert page.count("<img") == 20 + 2 * 2
    assert page.count('src="data:image/') == page.count("<img")
    assert "<script" not in page


def test_pictures_are_small_and_in_their_own_proportions(tmp_path: Path) -> None:
    files = pictures("a", "b", num=5)
    files |= {"a/wide.jpg": saved(Image.new("RGB", (1500, 500)), "JPEG"), "b/1.png": picture(9)}
    files |= {"a/line.png": saved(Image.new("L", (2000, 1)))}
    sheet = contact_sheet(str(write_folder(tmp_path / "photos", files)))
    shapes = {one.name: one.picture.shape for one in sheet.classes[0]}
    assert shapes["a/wide.jpg"] == (SIDE // 3, SIDE, 3)
    assert shapes["a/line.png"] == (1, SIDE, 3)
    assert shapes["a/0.png"] == (4, 5, 3)


def test_deep_images_are_shown_as_bright_as_they_are(tmp_path: Path) -> None:
    deep = np.linspace(0, 1023, 36 * 36).reshape(36, 36).astype(np.uint16)
    files = {
        f"{name}/{at}.png": saved(Image.fromarray(np.roll(deep, 7 * at + shift, axis=1)))
        for shift, name in enumerate("ab")
        for at in range(5)
    }
    sheet = contact_sheet(str(write_folder(tmp_path / "scans", files)))
    assert sheet.classes[0][0].picture.max() == 255
    assert any("write image = { bits = 10 } in the task" in line for line in contact.alerts(sheet))
    assert sheet.colours == (("grey of 16 bits", 10),)


def test_arrays_have_pictures_too(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "arrays", [0, 1, 0, 1, 2, 2] * 3, [0, 1, 2] * 2)
    sheet = contact_sheet(str(folder))
    assert [len(some) for some in sheet.classes] == [8, 8, 8]
    assert sheet.classes[2][0].name.startswith("image ")
    assert sheet.classes[2][0].picture.shape == (4, 5, 1)
    assert sheet.colours == (("grey", 24),)
    assert dict(contact.facts_found(sheet))["Height x width"] == "4 x 5 (24)"
    assert "at 32 x 32" not in contact.how_compared(sheet)


def test_near_copies_are_not_sought_among_very_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_COMPARED", 10)
    sheet = contact_sheet(str(photos(tmp_path / "photos")))
    assert not sheet.copies.near_sought
    assert sheet.copies.num == 2  # equal ones are
    assert "near ones are sought among" in contact.how_compared(sheet)


def test_many_classes_have_few_pictures_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PICTURES", 6)
    monkeypatch.setattr("headstart.report.html.contact_page.MOST_CLASSES", 2)
    sheet = contact_sheet(str(write_folder(tmp_path / "x", pictures(*"abcd", num=6))))
    assert [len(some) for some in sheet.classes] == [2, 2, 2, 2]
    assert "And 2 more classes, which the table lists." in contact_page(sheet)


def test_unequal_classes_are_said(tmp_path: Path) -> None:
    files = pictures("rare", num=3) | pictures("common", num=30, first=100)
    alerts = [*contact.alerts(contact_sheet(str(write_folder(tmp_path / "x", files))))]
    assert any(line.startswith("Classes are unequal: ") for line in alerts)


def test_what_makes_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        contact_sheet(str(tmp_path / "nowhere"))
