"""Shared arrays: whole or not there, in bounded space, gone when nobody needs them."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from headstart.core import array_cache as array_cache
from headstart.core.array_cache import MemmapCache


def put(cache: MemmapCache, name: str, value: float, rows: int = 10) -> np.ndarray | None:
    def from_row(first: int) -> Iterator[np.ndarray]:
        for _ in range(first, rows):
            yield np.full((1, 25), value, np.float32)

    return cache.filled(name, (rows, 25), np.float32, from_row)


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
    cache = MemmapCache(tmp_path)
    put(cache, "a", 3.0)
    mine = cache.get("a")
    assert mine is not None
    mine[:] = 0
    again = cache.get("a")
    assert again is not None
    assert float(again.min()) == 3.0


def test_who_comes_second_finds_what_the_first_has_made(tmp_path: Path) -> None:
    made, calls, both = [], [], threading.Barrier(2)

    def counted(first: int) -> Iterator[np.ndarray]:
        calls.append(first)
        return rows_from(first)

    def work() -> None:
        cache = MemmapCache(tmp_path)
        both.wait(timeout=10)
        made.append(cache.filled("a", (10, 25), np.float32, counted))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=10)
    assert calls == [0]
    assert len(made) == 2
    assert all(found is not None for found in made)
    with MemmapCache(tmp_path).turn("b"):
        assert MemmapCache(tmp_path).get("a") is not None  # names do not wait for each other
    MemmapCache(tmp_path).clear()
    assert not any(tmp_path.glob("*/*"))


def test_an_array_whose_place_was_cleared_while_it_was_filled_is_not_taken_for_another(
    tmp_path: Path,
) -> None:
    """Another run on the same store ends and clears what this one is still writing."""
    cache = MemmapCache(tmp_path, part=1)

    def of_another(first: int) -> Iterator[np.ndarray]:
        yield np.zeros((1, 2), np.float32)
        raise KeyboardInterrupt  # it is killed in the middle and leaves a partial array

    def another() -> None:
        with pytest.raises(KeyboardInterrupt):
            MemmapCache(tmp_path, part=1).filled("a", (4, 2), np.float32, of_another)

    def rows(first: int) -> Iterator[np.ndarray]:
        for number in range(4):
            yield np.ones((1, 2), np.float32)
            if number == 1:
                MemmapCache(tmp_path).clear()
                other = threading.Thread(target=another)
                other.start()
                other.join(timeout=10)

    assert cache.filled("a", (4, 2), np.float32, rows) is None
    found = cache.filled("a", (4, 2), np.float32, lambda first: iter([np.ones((4 - first, 2))]))
    assert found is not None
    assert set(found[-3:].ravel()) == {1.0}


def test_the_longest_unused_makes_room(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, limit=3_500)
    for age, name in ((30, "a"), (20, "b"), (10, "c")):
        assert put(cache, name, 1.0) is not None
        then = time.time() - age
        os.utime(next(tmp_path.glob(f"*/{name}.npy")), (then, then))
    cache.get("a")
    kept = cache.get("b")
    put(cache, "d", 2.0, rows=5)
    assert names(tmp_path) == {"a", "b", "d"}
    put(cache, "e", 2.0, rows=30)
    assert names(tmp_path) == {"e"}
    assert kept is not None
    assert float(kept.sum()) == 250  # who reads it still has it
    assert put(cache, "f", 2.0, rows=40) is None


def test_clearing_takes_this_start_of_the_machine_and_what_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MemmapCache(tmp_path / "features")
    for boot in ("old", "other machine", "here"):
        monkeypatch.setattr(array_cache, "_boot", lambda boot=boot: boot)
        put(cache, "a", 1.0)
    long_ago = time.time() - 2 * array_cache.STALE_SECONDS
    os.utime(tmp_path / "features" / "old", (long_ago, long_ago))
    cache.clear()
    assert [path.name for path in (tmp_path / "features").iterdir()] == ["other machine"]
    monkeypatch.setattr(array_cache, "_boot", lambda: "other machine")
    cache.clear()
    assert not list(tmp_path.iterdir())
    cache.clear()  # nothing there is fine


@pytest.mark.parametrize("content", [b"torn", b""])
def test_a_damaged_file_is_not_there(tmp_path: Path, content: bytes) -> None:
    cache = MemmapCache(tmp_path)
    put(cache, "a", 1.0)
    next(tmp_path.glob("*/a.npy")).write_bytes(content)
    assert cache.get("a") is None


def rows_from(first: int, num: int = 10) -> Iterator[np.ndarray]:
    """Rows 0, 1, 2, ... from one on, two at a time."""
    for at in range(first, num, 2):
        yield np.full((2, 25), at, np.float32) + np.array([[0], [1]], np.float32)


WHOLE = np.repeat(np.arange(10, dtype=np.float32)[:, None], 25, axis=1)


@pytest.mark.parametrize("lasting", [False, True])
def test_what_is_filled_from_front_to_back_is_filled_once(tmp_path: Path, lasting: bool) -> None:
    cache = MemmapCache(tmp_path, lasting=lasting)
    first = cache.filled("a", (10, 25), np.float32, rows_from)
    assert first is not None
    np.testing.assert_array_equal(first, WHOLE, strict=True)
    assert first.flags.writeable == (not lasting)
    again = cache.filled("a", (10, 25), np.float32, lambda first: pytest.fail("again"))
    assert again is not None
    assert not list(tmp_path.rglob("*.partial"))
    other = cache.filled("b", (4,), np.uint8, lambda first: iter([np.arange(4)]))
    assert other is not None
    assert other.tolist() == [0, 1, 2, 3]


def test_who_is_interrupted_goes_on_at_the_last_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MemmapCache(tmp_path, lasting=True, part=2 * 2 * 25 * 4)
    asked: list[int] = []

    def torn(first: int) -> Iterator[np.ndarray]:
        asked.append(first)
        for number, some in enumerate(rows_from(first)):
            if number == 3:
                raise KeyboardInterrupt
            yield some

    with pytest.raises(KeyboardInterrupt):
        cache.filled("a", (10, 25), np.float32, torn)
    assert cache.get("a") is None

    def going_on(first: int) -> Iterator[np.ndarray]:
        asked.append(first)
        return rows_from(first)

    found = cache.filled("a", (10, 25), np.float32, going_on)
    assert asked == [0, 4]  # after six rows, of which four were recorded
    np.testing.assert_array_equal(found, WHOLE, strict=True)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".lock", ".npy"]


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_what_fails_leaves_nothing(tmp_path: Path, error: type[Exception]) -> None:
    def failing(first: int) -> Iterator[np.ndarray]:
        yield next(rows_from(first))
        raise error("it failed")

    cache = MemmapCache(tmp_path, lasting=True)
    if error is OSError:  # as of a full disk
        assert cache.filled("a", (10, 25), np.float32, failing) is None
    else:
        with pytest.raises(ValueError, match="it failed"):
            cache.filled("a", (10, 25), np.float32, failing)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    assert cache.filled("b", (10_000, 10_000_000), np.float32, rows_from) is None


def test_a_lasting_array_is_sealed(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, lasting=True)
    cache.filled("a", (10, 25), np.float32, rows_from)
    path = tmp_path / "a.npy"
    assert cache.get("a") is not None
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x01")
    assert cache.get("a") is None
    again = cache.filled("a", (10, 25), np.float32, rows_from)
    np.testing.assert_array_equal(again, WHOLE, strict=True)
    assert path.read_bytes() == content


def test_a_partial_array_makes_room_too_unless_it_is_the_newest(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, limit=3_000, lasting=True)

    def torn(first: int) -> Iterator[np.ndarray]:
        yield next(rows_from(first))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.filled("a", (10, 25), np.float32, torn)
    then = time.time() - 10
    os.utime(tmp_path / "a.partial", (then, then))
    assert cache.filled("b", (10, 25), np.float32, rows_from) is not None
    assert cache.filled("c", (10, 25), np.float32, rows_from) is not None
    assert {path.name for path in tmp_path.glob("*.*") if path.suffix != ".lock"} == {
        "b.npy",
        "b.json",
        "c.npy",
        "c.json",
    }
