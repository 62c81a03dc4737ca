"""Steps that another process holds: others go on meanwhile, and it is said who holds them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headstart import flow
from headstart.core.errors import StoreError
from headstart.execute import scheduler
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.plan.expand import make_plan
from headstart.plan.steps import Step
from headstart.store import opening
from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study

HOLD = """
import sys, time
from pathlib import Path
from headstart.store.store import Store
with Store(Path(sys.argv[1])) as store, store.lock_step(sys.argv[2]) as ours:
    print(ours, flush=True)
    time.sleep(100)
"""


@contextmanager
def stopped_at(store: Path, key: str) -> "Iterator[subprocess.Popen[str]]":
    """A process that holds a step and is stopped."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store), key],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            process.send_signal(signal.SIGSTOP)
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is in /proc")
def test_a_stopped_process_holds_up_its_step_alone(
    tmp_path: Path,
    store_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(scheduler, "PATIENCE", 0.3)
    table = tiny_table(sizes=[20], arms=["scratch", "full"], seeds=2)
    loaded = flow.load(str(write_study(tmp_path / "tiny.toml", table)))
    plan = make_plan(loaded.study, loaded.facts)
    held = next(key for key, step in plan.steps.items() if step.kind == "train")
    done: list[str] = []
    with stopped_at(store_folder, held) as process:

        def listen(step: Step, outcome: StepOutcome | None) -> None:
            if outcome is not None and outcome.status == "done":
                done.append(step.key)

        # Nobody ends the process until it has been named.
        def end() -> None:
            while "waits for process" not in caplog.text:
                caplog.handler.flush()
                threading.Event().wait(0.05)
            process.kill()

        threading.Thread(target=end, daemon=True).start()
        options = RunOptions(store=store_folder, workers=1, device="cpu")
        flow.run(loaded, options, listen=listen)
    others = [key for key in done[: done.index(held)] if plan.steps.get(key)]
    assert any(plan.steps[key].kind == "score" for key in others)
    assert set(plan.steps) <= set(done)
    assert f"waits for process {process.pid} on" in caplog.text
    assert f"and is stopped: continue it (kill -CONT {process.pid}) or end it" in caplog.text
    assert caplog.text.count("waits for process") == 1


def test_a_database_that_another_process_does_not_let_go(
    store: Store, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "WAIT", 0.1)
    with (
        Store(store_folder) as other,
        store.atomic(),
        pytest.raises(StoreError, match="is being written by another process") as caught,
    ):
        other.fail("key", "a step", "an error")
    assert "Is it stopped? Continue or end it" in str(caught.value)
