"""Stores that are new, of another version, on a full disk, or not to be written."""

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.core.errors import StoreDamaged, StoreError, StoreFull
from headstart.store import migrations
from headstart.store.looks import Look
from headstart.store.store import Store
from stored import ARRAYS, KEY, OTHER, blob, child, ended, put

# -- opening -------------------------------------------------------------------------------------


def test_processes_that_open_a_new_store_at_once_all_can(store_folder: Path) -> None:
    go = store_folder.with_name("go")
    code = """
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    pass
with Store(folder) as store:
    store.put(key=sys.argv[3] * 64, kind="train", version=1, payload={}, inputs=(), result={},
              arrays=pack({"a": np.zeros(3)}), seconds=1.0, environment={})
"""
    racers = [child(code, store_folder, go, name) for name in "abcd"]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    go.touch()
    assert [ended(racer) for racer in racers] == [(0, "")] * 4
    with Store(store_folder) as store:
        assert len(store.rows(name * 64 for name in "abcd")) == 4


def test_a_store_of_a_newer_headstart_is_left_alone(store: Store) -> None:
    put(store)
    connection = sqlite3.connect(store.folder / "headstart.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Store(store.folder)
    assert str(caught.value) == (
        "this store has version 99, made by a newer headstart; this one knows versions up to "
        f"{migrations.VERSION}. Upgrade headstart, or name another folder with --store."
    )


def test_a_migration_is_whole_or_absent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    following = migrations.VERSION + 1
    torn = "CREATE TABLE notes (text TEXT) STRICT; INSERT INTO nowhere VALUES (1);"
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, torn))
        newer.setattr(migrations, "VERSION", following)
        with pytest.raises(StoreError, match="no such table: nowhere"):
            Store(store.folder)
    sound = torn.split(";")[0]
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, sound))
    monkeypatch.setattr(migrations, "VERSION", following)
    with Store(store.folder) as migrated:
        assert migrated.row(KEY) is not None


def look(**changes: Any) -> Look:
    first = Look(
        question="one",
        tested="some images",
        study="digits",
        seeds=(0, 1, 2),
        planned=True,
        in_family=True,
        level=0.04,
        margin_pp=1.0,
        p_value=None,
        verdict="not enough evidence",
    )
    return replace(first, **changes)


def test_looks_are_remembered_once_each(store: Store) -> None:
    first, second = look(seeds=(0, 1, 2)), look(seeds=(0, 2, 3))
    store.record_looks([first, look(question="other", tested="other images")])
    store.record_looks([second, replace(first, margin_pp=20.0)])
    assert store.looks(["some images"]) == (first, second)
    assert store.looks([]) == ()


def test_a_study_is_planned_once_however_often_it_is_run(store: Store) -> None:
    for command in ("first", "second"):
        store.save_study("digits", {"seeds": 5}, {}, command)
    (row,) = store.studies()
    assert row.command == "second"
    assert row.planned_at < row.used_at


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.write_text("not a folder")
    for folder in (path, path / "below"):
        with pytest.raises(StoreError) as caught:
            Store(folder)
        assert str(caught.value).startswith(f"the store {folder} cannot be used: [Errno ")
        assert str(caught.value).endswith("Name a folder you can write to with --store.")
    assert path.read_text() == "not a folder"


def test_a_file_that_is_no_database(store_folder: Path) -> None:
    store_folder.mkdir()
    (store_folder / "headstart.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match="cannot be used: file is not a database"):
        Store(store_folder)


# -- a full disk ---------------------------------------------------------------------------------

FULL = "is full. What was finished is kept: free some space and run the same command again."


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_no_room_for_a_blob(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    put(store, OTHER)

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as disk:
        if call == "fsync":
            disk.setattr(os, "fsync", full)
        else:
            disk.setattr(Path, "replace", full)
        with pytest.raises(StoreFull) as caught:
            put(store)
    assert str(caught.value) == f"the disk under the store {store.folder} {FULL}"
    assert store.row(KEY) is None
    assert store.row(OTHER) is not None
    assert list(blob(store.folder).parent.iterdir()) == []
    put(store)
    assert store.row(KEY) is not None


def test_no_room_for_a_row(store: Store) -> None:
    """SQLite rolls back by itself when it is full; that must not hide why."""
    put(store, OTHER)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull, match=FULL):
        put(store, payload={"long": "x" * 100_000})
    with pytest.raises(StoreFull, match=FULL):
        store.fail(KEY, "label", "x" * 100_000)
    assert store.rows([KEY, OTHER]).keys() == {OTHER}
    store._connection.execute("PRAGMA max_page_count = 100000")
    put(store)
    assert store.row(KEY) is not None


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk: Path) -> None:
    with Store(tiny_disk / "store") as store:
        put(store, OTHER)
        with pytest.raises(StoreFull, match=FULL):
            put(store, arrays={"large": np.ones(1 << 20, dtype=np.uint8)})
        assert store.rows([KEY, OTHER]).keys() == {OTHER}
        filler = tiny_disk / "filler"
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            filler.write_bytes(bytes(1 << 20))
        with pytest.raises(StoreFull, match=FULL):
            put(store, payload={"long": "x" * 100_000})
        with pytest.raises(StoreFull, match=FULL):
            Store(tiny_disk / "another")
        filler.unlink()
        put(store)
        assert store.rows([KEY, OTHER]).keys() == {KEY, OTHER}


# -- a store that may not be written -------------------------------------------------------------


@pytest.fixture
def locked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a store with a step and a study, which this user may not write."""
    put(store)
    store.save_study("digits", {"seeds": 5}, {}, "headstart run digits")
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    return store.folder


def files_of(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_a_store_that_may_not_be_written_is_read_and_left_alone(locked: Path) -> None:
    before = files_of(locked)
    with Store(locked, reading=True) as read:
        assert not read.writable
        assert np.array_equal(read.arrays(KEY)["labels"], ARRAYS["labels"])
        assert [row.name for row in read.studies()] == ["digits"]
        with pytest.raises(StoreError, match="Name a folder you can write to with --store"):
            read.record_looks([look()])
    assert files_of(locked) == before


def test_it_is_read_also_while_its_owner_is_writing(locked: Path) -> None:
    with Store(locked) as owner:
        put(owner, OTHER)
        with Store(locked, reading=True) as read:
            assert (owner.writable, read.writable) == (True, False)
            assert read.row(OTHER) is not None


def test_a_damaged_blob_of_it_stays_where_it_is(locked: Path) -> None:
    blob(locked).write_bytes(blob(locked).read_bytes()[:-1] + b"?")
    with Store(locked, reading=True) as read:
        with pytest.raises(StoreDamaged, match="A user who may write this store can run it anew"):
            read.arrays(KEY)
        assert read.row(KEY) is not None


@pytest.mark.parametrize(("version", "whose"), [(99, "a newer headstart"), (1, "an older")])
def test_one_of_another_version_is_refused(locked: Path, version: int, whose: str) -> None:
    connection = sqlite3.connect(locked / "headstart.db")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(StoreError, match=f"has version {version}, made by {whose}"):
        Store(locked, reading=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_access_rights_are_what_counts(store: Store) -> None:
    put(store)
    store.close()
    places = [store.folder, *(p for p in store.folder.rglob("*") if p.is_dir())]
    try:
        for place in places:
            place.chmod(0o555)
        with Store(store.folder, reading=True) as read:
            assert (read.writable, read.row(KEY) is not None) == (False, True)
    finally:
        for place in places:
            place.chmod(0o755)
