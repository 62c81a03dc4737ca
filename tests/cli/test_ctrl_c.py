"""Ctrl-C at any moment: what was finished is kept, and one sentence says how to go on."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from commands import Call, refused, start
from headstart import flow
from headstart.store.store import Store
from studies import tiny_table
from study_files import write_study


def test_ctrl_c_keeps_what_was_finished(tmp_path: Path) -> None:
    training = {"updates": 300, "batch_size": 16, "validations": 3}
    path = write_study(tmp_path / "long.toml", tiny_table(training=training, seeds=30))
    folder = tmp_path / "store"
    process = start("run", path, "--store", folder, "--workers", "1", "--json", folder=tmp_path)
    try:
        deadline = time.monotonic() + 60
        # The row of the first step is there once the second step has written its blob.
        while len(list((folder / "blobs").glob("*/*.safetensors"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert err.endswith(
        "\nheadstart: stopped. What was finished is kept; the same command goes on from there.\n"
    )
    with Store(folder) as store:
        (progress,) = flow.progress(store)
    assert progress.steps_done > 0
    assert progress.steps_failed == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
@pytest.mark.parametrize("later", [0, 0.2, 3])
def test_ctrl_c_ends_workers_at_once_and_without_a_word_of_theirs(
    tmp_path: Path, later: float
) -> None:
    """While they are starting, loading, and in the middle of steps that would take an hour."""
    training = {"updates": 10_000_000, "batch_size": 16, "validations": 3}
    path = write_study(tmp_path / "long.toml", tiny_table(training=training))
    process = start("run", path, "--workers", "2", folder=tmp_path)
    try:
        while not workers_of(process.pid):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(later)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    told = [line for line in err.splitlines() if line and "trials done" not in line]
    # Before it come the lines that say what was found, at most; nothing comes after it.
    assert told[-1] == (
        "headstart: stopped. What was finished is kept; the same command goes on from there."
    )
    assert sum(line.startswith(("headstart: source:", "headstart: target:")) for line in told) <= 2
    assert all(line.startswith("headstart: ") for line in told)


def workers_of(parent: int) -> list[int]:
    """The worker processes of a process, from the moment at which they are there."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        lines = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    except OSError:
        return []
    return [int(child) for child, line in lines.items() if b"popen_loky" in line]


class Interrupting:
    """A module during whose loading Ctrl-C is pressed."""

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


def test_ctrl_c_while_modules_are_loaded(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "headstart.cli.app", Interrupting())
    refused(call("run", "digits"), "headstart: stopped.", status=130)


class Leaving:
    """Ctrl-C is pressed while it is taken away, where an exception is ignored."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_is_not_lost_where_exceptions_are_ignored(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        Leaving()
        time.sleep(5)

    monkeypatch.setattr("headstart.cli._run", run)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        refused(call("run", "digits"), "headstart: stopped.", status=130)
    finally:
        signal.signal(signal.SIGINT, before)
