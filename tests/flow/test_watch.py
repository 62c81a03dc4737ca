"""A run that is watched: from its first step to its end, whatever the end is."""

import os
import signal
import threading
import time
from pathlib import Path
from socket import gethostname

import pytest

from headstart.core.errors import StoreError
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.flow import Watch, reopen, run
from headstart.flow.record import beginning
from headstart.plan.steps import Step
from headstart.store.events import (
    ASKED_EVERY,
    SILENT,
    Measured,
    PlanMade,
    RunBegan,
    RunEnded,
    StepBegan,
    WorkerBusy,
    run_events,
)
from headstart.store.store import Store
from studies import tiny


def test_a_run_is_seen_as_it_goes_and_at_its_end(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    assert watch.poll() == []
    states = [watch.state]
    seen: list[tuple[str, int]] = []

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        watch.poll()
        if outcome is None:
            assert step.key in watch.tracker.running
        else:
            assert step.key in watch.tracker.done
        seen.append((watch.state, len(watch.tracker.done)))

    done = run(tiny(), RunOptions(store=tmp_path, workers=1), listen=listen, command="again")
    assert {state for state, _ in seen} == {"running"}
    assert [number for _, number in seen] == sorted(number for _, number in seen)
    last = watch.poll()
    assert isinstance(last[-1], RunEnded)
    assert [*states, watch.state] == ["none", "finished"]
    assert watch.run is not None
    assert watch.run.command == "again"
    assert watch.study is not None
    assert watch.study.plan.num_trials == watch.tracker.trials[0]
    assert len(watch.tracker.done) == done.tally.run
    assert watch.tracker.seconds_left == 0
    assert list(watch.busy.values())[-1] in watch.tracker.done


def test_one_who_comes_late_sees_the_same(tmp_path: Path) -> None:
    run(tiny(), RunOptions(store=tmp_path, workers=1), listen=lambda *_: None)
    first, late = Watch(tmp_path), Watch(tmp_path)
    first.poll()
    late.poll()
    assert late.tracker.trials == first.tracker.trials
    assert late.state == "finished"


@pytest.mark.parametrize(
    ("raised", "state"), [(KeyboardInterrupt(), "interrupted"), (OSError("no space"), "failed")]
)
def test_a_run_that_ends_early_says_how(tmp_path: Path, raised: BaseException, state: str) -> None:
    def listen(step: Step, outcome: StepOutcome | None) -> None:
        if outcome is not None:
            raise raised

    with pytest.raises(type(raised)):
        run(tiny(), RunOptions(store=tmp_path, workers=1), listen=listen)
    watch = Watch(tmp_path)
    watch.poll()
    assert watch.state == state
    assert not watch.tracker.running
    assert watch.ended is not None
    assert watch.ended.error == str(raised)


def test_a_run_whose_process_was_killed_is_gone(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as events:
        began = RunBegan(
            number=1, study="tiny", command="", workers=1, host=gethostname(), process=2**22 + 1
        )
        events.write(began)
        events.write(WorkerBusy(key="a", host="here", process=2))
        events.write(Measured(key="a", update=5, train_loss=0.5, validation_accuracy=0.9))
        watch = Watch(tmp_path)
        events.write(StepBegan(key="a", label="a"))
        watch.poll()
        assert watch.state == "gone"
        assert not watch.tracker.running
        assert watch.busy == {("here", 2): "a"}
        assert [point.update for point in watch.curves["a"]] == [5]


def test_a_step_of_a_worker_that_was_killed_waits_and_begins_anew(tmp_path: Path) -> None:
    run(tiny(), RunOptions(store=tmp_path, workers=1), listen=lambda *_: None)
    with Store(tmp_path, reading=True) as store:
        trial = reopen(store, "tiny").plan.trials[0]
        for one in (trial.score_key, key := trial.train_keys[0]):
            store.drop(one)
    here, dead = gethostname(), 2**22 + 1

    def measured(*updates: int) -> None:
        for update in updates:
            point = Measured(key=key, update=update, train_loss=1, validation_accuracy=0.5)
            events.write(point)

    with run_events(tmp_path, stop=lambda: None) as events:
        events.write(
            RunBegan(number=1, study="tiny", command="", workers=1, host=here, process=os.getpid())
        )
        events.write(PlanMade(num_steps=9, num_stored=7))
        events.write(StepBegan(key=key, label="a"))
        events.write(WorkerBusy(key=key, host=here, process=dead))
        measured(10, 20)
        watch = Watch(tmp_path)
        watch.poll()
        assert (watch.busy, watch.lost) == ({}, {key})
        assert key not in watch.tracker.running
        late = Watch(tmp_path)
        events.write(WorkerBusy(key=key, host=here, process=os.getpid()))
        measured(10)
        for seen in (watch, late):  # one who comes late sees the same
            seen.poll()
            assert (seen.busy, seen.lost) == ({(here, os.getpid()): key}, {key})
            assert key in seen.tracker.running
            assert [point.update for point in seen.curves[key]] == [10]


def test_a_run_that_is_asked_to_stop_is_interrupted(tmp_path: Path) -> None:
    watch = Watch(tmp_path)

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        watch.poll()
        if outcome is not None and watch.state == "running":
            watch.stop()
            time.sleep(2 * ASKED_EVERY)

    with pytest.raises(KeyboardInterrupt):
        run(tiny(), RunOptions(store=tmp_path, workers=1), listen=listen)
    watch.poll()
    assert watch.state == "interrupted"
    assert len(watch.tracker.done) >= 1
    with pytest.raises(StoreError, match="under way"):
        watch.stop()


def test_a_run_whose_process_takes_ctrl_c_for_itself_stops_at_a_step(tmp_path: Path) -> None:
    watch = Watch(tmp_path)

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        watch.poll()
        if watch.state == "running":
            watch.stop()
            time.sleep(ASKED_EVERY)

    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(tiny(), RunOptions(store=tmp_path, workers=1), listen=listen)
    finally:
        signal.signal(signal.SIGINT, before)
    watch.poll()
    assert watch.state == "interrupted"


def test_a_run_in_a_thread_stops_at_a_step(tmp_path: Path) -> None:
    watch, ends = Watch(tmp_path), list[BaseException]()

    def listen(step: Step, outcome: StepOutcome | None) -> None:
        watch.poll()
        if watch.state == "running":
            watch.stop()
            time.sleep(ASKED_EVERY)

    def work() -> None:
        try:
            run(tiny(), RunOptions(store=tmp_path, workers=1), listen=listen)
        except KeyboardInterrupt as error:
            ends.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    watch.poll()
    assert len(ends) == 1
    assert watch.state == "interrupted"


@pytest.mark.skipif(os.name == "nt", reason="its signals are others")
def test_another_process_that_got_the_number_of_a_run_is_not_the_run(tmp_path: Path) -> None:
    with run_events(tmp_path, stop=lambda: None) as events:
        began = RunBegan(
            number=1, study="tiny", command="", workers=1, host=gethostname(), process=os.getpid()
        )
        events.write(began)
    watch = Watch(tmp_path)
    watch.poll()
    assert watch.state == "running"
    long_ago = time.time() - 2 * SILENT
    os.utime(events.path, (long_ago, long_ago))
    late = Watch(tmp_path)
    late.poll()
    assert late.state == "gone"


@pytest.mark.skipif(os.name == "nt", reason="a folder that is used cannot be deleted there")
def test_a_run_can_begin_in_a_folder_that_is_not_there_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert beginning(1, "tiny", "", 1).folder == ""


def test_runs_of_one_study_are_followed_past_those_of_others(tmp_path: Path) -> None:
    run(tiny(seeds=2), RunOptions(store=tmp_path, workers=1), listen=lambda *_: None)
    first = Watch(tmp_path, number=1)
    first.poll()
    other = tiny(seeds=2, name="other")
    run(other, RunOptions(store=tmp_path, workers=1), listen=lambda *_: None)
    assert first.poll() == []
    assert first.run is not None
    assert first.run.study == "tiny"
    second = Watch(tmp_path, number=2)
    second.poll()
    assert second.run is not None
    assert second.run.study == "other"
    assert Watch(tmp_path, number=3).poll() == []
