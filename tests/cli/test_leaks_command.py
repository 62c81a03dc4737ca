"""`headstart leaks`: exit status for CI, the page, JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Call, refused


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve training and four test images, no two alike."""
    draw = np.random.default_rng(0)
    for name, num in (("train", 12), ("test", 4)):
        (tmp_path / name).mkdir()
        for at in range(num):
            pixels = draw.integers(0, 256, (20, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{at}.png")
    return tmp_path / "train", tmp_path / "test"


def test_no_copies_are_status_0_and_leave_no_page(call: Call, places: tuple[Path, Path]) -> None:
    ended = call("leaks", *places, "--near", "off")
    assert ended.status == 0
    assert ended.out.startswith("None of 4 test images")
    assert list(Path().iterdir()) == []


def test_copies_are_status_1_with_a_page(call: Call, places: tuple[Path, Path]) -> None:
    train, test = places
    (test / "again.png").write_bytes((train / "5.png").read_bytes())
    ended = call("leaks", train, test, "--near", "off")
    assert ended.status == 1
    assert "1 of 5 test images" in ended.out
    assert "  again.png is 5.png (exact)" in ended.out
    page = Path("test-copies.html")
    assert f"Page: {page.absolute()}" in ended.out
    assert page.read_text(encoding="utf-8").count("data:image/") == 2


def test_json_is_one_document(call: Call, places: tuple[Path, Path]) -> None:
    train, test = places
    (test / "again.png").write_bytes((train / "5.png").read_bytes())
    (test / "torn.png").write_bytes(b"torn")
    ended = call("leaks", train, test, "--json", "--near", "off")
    assert ended.status == 1
    found = json.loads(ended.out)
    assert (found["ok"], found["kinds"], found["num_test"]) == (False, {"exact": 1}, 5)
    assert found["copies"][0]["train"] == "5.png"
    assert found["unreadable"] == [[f"{test}: torn.png", "not an image"]]
    assert list(Path().iterdir()) == []


def test_files_that_cannot_be_read_are_status_3(call: Call, places: tuple[Path, Path]) -> None:
    (places[1] / "torn.png").write_bytes(b"torn")
    ended = call("leaks", *places, "--html", "page.html", "--near", "off")
    assert ended.status == 3
    assert "1 image file could not be read and was not compared" in ended.out
    assert "torn.png: not an image" in Path("page.html").read_text(encoding="utf-8")


def test_wrong_input_is_status_2(call: Call, places: tuple[Path, Path]) -> None:
    refused(call("leaks", places[0], places[1] / "gone"), "no such folder")
    refused(call("leaks", *places, "--html", places[0]), "it is a folder")
    refused(call("leaks", *places, "--near", "0.2"), "correlation from 0.9 to 1")
    assert call("leaks", *places, "--near", "much").status == 2


def test_near_copies_can_be_left_out(call: Call, places: tuple[Path, Path]) -> None:
    train, test = places
    with Image.open(train / "0.png") as image:
        image.point(lambda value: value * 0.8 + 10).save(test / "flatter.png")
    assert call("leaks", train, test).status == 1
    assert call("leaks", train, test, "--near", "off").status == 0


def test_exit_status_is_in_the_help(call: Call) -> None:
    assert "Exit status: 0 none, 1 copies found" in call("leaks", "--help").out
