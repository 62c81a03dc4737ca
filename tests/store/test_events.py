"""Events of a run: written as they happen, read as far as they are complete, of the latest run."""

import os
from pathlib import Path

from headstart.store.events import (
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
