"""Events of a run: written as they happen, read as far as they are complete, of the latest run."""

import os
import threading
import time
from pathlib import Path

from headstart.store.events import (
    ASKED_EVERY,
    MOST_FILES,
    SILENT,
    Event,
    EventReader,
    EventWriter,
    Measured,
    PlanMade,
    RunBegan,
    RunEnded,
    WorkerBusy,
    run_events,
    worker_events,
)
from headstart.store.stopping import ask_to_stop

KINDS_OF_FILES = ("run", "worker")


def began(number: int = 1) -> RunBegan:
    return RunBegan(
        number=number, study="digits", command="", workers=2, host="here", process=os.getpid()
    )


def test_events_are_read_once_and_in_the_order_of_their_time(tmp_path: Path) -> None:
    reader = EventReader(tmp_path)
    assert reader.poll() == []
    with run_events(tmp_path, stop=lambda: None) as run:
        first, plan = began(), PlanMade(num_steps=3, num_stored=0)
        run.write(first)
        run.write(plan)
        worker = worker_events(tmp_path)
        busy = WorkerBusy(key="a", host="here", process=2)
        point = Measured(key="a", update=5, train_loss=float("nan"), validation_accuracy=None)
        for event in (busy, point):
            worker.write(event)
        worker.close()
        events = reader.poll()
        assert [type(event) for event in events] == [RunBegan, PlanMade, WorkerBusy, Measured]
        assert reader.poll() == []
        run.write(RunEnded(how="finished"))
    assert [type(event) for event in reader.poll()] == [RunEnded]


def test_a_later_run_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    worker = worker_events(tmp_path)
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began(1))
        worker.write(WorkerBusy(key="old", host="here", process=2))
    reader = EventReader(tmp_path)
    reader.poll()
    later = EventWriter(tmp_path / "events" / "run-99990101-000000-here-1.jsonl")
    later.write(began(2))
    worker.write(WorkerBusy(key="new", host="here", process=2))
    events: list[Event] = reader.poll()
    assert [getattr(event, "number", getattr(event, "key", None)) for event in events] == [2, "new"]
    for writer in (worker, later):
        writer.close()


def test_torn_and_unknown_lines_are_skipped_and_half_a_line_is_waited_for(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
        reader = EventReader(tmp_path)
        reader.poll()
        with run.path.open("ab") as file:
            file.write(b'{"event": "PlanMade", "num_st')
            file.flush()
            assert reader.poll() == []
            file.write(b'eps": 1, "num_stored": 0, "since_version_9": 1}\n')
            file.write(b'{"event": "OfALaterVersion"}\n{"event": "RunEn\n[]\n')
        (plan,) = reader.poll()
        assert isinstance(plan, PlanMade)
        assert plan.num_steps == 1


def test_a_disk_that_takes_no_events_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("a file where the folder should be")
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
    assert EventReader(tmp_path).poll() == []


def test_nobody_is_stopped_after_the_end_of_a_run_and_nobody_twice(tmp_path: Path) -> None:
    happened: list[str] = []
    stopping, ended = threading.Event(), threading.Event()

    def stop() -> None:
        stopping.set()
        ended.wait()
        happened.append("stopped")

    with run_events(tmp_path, stop) as run:
        run.write(began())
        ask_to_stop(run.path)
        assert stopping.wait(60)
        threading.Timer(0.2, ended.set).start()
    happened.append("left")
    assert happened == ["stopped", "left"]
    assert list((tmp_path / "events").glob("*.stop")) == []


def test_a_request_to_an_earlier_run_stops_no_later_one(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
    ask_to_stop(run.path)
    asked = threading.Event()
    with run_events(tmp_path, asked.set) as later:
        later.write(began())
        assert not asked.wait(3 * ASKED_EVERY)


def test_a_run_is_silent_from_its_last_sign_of_life_on(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
    reader = EventReader(tmp_path)
    assert reader.silent_for() == 0.0
    reader.poll()
    hour_ago = time.time() - 3600
    os.utime(run.path, (hour_ago, hour_ago))
    assert 3599 < reader.silent_for() < 3700
    os.utime(run.path, (hour_ago + 5, hour_ago + 5))  # by a clock that is slow
    assert reader.silent_for() < 60


def test_workers_are_left_out_where_they_are_not_asked_for(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
        worker = worker_events(tmp_path)
        worker.write(WorkerBusy(key="a", host="here", process=2))
        worker.close()
        reader = EventReader(tmp_path, with_workers=False)
        assert [type(event) for event in reader.poll()] == [RunBegan]


def test_files_of_runs_that_are_over_do_not_pile_up(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    names = [f"{kind}-{number:03d}-here-1.jsonl" for number in range(30) for kind in KINDS_OF_FILES]
    for age, name in enumerate(reversed(names)):
        (folder / name).write_text("{}\n")
        changed = time.time() - (0 if age < 2 else SILENT + 10 * age)
        os.utime(folder / name, (changed, changed))
    with run_events(tmp_path, stop=lambda: None) as run:
        run.write(began())
    assert {path.name for path in folder.iterdir()} == {*names[-MOST_FILES:], run.path.name}
    for name in names:  # which others write at the moment
        (folder / name).write_text("{}\n")
    with run_events(tmp_path, stop=lambda: None):
        pass
    assert {path.name for path in folder.iterdir()} == {*names, run.path.name}
