"""Threads lent through a page that other processes read."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from headstart.core import thread_budget
from headstart.core.thread_budget import ThreadBudget, attach, threads

READER = """
import sys
from pathlib import Path
from headstart.core.thread_budget import attach, threads
attach(Path(sys.argv[1]))
for line in sys.stdin:
    print(threads(), flush=True)
"""


def test_another_process_reads_what_is_written_at_any_time() -> None:
    board = ThreadBudget()
    command = [sys.executable, "-c", READER, str(board.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for lending, told in ((None, 1), (3, 3), (0, 1), (1000, 255)):
            if lending is not None:
                board.write(lending)
            reader.stdin.write("?\n")
            reader.stdin.flush()
            assert int(reader.stdout.readline()) == told
    assert board.path.exists()  # the reader did not make it, and does not take it away


def test_a_page_goes_with_who_made_it() -> None:
    board = ThreadBudget()
    path = board.path
    del board
    assert not path.exists()


def test_pages_of_processes_that_were_killed_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    making = "import os, signal; from headstart.core.thread_budget import Board; b = Board(); "
    killed = [sys.executable, "-c", making + "os.kill(os.getpid(), signal.SIGKILL)"]
    subprocess.run(killed, env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.iterdir()
    mine = ThreadBudget()
    other = ThreadBudget()
    assert not left.exists()
    assert {mine.path, other.path} == set(tmp_path.iterdir())


def test_who_was_lent_nothing_has_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_budget, "_board", None)
    assert threads() == 1
    attach(tmp_path / "gone")
    assert threads() == 1
