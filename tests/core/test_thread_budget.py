"""The thread budget: one number that one process writes and others read at any time."""

import subprocess
import sys
import time

import pytest

from headstart.core import thread_budget
from headstart.core.thread_budget import ThreadBudget, attach, threads

READER = """
import sys
from headstart.core.thread_budget import attach, threads
attach(sys.argv[1])
for _ in sys.stdin:
    print(threads(), flush=True)
"""


def exists(name: str) -> bool:
    try:
        ThreadBudget(name)
    except FileNotFoundError:
        return False
    return True


def test_another_process_reads_what_was_written_last() -> None:
    budget = ThreadBudget()
    command = [sys.executable, "-c", READER, budget.name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stderr is not None
        for written, read in ((None, 1), (3, 3), (0, 1), (1000, 255)):
            if written is not None:
                budget.set_threads(written)
            reader.stdin.write("?\n")
            reader.stdin.flush()
            assert int(reader.stdout.readline()) == read
        reader.stdin.close()
        assert reader.stderr.read() == ""  # it has nothing to clean up
    assert exists(budget.name)  # the reader did not make it, and does not take it away


def test_the_memory_goes_with_the_budget() -> None:
    budget = ThreadBudget()
    name = budget.name
    assert exists(name)
    del budget
    assert not exists(name)


def test_the_memory_of_a_killed_process_goes_too() -> None:
    making = (
        "import os, signal; from headstart.core.thread_budget import ThreadBudget\n"
        "b = ThreadBudget(); print(b.name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", making], stdout=subprocess.PIPE, text=True, check=False
    )
    name = killed.stdout.strip()
    deadline = time.monotonic() + 20
    while exists(name) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not exists(name)


def test_a_process_without_budget_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_budget, "_attached", None)
    assert threads() == 1
    attach("headstart-is-gone")
    assert threads() == 1
