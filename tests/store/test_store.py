"""The store: what was put comes back whole or not at all, whatever happens meanwhile."""

import json
import pickle
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart.core.errors import StoreDamaged, StoreError
from headstart.store.blobs import pack
from headstart.store.records import PlanRow
from headstart.store.step_rows import STEP_COLUMNS
from headstart.store.store import Store
from stored import ARRAYS, KEY, OTHER, blob, child, ended, put

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


def test_a_step_put_again_stays_as_it_was(store: Store) -> None:
    put(store)
    put(store, result={"flops": 7}, arrays={"labels": np.zeros(2)}, environment={"host": "b"})
    row = store.row(KEY)
    assert row is not None
    assert row.result["flops"] == 1000
    assert store.arrays(KEY).keys() == ARRAYS.keys()
    assert store.differing([KEY, OTHER]) == {KEY: {"host": "b"}}
    assert store.made([KEY])[KEY].otherwise == {"host": "b"}


def test_a_step_put_again_with_other_times_is_no_difference(store: Store) -> None:
    put(store, result={"flops": 7, "seconds": 0.5})
    put(store, result={"flops": 7, "seconds": 0.25}, seconds=3.0, environment={"host": "b"})
    assert store.differing([KEY]) == {}


def test_a_step_whose_blob_is_gone_is_put_anew(store: Store) -> None:
    put(store)
    blob(store.folder).unlink()
    put(store, result={"flops": 7})
    row = store.row(KEY)
    assert row is not None
    assert row.result == {"flops": 7}
    assert store.differing([KEY]) == {}


def test_large_arrays_travel_as_a_file_that_is_moved(store: Store) -> None:
    large = {"last/weight": np.arange(300_000, dtype=np.float32)}
    lost, packed = pack(large, store.folder, KEY), pack(large, store.folder, KEY)
    assert packed.file is not None
    assert pack(large).file is None
    store.put(
        key=KEY,
        kind="train",
        version=1,
        payload={},
        inputs=(),
        result={},
        arrays=packed,
        seconds=1.0,
        environment={},
    )
    assert lost.file is not None
    assert not packed.file.exists()
    assert not lost.file.exists()  # left by a run that was killed
    assert np.array_equal(store.arrays(KEY)["last/weight"], large["last/weight"])


def test_what_a_worker_is_given_is_what_the_store_holds(store: Store) -> None:
    put(store)
    put(store, OTHER, inputs=(KEY,))
    near = store.inputs_of([OTHER], ancestors=False)
    assert near.rows([KEY, OTHER]).keys() == {OTHER}
    far = store.inputs_of([OTHER], ancestors=True)
    assert far.rows([KEY, OTHER]) == store.rows([KEY, OTHER])
    assert far.recipe(OTHER) == store.recipe(OTHER)
    assert far.arrays_of(far.rows([KEY])[KEY]).keys() == ARRAYS.keys()


def test_a_worker_that_does_not_see_the_folder_is_given_blobs(store: Store) -> None:
    put(store)
    inputs = store.inputs_of([KEY], ancestors=False)
    given = pickle.loads(pickle.dumps(replace(inputs, contents={KEY: inputs.content(KEY)})))
    shutil.rmtree(store.folder)
    assert given.arrays_of(given.rows([KEY])[KEY]).keys() == ARRAYS.keys()


def test_a_worker_names_the_step_whose_blob_is_damaged(store: Store) -> None:
    put(store)
    given = store.inputs_of([KEY], ancestors=False)
    content = bytearray(blob(store.folder).read_bytes())
    content[-1] ^= 1
    blob(store.folder).write_bytes(bytes(content))
    with pytest.raises(StoreDamaged) as raised:
        given.arrays_of(given.rows([KEY])[KEY])
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.key, str(again)) == (KEY, str(raised.value))
    assert str(again).endswith("is not what was written to it")
    assert store.row(KEY) is not None  # a worker changes nothing


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
    put(store, result={"flops": 1000, "evaluation_flops": 10})
    put(store, OTHER, result={"flops": 500, "evaluation_flops": 0}, seconds=2.0)
    put(store, "ef" * 32, kind="predict", payload={}, result={}, seconds=100.0)
    put(store, "a0" * 32, result={"flops": 7}, seconds=50.0)  # of an older version
    spent = store.spent()
    assert (spent.steps, spent.flops, spent.updates, spent.seconds) == (2, 1500, 24, 3.5)
    assert spent.evaluation_flops == 10


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
          arrays=pack({{"a": np.zeros(3)}}), seconds=1.0, environment={{}})
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
with Store(folder).lock_step({KEY!r}) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


def test_a_claim_holds_against_other_processes_until_its_owner_dies(store: Store) -> None:
    owner = child(CLAIM, store.folder)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "True\n"
    with store.lock_step(KEY) as ours:
        assert not ours
    with store.lock_step(OTHER) as ours:
        assert ours
    owner.send_signal(signal.SIGKILL)
    assert ended(owner)[0] == -signal.SIGKILL
    with store.lock_step(KEY) as ours:
        assert ours
        second = child(CLAIM, store.folder)
        assert second.stdout is not None
        assert second.stdout.readline() == "False\n"
        second.kill()
        ended(second)


def test_a_claim_ends_with_its_block_even_after_an_error(store: Store) -> None:
    def broken() -> None:
        with store.lock_step(KEY) as ours:
            assert ours
            raise RuntimeError("in the middle")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="in the middle"):
            broken()


def test_the_lock_of_a_step_that_is_done_goes_away(store: Store) -> None:
    with store.lock_step(KEY):
        put(store)
    with store.lock_step(OTHER):
        pass
    assert not (store.folder / "locks" / KEY).exists()
    assert (store.folder / "locks" / OTHER).exists()


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
        f"SELECT {STEP_COLUMNS} FROM steps WHERE key IN",
        "INSERT OR REPLACE INTO steps VALUES",
        "COMMIT",
        f"SELECT {STEP_COLUMNS} FROM steps WHERE key IN",
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
