"""Claims: one process at a time, the next one once it is gone, and never two."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headstart.core import claims
from headstart.core.claims import holder, take

HOLD = """
import sys, time
from pathlib import Path
from headstart.core.claims import take
claim = take(Path(sys.argv[1]))
print(claim is not None, flush=True)
time.sleep(100)
"""

COUNT = """
import sys, time
from pathlib import Path
from headstart.core import claims
folder, log = Path(sys.argv[1]), Path(sys.argv[2])
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    claim = claims.take(folder)
    if claim is None:
        time.sleep(0.001)
        continue
    inside = log / "inside"
    with inside.open("x"):  # fails where another is inside
        pass
    time.sleep(0.001)
    inside.unlink()
    with (log / "count").open("a") as file:
        file.write("x")
    claim.release()
"""


def process(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_a_claim_is_for_one_process_and_names_it(tmp_path: Path) -> None:
    with process(HOLD, tmp_path / "claim") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert take(tmp_path / "claim") is None
        known = holder(tmp_path / "claim")
        assert known is not None
        assert known.process == other.pid
        other.send_signal(signal.SIGKILL)
        other.wait()
        ours = take(tmp_path / "claim")
        assert ours is not None
        ours.release()


def test_a_process_may_take_its_claim_again(tmp_path: Path) -> None:
    first, second = take(tmp_path), take(tmp_path)
    assert first is not None
    assert first is second
    first.release()
    with process(HOLD, tmp_path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "False\n"
        other.kill()
    first.release()
    assert holder(tmp_path) is None


def test_a_claim_of_another_host_ends_when_it_was_not_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setattr("socket.gethostname", lambda: "elsewhere")
        assert claims._made(tmp_path / "00000001")
    assert take(tmp_path) is None
    old = time.time() - claims.STALE - 5
    os.utime(tmp_path / "00000001", (old, old))
    ours = take(tmp_path)
    assert ours is not None
    assert ours.file.name == "00000002"
    ours.release()


def test_a_claim_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEWED", 0.01)
    ours = take(tmp_path)
    assert ours is not None
    os.utime(ours.file, (0, 0))
    deadline = time.monotonic() + 30
    while not ours.file.stat().st_mtime and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert ours.file.stat().st_mtime > 0
    ours.release()


def test_many_processes_are_never_inside_together(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    running = [process(COUNT, tmp_path / "claim", tmp_path / "log", 1.0) for _ in range(3)]
    errors = [one.communicate(timeout=60)[1] for one in running]
    assert errors == [""] * 3
    assert len((tmp_path / "log" / "count").read_text()) > 3
    assert len(list((tmp_path / "claim").iterdir())) <= claims.KEPT + 3
