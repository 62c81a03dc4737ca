"""What is cached is listed by kind and deleted, and nothing else that lies there."""

from pathlib import Path

import pytest
from tiny_images import published, write_folder
from tiny_sets import alone as alone
from tiny_sets import ref

from commands import Call
from headstart.core.errors import OutputError
from headstart.data.caches import chosen, clear, held
from headstart.data.datasets import facts_of, forget, open_part

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that is filled by use, with the user's files beside it and in it."""
    photos = write_folder(tmp_path / "photos", published())
    facts_of(ref(photos))
    open_part(ref(photos), "train")
    folder = tmp_path / "cache"
    for name in ("photos/holiday.npz", "data/mine/x.csv", "data/mnist/a.gz", "weights/timm/w.pth"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_kinds_are_told_apart(cache: Path) -> None:
    there = {one.kind.name: one for one in held()}
    assert {name: one.num > 0 for name, one in there.items()} == {
        "decoded": True,
        "unpacked": False,
        "received": False,
        "facts": True,
        "data": True,
        "arrays": False,
        "models": False,
        "weights": True,
    }
    own = files(cache) - {"photos/holiday.npz", "data/mine/x.csv"}
    assert {str(path.relative_to(cache)) for one in there.values() for path in one.files} == own
    assert there["data"].size == 4


def test_what_is_made_again_is_deleted_and_made_again(cache: Path, tmp_path: Path) -> None:
    clear(chosen(()))
    assert files(cache) == {
        "photos/holiday.npz", "data/mine/x.csv", "data/mnist/a.gz", "weights/timm/w.pth"
    }  # fmt: skip
    forget()
    assert len(open_part(ref(tmp_path / "photos"), "train")) == 6
    assert any("decoded/" in name for name in files(cache))


def test_one_kind_alone(cache: Path) -> None:
    clear(chosen(["data"]))
    assert "data/mnist/a.gz" not in files(cache)
    assert "data/mine/x.csv" in files(cache)
    assert any("decoded/" in name for name in files(cache))


@pytest.mark.parametrize("name", ["weights", "decod"])
def test_kinds_that_are_not_cleared(name: str) -> None:
    with pytest.raises(OutputError, match=f"kind '{name}' is not known"):
        chosen([name])


def test_the_command_says_what_it_would_delete(cache: Path, call: Call) -> None:
    listed = call("cache")
    assert listed.status == 0
    assert listed.out.startswith(f"{cache}\n  decoded ")
    before = files(cache)
    refused = call("cache", "clear", "decoded", "facts")
    assert refused.status == 2
    assert "decoded images, shared by all runs" in refused.out
    assert "nothing was deleted. Give --yes" in refused.err
    assert files(cache) == before
    assert call("cache", "clear", "decoded", "--yes").out.endswith("Deleted.\n")
    assert not any(name.startswith("decoded/") for name in files(cache))
    assert call("cache", "clear", "decoded").out == "Nothing is cached.\n"


def test_data_are_shown_from_the_command_line(call: Call, tmp_path: Path) -> None:
    photos = write_folder(tmp_path / "my photos", published())
    ended = call("data", "show", photos)
    assert ended.status == 0, ended.err
    assert ended.out.startswith("10 photos of 2 classes: 6 to train on, 4 to test with.\n")
    kinds = "equal, mirrored, turned, inverted, shifted or nearly equal"
    assert f"  likely copies: no {kinds} images found\n" in " ".join(ended.out.split(" "))
    page = Path("my-photos-pictures.html")
    assert ended.out.endswith(f"Page: {page.absolute()}\n")
    assert "<title>" in page.read_text(encoding="utf-8")
    blocked = call("data", "show", photos, "--html", tmp_path)
    assert blocked.status == 2
    assert "cannot be written: it is a folder" in blocked.err
