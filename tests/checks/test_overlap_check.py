"""Copies between two sets of images, whatever holds them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import headstart as hs
from headstart.core.errors import CheckFailed, DataError, OutputError
from headstart.data.progress import Progress, listening


def images(num: int, seed: int = 0) -> np.ndarray:
    """Smooth random images (num, 12, 12, 3), as photos are."""
    small = np.random.default_rng(seed).integers(0, 256, (num, 4, 4, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((12, 12))) for one in small])


def folder(place: Path, pixels: np.ndarray, suffix: str = "png") -> Path:
    """The images as files, half of them in a folder below."""
    for at, one in enumerate(pixels):
        path = place / ("a" if at % 2 else "") / f"{at}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(path, quality=90)
    return place


TRAIN = images(40)


def with_copies() -> np.ndarray:
    """Test images: an exact, a mirrored and a near copy of training images, then others."""
    test = images(12, seed=1)
    test[0] = TRAIN[3]
    test[1] = TRAIN[4][:, ::-1]
    noise = np.random.default_rng(2).integers(-4, 5, TRAIN[5].shape)
    test[2] = np.clip(TRAIN[5].astype(int) + noise, 0, 255)
    return test


def test_copies_of_every_kind_are_found_in_arrays() -> None:
    found = hs.overlap(TRAIN, with_copies())
    assert found.kinds == {"exact": 1, "mirrored": 1, "near": 1}
    assert [copy.train for copy in found.copies] == ["image 3", "image 4", "image 5"]
    assert not found.ok
    assert str(found) == (
        "3 of 12 test images (test) are copies among 40 training images (train): 1 exact; "
        "1 mirrored; 1 near."
    )
    with pytest.raises(CheckFailed, match="3 of 12"):
        found.check()


def test_turned_and_inverted_copies_are_found() -> None:
    test = images(4, seed=5)
    test[0], test[1] = np.rot90(TRAIN[0]), 255 - TRAIN[1]
    assert hs.overlap(TRAIN, test).kinds == {"turned by a quarter": 1, "inverted": 1}


def test_near_copies_are_not_sought_where_that_is_wished() -> None:
    found = hs.overlap(TRAIN, with_copies(), near=None)
    assert found.kinds == {"exact": 1, "mirrored": 1}
    assert "correlate" not in found.how_compared
    with pytest.raises(DataError, match=r"correlation from 0\.9 to 1"):
        hs.overlap(TRAIN, TRAIN, near=0.5)


def test_a_search_for_near_copies_says_how_far_it_is() -> None:
    seen: list[Progress] = []
    with listening(seen.append):
        hs.overlap(TRAIN, images(600, seed=6))
    assert [work.done for work in seen] == [512, 600]
    assert seen[0].text.startswith("looking for near copies: 512 of 600, about ")
    with listening(seen.append):
        hs.overlap(TRAIN, TRAIN[:2], near=None)
    assert len(seen) == 2
    with listening(seen.append):
        hs.overlap(TRAIN, with_copies())
    assert seen[-1].text.startswith("checking near copies: 40 of 40, about ")


def test_sets_without_copies_pass() -> None:
    found = hs.overlap(TRAIN, images(9, seed=3)).check()
    assert str(found) == (
        "None of 9 test images (test) is a copy of one of 40 training images (train)."
    )


def test_tensors_with_channels_first_and_floats_are_images_too() -> None:
    first = torch.tensor(TRAIN).movedim(3, 1)
    assert hs.overlap(first, with_copies()).kinds["exact"] == 1
    half = hs.overlap(first.bfloat16(), first[3:4].bfloat16())
    assert half.kinds == {"exact": 1}
    scaled = hs.overlap(TRAIN, with_copies() / 255)
    assert len(scaled.copies) == 3


def test_folders_are_searched_whatever_folders_are_in_them(tmp_path: Path) -> None:
    train, test = folder(tmp_path / "train", TRAIN), folder(tmp_path / "test", with_copies())
    found = hs.overlap(train, str(test), near=None)
    assert found.kinds == {"exact": 1, "mirrored": 1}
    assert len(hs.overlap(TRAIN, test).copies) == 3
    first = found.copies[0]
    assert (first.test, first.train, first.kind) == ("0.png", "a/3.png", "exact")
    assert not first.same_file
    assert hs.overlap(TRAIN, test).num_test == 12
    listed = hs.overlap(sorted(train.rglob("*.png")), [test / "0.png"], near=None)
    assert listed.num_test == len(listed.copies) == 1


def test_one_place_on_both_sides_is_said(tmp_path: Path) -> None:
    place = folder(tmp_path / "all", TRAIN)
    found = hs.overlap(place, place, near=None)
    assert len(found.copies) == 40
    assert "All of them are the same files: one place is, or lies in, the other." in str(found)
    inner = hs.overlap(place, place / "a", near=None)
    assert all(copy.same_file for copy in inner.copies)


def test_one_image_may_be_a_side(tmp_path: Path) -> None:
    place = folder(tmp_path / "one", TRAIN[:1])
    assert hs.overlap(place / "0.png", place, near=None).copies[0].kind == "exact"
    assert hs.overlap(TRAIN[1:2], place).ok


def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    place = folder(tmp_path / "test", images(3, seed=4))
    (place / "torn.png").write_bytes((place / "0.png").read_bytes()[:60])
    (place / "text.jpg").write_text("no image")
    (place / "raw.dng").write_bytes(b"raw")
    (place / "notes.txt").write_text("notes")
    found = hs.overlap(TRAIN, place)
    assert found.ok
    assert found.num_test == 3
    assert len(found.unreadable) == 2
    assert "2 image files could not be read and were not compared" in str(found)
    assert "not an image" in str(found)
    assert "1 .dng" in str(found)
    assert "1 .txt (no image files)" in str(found)
    for name in ("0.png", "a/1.png", "2.png"):
        (place / name).write_bytes(b"")
    with pytest.raises(DataError, match=r"no image file of .* can be decoded"):
        hs.overlap(TRAIN, place)


def test_npz_tables_archives_and_known_sets_are_read(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "set.npz", x_train=TRAIN, y_train=np.arange(40) % 2,
        x_test=with_copies(), y_test=np.arange(12) % 2,
    )  # fmt: skip
    held = hs.overlap(with_copies(), tmp_path / "set.npz")
    assert held.num_test == 52
    assert held.copies[0].test == "train image 3"
    place = folder(tmp_path / "photos", TRAIN)
    files = [path.relative_to(place) for path in place.rglob("*.png")]
    rows = [f"{path},{'ab'[at % 2]}" for at, path in enumerate(files)]
    (place / "labels.csv").write_text("\n".join(["file,label", *rows[:20]]))
    assert hs.overlap(TRAIN, place / "labels.csv").num_test == 20
    assert hs.overlap("mnist-mini", "mnist-mini", near=None).num_train == 12_000


def test_what_is_missing_or_no_images_is_refused(tmp_path: Path) -> None:
    for wrong in (np.zeros((3, 4)), np.zeros((2, 5, 4, 5)), np.zeros((0, 3, 3)), "text"):
        with pytest.raises(DataError):
            hs.overlap(TRAIN, wrong)
    with pytest.raises(DataError, match=r"from -1 to 300\. Expected bytes"):
        hs.overlap(TRAIN, np.array([[[-1, 300]]]))
    with pytest.raises(DataError, match="holds NaN"):
        hs.overlap(TRAIN, np.full((1, 3, 3), np.nan))
    with pytest.raises(DataError, match=r"test is float64 of shape \(0,\)\. Expected images"):
        hs.overlap(TRAIN, [])
    with pytest.raises(DataError, match="no such folder"):
        hs.overlap(TRAIN, tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image files"):
        hs.overlap(TRAIN, tmp_path / "empty")
    with pytest.raises(OutputError, match="it is a folder"):
        hs.overlap(TRAIN, TRAIN, page=tmp_path)


def test_the_page_shows_pictures_and_escapes_names(tmp_path: Path) -> None:
    train = folder(tmp_path / "train", TRAIN)
    test = tmp_path / "<b>test"
    test.mkdir()
    (test / "<img src=x>.png").write_bytes((train / "0.png").read_bytes())
    hs.overlap(train, test, near=None, page=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 2
    assert page.count("data:image/") == 2
    assert "<img src=x>" not in page
    assert "<b>test" not in page
    assert "test: &lt;img src=x&gt;.png" in page


def test_looking_for_copies_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np, headstart as hs; x = np.eye(8, dtype=np.uint8)[None]; "
        "print(hs.overlap(x, x).kinds, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'exact': 1} False\n"
