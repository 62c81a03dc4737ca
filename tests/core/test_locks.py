"""Who waits for a lock hears for whom, and for a process that is stopped nobody waits."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from headstart.core import locks
from headstart.core.array_cache import MemmapCache
from headstart.core.holders import Holder
from headstart.core.locks import claimed, holder_of, locked

HOLD = """
import sys
from pathlib import Path
from headstart.core.locks import claimed
with claimed(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.readline()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is in /proc")


@contextmanager
def holding(path: Path) -> "Iterator[subprocess.Popen[str]]":
    """Another process that holds a lock until it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.1)


def test_a_lock_is_signed_while_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with claimed(path) as ours:
        assert ours
        holder = holder_of(path)
        assert holder is not None
        assert (holder.process, holder.host) == (os.getpid(), socket.gethostname())
        assert not holder.stopped
        assert f"process {os.getpid()} on {socket.gethostname()}, which began at 20" in str(holder)
        with claimed(path) as again:
            assert not again
        assert holder_of(path) == holder
    assert holder_of(path) is None


@pytest.mark.parametrize("signature", [b"", b"no json", b"[1]", b'{"host": "x"}'])
def test_a_torn_signature_is_none(tmp_path: Path, signature: bytes) -> None:
    (tmp_path / "lock.holder").write_bytes(signature)
    assert holder_of(tmp_path / "lock") is None


def test_processes_of_other_hosts_are_not_known_to_be_stopped() -> None:
    assert not Holder(host="elsewhere", process=os.getpid(), since="now").stopped
    assert not Holder(host=socket.gethostname(), process=1 << 30, since="now").stopped


@linux
def test_a_process_that_has_the_number_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    with claimed(tmp_path / "lock"):
        ours = holder_of(tmp_path / "lock")
    assert ours is not None
    assert not ours.ended
    assert replace(ours, started="1").ended
    assert not replace(ours, started="").ended  # of an older version, which did not write it


def test_a_process_at_work_is_waited_for_and_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "lock"
    with holding(path) as process:
        release = threading.Timer(5 * locks.PATIENCE, process.kill)
        release.start()
        with locked(path) as ours:
            assert ours
    (record,) = caplog.records
    text = record.getMessage()
    assert text.startswith(f"waiting for process {process.pid} on {socket.gethostname()}, which")
    assert f"if it hangs, end it (kill {process.pid})" in text
    assert str(path) in text


@linux
def test_a_stopped_process_is_named_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "lock"
    with holding(path) as process:
        process.send_signal(signal.SIGSTOP)
        with locked(path) as ours:
            assert not ours
        assert f"and is stopped: continue it (kill -CONT {process.pid}) or end it" in caplog.text
        assert "going on without what it makes" in caplog.text
        process.send_signal(signal.SIGCONT)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        process.wait()
        with locked(path) as ours:
            assert ours


@linux
def test_a_cache_goes_on_without_a_stopped_process(tmp_path: Path) -> None:
    cache = MemmapCache(tmp_path, lasting=True)
    with holding(tmp_path / "name.lock") as process:
        process.send_signal(signal.SIGSTOP)
        assert cache.filled("name", (1,), "u1", lambda first: iter(())) is None


def test_who_held_it_last_is_not_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    left = {"host": "elsewhere", "process": 1, "since": "long ago"}
    (tmp_path / "lock.holder").write_text(json.dumps(left))
    with claimed(path):
        holder = holder_of(path)
        assert holder is not None
        assert holder.process == os.getpid()
