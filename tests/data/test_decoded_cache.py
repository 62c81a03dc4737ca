"""Decoded images are kept once for all processes; what is torn or changed is made again."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_images import picture, published, write_folder
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.core import locks
from headstart.core.errors import DataError
from headstart.core.hashing import hash_arrays
from headstart.data import datasets as images
from headstart.data.datasets import facts_of, open_part
from headstart.study.tasks import DataRef

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Nothing is remembered from test to test."""
    images.forget()
    yield
    images.forget()


def opened_anew(data: DataRef) -> images.Images:
    """The training part, as another process would open it."""
    images.forget()
    return open_part(data, "train")


@pytest.fixture
def photos(tmp_path: Path) -> DataRef:
    return ref(write_folder(tmp_path / "photos", published(num=20)))


def entries(tmp_path: Path) -> list[Path]:
    """The arrays there are."""
    return sorted((tmp_path / "cache" / "decoded").glob("*.npy"))


def files(tmp_path: Path) -> list[Path]:
    """All files of the cache but locks."""
    return sorted(p for p in (tmp_path / "cache" / "decoded").iterdir() if p.suffix != ".lock")


def test_pixels_are_mapped_and_read_only(photos: DataRef, tmp_path: Path) -> None:
    first = open_part(photos, "train")
    again = opened_anew(photos)
    for one in (first, again):
        assert isinstance(one.pixels, np.memmap)
        assert not one.pixels.flags.writeable
        assert one.pixels.shape == (40, 4, 5, 3)
    assert (first.pixels == again.pixels).all()
    (entry,) = entries(tmp_path)  # the test part was not decoded
    assert files(tmp_path) == [entry.with_suffix(".json"), entry]


def test_a_mapped_array_is_hashed_without_a_copy(photos: DataRef) -> None:
    pixels = open_part(photos, "train").pixels
    assert np.shares_memory(np.ascontiguousarray(pixels), pixels)
    assert hash_arrays({"x": pixels}) == hash_arrays({"x": np.array(pixels)})


def test_what_is_kept_is_not_decoded_again(photos: DataRef, tmp_path: Path) -> None:
    before = open_part(photos, "train")
    states = [path.stat().st_mtime_ns for path in files(tmp_path)]
    assert (opened_anew(photos).pixels == before.pixels).all()
    assert [path.stat().st_mtime_ns for path in files(tmp_path)] == states


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("how", ["torn", "other", "gone", "empty"])
def test_a_torn_or_changed_entry_is_made_again(
    photos: DataRef, tmp_path: Path, suffix: str, how: str
) -> None:
    before = open_part(photos, "train")
    pixels, labels = np.array(before.pixels), before.labels.tolist()
    (entry,) = entries(tmp_path)
    path = entry.with_suffix(suffix)
    content = path.read_bytes()
    path.unlink()
    if how != "gone":
        changed = {"torn": content[:-5], "other": bytes(len(content)), "empty": b""}[how]
        path.write_bytes(changed)
    again = opened_anew(photos)
    assert (again.pixels == pixels).all()
    assert again.labels.tolist() == labels
    if suffix == ".npy":
        assert path.read_bytes() == content


def test_another_way_of_decoding_is_another_entry(photos: DataRef, tmp_path: Path) -> None:
    open_part(photos, "train")
    small = ref(photos.dataset, size=(2, 2), colour="grey")
    assert open_part(small, "train").pixels.shape == (40, 2, 2, 1)
    assert len(entries(tmp_path)) == 2
    assert facts_of(small).shape == facts_of(photos).shape == (4, 5, 3)
    assert facts_of(small).content == facts_of(photos).content
    assert facts_of(small).image_shape(small.decoding) == (2, 2, 1)
    assert facts_of(small).name == f"{photos.dataset} at 2x2 grey"


def test_a_file_of_the_same_size_that_was_changed_is_decoded_again(
    photos: DataRef, tmp_path: Path
) -> None:
    before = np.array(open_part(photos, "train").pixels)
    path = tmp_path / "photos" / "train" / "cat" / "0.png"
    state = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(DataError, match="1 of 44 image files cannot be decoded"):
        open_part(photos, "train")
    path.write_bytes(picture(12_345))
    assert not (open_part(photos, "train").pixels == before).all()


def test_nothing_is_kept_of_what_fails(photos: DataRef, tmp_path: Path) -> None:
    path = tmp_path / "photos" / "train" / "cat" / "0.png"
    path.write_bytes(picture(5, size=(40, 40))[:-900])  # a header without its body
    with pytest.raises(DataError, match="1 of 44 image files cannot be decoded"):
        open_part(ref(photos.dataset, size=(4, 5)), "train")
    assert files(tmp_path) == []


def test_a_cache_that_cannot_be_written(
    photos: DataRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = facts_of(photos).content
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "file"))
    images.forget()
    part = open_part(photos, "train")
    assert not isinstance(part.pixels, np.memmap)
    assert not part.pixels.flags.writeable
    assert open_part(photos, "train") is part  # at least this process decodes once
    assert facts_of(photos).content == kept


def test_broken_files_left_out_in_memory(
    photos: DataRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos" / "train" / "cat" / "0.png").write_bytes(b"")
    skipping = ref(photos.dataset, skip_broken=True)
    kept = facts_of(skipping)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "file"))
    images.forget()
    assert facts_of(skipping) == kept
    assert kept.train_counts == (19, 20)


def test_two_processes_at_once(photos: DataRef, tmp_path: Path) -> None:
    script = (
        "import sys; from headstart.data.datasets import open_part;"
        "from headstart.study.tasks import DataRef;"
        "part = open_part(DataRef(dataset=sys.argv[1]), 'train');"
        "print(type(part.pixels).__name__, int(part.pixels.sum()))"
    )
    command = [sys.executable, "-c", script, photos.dataset]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said[0] == said[1] == ["memmap", str(int(open_part(photos, "train").pixels.sum()))]
    assert len(entries(tmp_path)) == 1


def test_where_files_cannot_be_locked_images_are_decoded_into_memory(
    photos: DataRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLocks:
        """As a network file system without them answers."""

        def __init__(self, path: Path) -> None:
            self.path = path

        def acquire(self, timeout: float) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

    kept = np.array(open_part(photos, "train").pixels)
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "another"))
    monkeypatch.setattr(locks, "native_lock", NoLocks)
    found = opened_anew(photos)
    assert not isinstance(found.stored, np.memmap)
    assert (found.pixels == kept).all()
    assert not list((tmp_path / "another").rglob("*.npy"))
