"""Runs sides in separate processes, round after round, and keeps what they hand over."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.data import prepare
from benchmarks.machine import installed
from benchmarks.results import Sample

Measured = dict[str, float]
UNITS = {
    "worker_bytes": "bytes",
    "bytes": "bytes",
    "rate": "operations/s",
    "images": "images/s",
    "accuracy": "",
    "load": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One competitor: a module of `benchmarks.sides`, its arguments and environment."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: str = "headstart"

    @property
    def installed(self) -> bool:
        """Whether its library is there."""
        return installed(self.needs)


@dataclass(slots=True, kw_only=True)
class Bench:
    """What a run of the benchmarks was asked to do, and all it has measured so far."""

    folder: Path
    full: bool
    repeats: int | None
    only: tuple[str, ...]
    against: tuple[str, ...] = ()
    share: float | None = None
    samples: list[Sample] = field(default_factory=list)

    def rounds(self, short: int = 3) -> int:
        """How many rounds a question gets."""
        return self.repeats or (1 if self.full else short)

    def share_of(self, usual: float) -> float:
        """The share of the epochs that is trained: all, what was asked for, or the usual one."""
        return 1.0 if self.full else self.share or usual

    def wants(self, recipe: str, data: tuple[str, ...]) -> bool:
        """Whether a recipe is asked about and its images are at hand."""
        if self.only and recipe not in self.only:
            return False
        if prepare(data, self.folder / "data"):
            return True
        print(f"{recipe}: left out, {' and '.join(data)} not found (set HEADSTART_DATA)")
        return False

    def compare(
        self, question: str, subject: str, sides: Sequence[Side], rounds: int
    ) -> dict[tuple[str, str], Sample]:
        """Run all sides, one after the other, `rounds` times: samples by (side, quantity)."""
        present = self.present(sides)
        taken: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for side in present:
                print(f"{question}: {subject}: {side.name} ...", end=" ", flush=True)
                measured = self._run(side)
                print(" ".join(f"{k} {v:.4g}" for k, v in measured.items()), flush=True)
                for quantity, value in measured.items():
                    taken.setdefault((side.name, quantity), []).append(value)
        found = {
            (side, quantity): Sample(
                question=question,
                subject=subject,
                side=side,
                quantity=quantity,
                unit=UNITS.get(quantity, "s"),
                values=tuple(values),
            )
            for (side, quantity), values in taken.items()
        }
        self.samples.extend(found.values())
        return found

    def present(self, sides: Sequence[Side]) -> list[Side]:
        """The sides that are asked for and installed."""
        return [side for side in sides if side.installed and self._asked(side)]

    def _asked(self, side: Side) -> bool:
        ours = side.name.startswith("headstart") or side.name.endswith("alone")
        return ours or not self.against or any(part in side.name for part in self.against)

    def _run(self, side: Side) -> Measured:
        """One side in a fresh process. `process` is its wall time from start to end."""
        out, log = self.folder / "out.json", self.folder / "log.txt"
        out.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"benchmarks.sides.{side.module}", *side.arguments]
        environment = {**os.environ, **side.environment, "TF_CPP_MIN_LOG_LEVEL": "3"}
        started = time.perf_counter()
        with log.open("w", encoding="utf-8") as text:
            ended = subprocess.run(
                [*command, str(out)], env=environment, stdout=text, stderr=text, check=False
            )
        passed = time.perf_counter() - started
        if ended.returncode or not out.exists():
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command)} failed:\n{tail}")
        measured: Measured = json.loads(out.read_text(encoding="utf-8"))
        return measured | {"process": passed, "load": os.getloadavg()[0]}
