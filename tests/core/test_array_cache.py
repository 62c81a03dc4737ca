"""Shared arrays: whole or not there, in bounded space, gone when nobody needs them."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from headstart.core import array_cache as shelves
from headstart.core.array_cache import MemmapCache

pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="space cannot be set aside"
)


def put(shelf: MemmapCache, name: str, value: float, rows: int = 10) -> np.ndarray | None:
    def fill(write: shelves.Write) -> None:
        for row in reversed(range(rows)):
            write(row, np.full((1, 25), value, np.float32))

    return shelf.put(name, (rows, 25), fill)


def names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*/*.npy")}


def test_what_one_puts_others_get(tmp_path: Path) -> None:
    written = put(MemmapCache(tmp_path), "a", 3.0)
    read = MemmapCache(tmp_path).get("a")
    for found in (written, read):
        assert found is not None
        np.testing.assert_array_equal(found, np.full((10, 25), 3.0, np.float32), strict=True)
    assert MemmapCache(tmp_path).get("b") is None


def test_a_reader_changes_only_its_own_copy(tmp_path: Path) -> None:
    shelf = MemmapCache(tmp_path)
    put(shelf, "a", 3.0)
    mine = shelf.get("a")
    assert mine is not None
    mine[:] = 0
    again = shelf.get("a")
    assert again is not None
    assert float(again.min()) == 3.0


def test_who_comes_second_finds_what_the_first_has_made(tmp_path: Path) -> None:
    made, both = [], threading.Barrier(2)

    def work() -> None:
        shelf = MemmapCache(tmp_path)
        both.wait(timeout=10)
        with shelf.turn("a"):
            if shelf.get("a") is None:
                made.append(put(shelf, "a", 3.0))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=10)
    assert len(made) == 1
    with MemmapCache(tmp_path).turn("b"):
        assert MemmapCache(tmp_path).get("a") is not None  # names do not wait for each other
    MemmapCache(tmp_path).clear()
    assert not any(tmp_path.glob("*/*"))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_is_not_filled_has_no_name_and_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def torn(write: shelves.Write) -> None:
        write(0, np.ones((1, 25), np.float32))
        raise error

    with pytest.raises(error):
        MemmapCache(tmp_path).put("a", (10, 25), torn)
    assert MemmapCache(tmp_path).get("a") is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_longest_unused_makes_room(tmp_path: Path) -> None:
    shelf = MemmapCache(tmp_path, limit=3_500)
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        assert put(shelf, name, 1.0) is not None
        then = time.time() - age
        os.utime(next(tmp_path.glob(f"*/{name}.npy")), (then, then))
    shelf.get("a")
    kept = shelf.get("b")
    put(shelf, "d", 2.0, rows=5)
    assert names(tmp_path) == {"a", "b", "d"}
    put(shelf, "e", 2.0, rows=30)
    assert names(tmp_path) == {"e"}
    assert kept is not None
    assert float(kept.sum()) == 250  # who reads it still has it
    assert put(shelf, "f", 2.0, rows=40) is None


def test_clearing_takes_this_start_of_the_machine_and_what_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = MemmapCache(tmp_path / "features")
    for boot in ("old", "other machine", "here"):
        monkeypatch.setattr(shelves, "_boot", lambda boot=boot: boot)
        put(shelf, "a", 1.0)
    long_ago = time.time() - 2 * shelves.STALE_SECONDS
    os.utime(tmp_path / "features" / "old", (long_ago, long_ago))
    shelf.clear()
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["other machine"]
    monkeypatch.setattr(shelves, "_boot", lambda: "other machine")
    shelf.clear()
    assert not list(tmp_path.iterdir())
    shelf.clear()  # nothing there is fine


@pytest.mark.parametrize("content", [b"torn", b""])
def test_a_damaged_file_is_not_there(tmp_path: Path, content: bytes) -> None:
    shelf = MemmapCache(tmp_path)
    put(shelf, "a", 1.0)
    next(tmp_path.glob("*/a.npy")).write_bytes(content)
    assert shelf.get("a") is None
