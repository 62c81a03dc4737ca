"""What the worker processes of this one use: anonymous memory (no mapped files), processor time."""

import os
import threading
from pathlib import Path
from types import TracebackType

INTERVAL = 0.05  # seconds; the kernel keeps no peak of anonymous memory, so it is looked at
LOOK_ROUND = 20  # intervals between searches for new workers


class WorkerMemory:
    """Watches the children of this process while it is entered (Linux; elsewhere it sees none)."""

    def __init__(self) -> None:
        self._peak = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "WorkerMemory":
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._watch.join()

    def peak(self) -> int:
        """Bytes."""
        return self._peak

    def _look(self) -> None:
        seen = 0
        children: list[Path] = []
        while not self._over.wait(INTERVAL):
            if seen % LOOK_ROUND == 0:
                children = _children(os.getpid())
            seen += 1
            self._peak = max([self._peak, *(field(path, "RssAnon") * 1024 for path in children)])


def _children(parent: int) -> list[Path]:
    found = Path("/proc").glob("[0-9]*/status")
    return [path for path in found if field(path, "PPid") == parent]


def workers_cpu() -> float:
    """Seconds of processor time that the children of this process have used so far."""
    ticks = 0
    for path in _children(os.getpid()):
        try:
            after_name = (path.parent / "stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:
            continue
        ticks += sum(int(number) for number in after_name.split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def field(status: Path, name: str) -> int:
    """A number from a process's status file; 0 where the process is gone."""
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) if values else 0
