"""`headstart attach`: what it says of a run, and the status that it ends with."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commands import refused, start
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.store.events import HowOver, PlanMade, RunBegan, RunEnded, run_events
from headstart.store.store import Store
from studies import tiny

if TYPE_CHECKING:
    from commands import Call


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attach")
    study = tiny(sizes=[20], arms=["scratch", "full"], seeds=2)
    options = RunOptions(store=folder, workers=1)
    run(study, options, listen=lambda *_: None, command="headstart run tiny.toml")
    return folder


def begun(process: int | None = None) -> RunBegan:
    return RunBegan(
        number=1,
        study="tiny",
        command="headstart run tiny.toml",
        workers=2,
        host=socket.gethostname(),
        process=process or os.getpid(),
    )


def test_of_a_run_that_is_over_it_says_how_it_ended(call: "Call", finished: Path) -> None:
    shown = call("attach", finished)
    assert shown.status == 0
    assert "4 of 4" in shown.out
    assert "study tiny: Its run ended at" in shown.err
    assert call("attach", finished, "--study", "tiny").status == 0


@pytest.mark.parametrize(
    ("ended", "status", "text"),
    [
        ("interrupted", 130, "was stopped at"),
        ("failed", 1, "with an error: no space"),
        (None, 1, "is gone without a word"),
    ],
)
def test_it_ends_as_the_run_did(
    call: "Call", finished: Path, ended: HowOver | None, status: int, text: str
) -> None:
    with run_events(finished, stop=lambda: None) as events:
        events.write(begun(process=2**22 + 1))
        if ended:
            events.write(RunEnded(how=ended, error="no space"))
    shown = call("attach", finished)
    events.path.unlink()
    assert shown.status == status
    assert text in shown.err
    assert "to go on: headstart run tiny.toml" in shown.err


def test_it_follows_a_run_until_that_ends(finished: Path, tmp_path: Path) -> None:
    with run_events(finished, stop=lambda: None) as events:
        events.write(begun())
        events.write(PlanMade(num_steps=9, num_stored=9))
        attached = start("attach", finished, folder=tmp_path)
        try:
            assert attached.stderr is not None
            first = attached.stderr.readline()
            assert attached.poll() is None
            events.write(RunEnded(how="interrupted"))
            out, err = attached.communicate(timeout=120)
        finally:
            attached.kill()
    events.path.unlink()
    assert f"is run by process {os.getpid()} on {socket.gethostname()}, since" in first
    assert attached.returncode == 130
    assert "was stopped at" in err
    assert out == ""  # the list is for who finds no run


def test_a_store_that_was_never_run_on(call: "Call", tmp_path: Path) -> None:
    refused(call("attach", tmp_path), "there is no store at")
    with Store(tmp_path):
        pass
    shown = call("attach", tmp_path)
    assert shown.status == 0
    assert "holds no study yet" in shown.out
    assert "no run is known of it" in shown.err
    refused(call("attach", tmp_path, "--study", "digits"), "holds no study yet")
