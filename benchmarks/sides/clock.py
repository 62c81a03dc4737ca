"""Wall time by name, and the one way in which a side hands over what it measured."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Clock:
    """Seconds by name; the same name again adds to it.

    `cpu` is the processor time of all threads over all of them: on a machine with other work it
    tells more than the wall does.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"cpu": 0.0}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        started, spent = time.perf_counter(), time.process_time()
        yield
        self.seconds["cpu"] += time.process_time() - spent
        passed = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + passed


def hand_over(path: Path, measured: dict[str, float]) -> None:
    """Write the measured numbers for the process that asked."""
    path.write_text(json.dumps(measured), encoding="utf-8")
