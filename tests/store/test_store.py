"""The store: what was put comes back whole or not at all, whatever happens meanwhile."""

import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.core.errors import StoreDamaged, StoreError, StoreFull
from headstart.store import migrations
from headstart.store.store import PlanRow, Store

KEY, OTHER = "ab" * 32, "cd" * 32
ARRAYS: dict[str, np.ndarray] = {
    "last/dense.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "labels": np.array([3, 1, 4], dtype=np.int64),
    "empty": np.zeros((0, 4), dtype=np.uint8),
}


@pytest.fixture
def store(store_folder: Path) -> Iterator[Store]:
    with Store(store_folder) as opened:
        yield opened


def put(store: Store, key: str = KEY, **changes: Any) -> None:
    step: dict[str, Any] = {
        "key": key,
        "kind": "train",
        "version": 1,
        "payload": {"phase": {"updates": 12}},
        "inputs": (OTHER,),
        "result": {"flops": 1000, "curve": [[4, 0.5, None, 0.75]]},
        "arrays": ARRAYS,
        "seconds": 1.5,
        "environment": {"device": "cpu"},
    }
    store.put(**{**step, **changes})


def blob(folder: Path, key: str = KEY) -> Path:
    return folder / "blobs" / key[:2] / f"{key}.safetensors"


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own, with the store's names at hand."""
    names = "import os, signal, sys, time\nfrom pathlib import Path\nimport numpy as np\n"
    names += "from headstart.store.store import Store\nfolder = Path(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", names + code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


# -- steps ---------------------------------------------------------------------------------------


def test_what_was_put_comes_back(store: Store) -> None:
    put(store)
    row = store.row(KEY)
    assert row is not None
    assert (row.key, row.kind, row.seconds) == (KEY, "train", 1.5)
    assert row.result == {"flops": 1000, "curve": [[4, 0.5, None, 0.75]]}
    assert row.environment == {"device": "cpu"}
    found = store.arrays(KEY)
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_it_is_there_for_the_next_who_opens_the_store(store: Store) -> None:
    put(store)
    with Store(store.folder) as again:
        assert again.row(KEY) == store.row(KEY)
        assert np.array_equal(again.arrays(KEY)["labels"], ARRAYS["labels"])


def test_layout_in_memory_does_not_matter(store: Store) -> None:
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    put(store, arrays={"turned": grid.T, "every": grid[:, ::2]})
    found = store.arrays(KEY)
    assert np.array_equal(found["turned"], grid.T)
    assert np.array_equal(found["every"], grid[:, ::2])


def test_rows_of_many_keys(store: Store) -> None:
    put(store)
    put(store, OTHER, kind="predict")
    keys = [f"{number:064d}" for number in range(1200)]
    assert store.rows([*keys, KEY, OTHER]).keys() == {KEY, OTHER}
    assert store.rows([]) == {}
    assert store.row(keys[0]) is None


def test_a_step_put_again_replaces_the_old(store: Store) -> None:
    put(store)
    put(store, result={"flops": 7}, arrays={"labels": np.zeros(2)})
    row = store.row(KEY)
    assert row is not None
    assert row.result == {"flops": 7}
    assert store.arrays(KEY).keys() == {"labels"}


def test_a_step_that_was_never_put(store: Store) -> None:
    with pytest.raises(StoreError, match=f"step {KEY[:12]} is not in the store"):
        store.arrays(KEY)


def test_what_json_cannot_say_is_not_stored(store: Store) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        put(store, result={"loss": float("nan")})
    assert store.row(KEY) is None
    put(store, OTHER)  # and the store is still of use


def test_sums_over_trainings(store: Store) -> None:
    spent = store.spent()
    assert (spent.steps, spent.flops, spent.updates, spent.seconds) == (0, 0, 0, 0)
    put(store)
    put(store, OTHER, result={"flops": 500}, seconds=2.0)
    put(store, "ef" * 32, kind="predict", payload={}, result={}, seconds=100.0)
    spent = store.spent()
    assert (spent.steps, spent.flops, spent.updates, spent.seconds) == (2, 1500, 24, 3.5)


# -- damage --------------------------------------------------------------------------------------


def test_a_row_without_its_blob_does_not_count(store: Store) -> None:
    put(store)
    assert store.finished([KEY, OTHER]) == {KEY}
    blob(store.folder).unlink()
    assert store.row(KEY) is None
    assert store.finished([KEY, OTHER]) == set()
    with pytest.raises(StoreError, match="is not in the store"):
        store.arrays(KEY)


def test_a_short_blob_does_not_count(store: Store) -> None:
    put(store)
    path = blob(store.folder)
    path.write_bytes(path.read_bytes()[:-1])
    assert store.row(KEY) is None
    assert store.finished([KEY]) == set()


def test_a_flipped_byte_drops_the_row(store: Store) -> None:
    put(store)
    put(store, OTHER)
    path = blob(store.folder)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert store.row(KEY) is not None
    with pytest.raises(StoreDamaged) as caught:
        store.arrays(KEY)
    assert str(caught.value) == (
        f"{path} is not what was written to it; it has been dropped. Run the same command again to "
        "compute it anew."
    )
    assert store.row(KEY) is None
    assert store.row(OTHER) is not None
    put(store)
    assert np.array_equal(store.arrays(KEY)["labels"], ARRAYS["labels"])


def test_a_blob_without_its_row_does_not_count(store: Store) -> None:
    put(store)
    blob(store.folder, OTHER).parent.mkdir(parents=True)
    shutil.copy(blob(store.folder), blob(store.folder, OTHER))
    assert store.row(OTHER) is None


@pytest.mark.parametrize("moment", ["BEGIN", "INSERT OR REPLACE INTO steps", "COMMIT"])
def test_a_kill_while_a_step_is_put_leaves_no_half_of_it(store: Store, moment: str) -> None:
    put(store, OTHER)
    code = f"""
def trace(statement):
    if statement.startswith({moment!r}):
        os.kill(os.getpid(), signal.SIGKILL)
Store(folder).close()
store = Store(folder, trace=trace)
store.put(key={KEY!r}, kind="train", version=1, payload={{}}, inputs=(), result={{}},
          arrays={{"a": np.zeros(3)}}, seconds=1.0, environment={{}})
"""
    assert ended(child(code, store.folder)) == (-signal.SIGKILL, "")
    assert store.row(KEY) is None
    assert store.row(OTHER) is not None
    put(store)
    assert store.row(KEY) is not None


# -- failures ------------------------------------------------------------------------------------


def test_failures_are_kept_and_cleared_by_success(store: Store) -> None:
    store.fail(KEY, "full on target, 20, seed 0", "Traceback ...")
    store.fail(OTHER, "scratch", "one")
    store.fail(OTHER, "scratch", "two")
    found = store.failures([KEY, OTHER, "ef" * 32])
    assert (found[KEY].label, found[KEY].error) == ("full on target, 20, seed 0", "Traceback ...")
    assert found[OTHER].error == "two"
    assert store.failures([KEY]).keys() == {KEY}
    assert store.row(KEY) is None
    put(store)
    assert store.failures([KEY, OTHER]).keys() == {OTHER}


# -- claims --------------------------------------------------------------------------------------

CLAIM = f"""
with Store(folder).claimed({KEY!r}) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def test_a_claim_holds_against_other_processes_until_its_owner_dies(store: Store) -> None:
    owner = child(CLAIM, store.folder)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "True\n"
    with store.claimed(KEY) as ours:
        assert not ours
    with store.claimed(OTHER) as ours:
        assert ours
    owner.send_signal(signal.SIGKILL)
    assert ended(owner)[0] == -signal.SIGKILL
    with store.claimed(KEY) as ours:
        assert ours
        second = child(CLAIM, store.folder)
        assert second.stdout is not None
        assert second.stdout.readline() == "False\n"
        second.kill()
        ended(second)


def test_a_claim_ends_with_its_block_even_after_an_error(store: Store) -> None:
    def broken() -> None:
        with store.claimed(KEY) as ours:
            assert ours
            raise RuntimeError("in the middle")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="in the middle"):
            broken()


def test_the_lock_of_a_step_that_is_done_goes_away(store: Store) -> None:
    with store.claimed(KEY):
        put(store)
    with store.claimed(OTHER):
        pass
    assert not (store.folder / "locks" / KEY).exists()
    assert (store.folder / "locks" / OTHER).exists()


# -- opening -------------------------------------------------------------------------------------


def test_processes_that_open_a_new_store_at_once_all_can(store_folder: Path) -> None:
    go = store_folder.with_name("go")
    code = """
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    pass
with Store(folder) as store:
    store.put(key=sys.argv[3] * 64, kind="train", version=1, payload={}, inputs=(), result={},
              arrays={"a": np.zeros(3)}, seconds=1.0, environment={})
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


def test_looks_are_remembered_once_each(store: Store) -> None:
    store.looked(["one", "two"], 5)
    store.looked(["one"], 10)
    store.looked(["one"], 10)
    assert store.looks(["one", "two", "three"]) == {"one": {5, 10}, "two": {5}, "three": set()}


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


# -- studies and seeing what happens --------------------------------------------------------------


def test_studies_come_back_the_latest_use_first(store: Store) -> None:
    for name, spec in (("a", {"seeds": 1}), ("b", {"seeds": 1}), ("a", {"seeds": 2})):
        store.save_study(name, spec, {"digits": {"name": "digits"}}, f"run {name}")
        time.sleep(0.001)
    store.save_study("b", {"seeds": 1}, {"digits": {"name": "digits"}}, "run b again")
    assert [(row.name, row.spec, row.command) for row in store.studies()] == [
        ("b", {"seeds": 1}, "run b again"),
        ("a", {"seeds": 2}, "run a"),
        ("a", {"seeds": 1}, "run a"),
    ]
    assert store.studies()[0].facts == {"digits": {"name": "digits"}}
    used = [row.used_at for row in store.studies()]
    assert used == sorted(used, reverse=True)


def test_a_study_has_the_plan_it_was_given_last(store: Store) -> None:
    number = store.save_study("a", {}, {}, "run a")
    assert store.save_study("b", {}, {}, "run b") != number
    assert store.plan(number) is None
    for steps, waiting in ((("one",), 4), (("one", "two"), 0)):
        planned = PlanRow(steps=steps, trials=steps[1:], num_waiting=waiting)
        store.save_plan(number, planned)
        assert store.plan(number) == planned
    assert store.save_study("a", {}, {}, "run a again") == number
    assert store.plan(number) == planned


def test_an_empty_store_holds_no_studies(store: Store) -> None:
    assert store.studies() == []


def test_trace_sees_every_statement(store_folder: Path) -> None:
    seen: list[str] = []
    with Store(store_folder, trace=seen.append) as store:
        assert any(statement.startswith("CREATE TABLE steps") for statement in map(str.strip, seen))
        seen.clear()
        put(store)
        store.row(KEY)
    starts = [statement.split("(")[0].strip() for statement in seen]
    assert starts == [
        "BEGIN IMMEDIATE",
        f"DELETE FROM failures WHERE key = '{KEY}'",
        "INSERT OR REPLACE INTO steps VALUES",
        "COMMIT",
        "SELECT * FROM steps WHERE key IN",
    ]


def test_atomic_is_all_or_nothing(store: Store) -> None:
    def broken() -> None:
        with store.atomic():
            store.fail(KEY, "label", "error")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        broken()
    assert store.failures([KEY]) == {}
    with store.atomic():
        store.fail(KEY, "label", "error")
    assert store.failures([KEY]).keys() == {KEY}


def test_payload_and_inputs_are_kept_as_they_entered_the_key(store: Store) -> None:
    put(store, payload={"b": 1, "a": [0.5]})
    row = store._connection.execute("SELECT payload, inputs, version FROM steps").fetchone()
    assert row["payload"] == '{"a":[0.5],"b":1}'
    assert json.loads(row["inputs"]) == [OTHER]
    assert row["version"] == 1


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
            read.looked(["one"], 5)
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
        with pytest.raises(StoreDamaged, match="Whoever may write this store can run it anew"):
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
