"""The worker: locks a step, runs it, writes its row. Torch is imported only if there is work."""

import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headstart.core.errors import HeadstartError, StoreError
from headstart.execute.environment import device_for, environment
from headstart.execute.options import RunOptions
from headstart.plan.steps import VERSIONS, Step
from headstart.store.store import Store

if TYPE_CHECKING:
    import torch

    from headstart.execute.steps.outcome import Outcome
    from headstart.execute.steps.train import PreparedStep

# How much may wait in memory to be trained together; on a GPU, which share of what is free there.
READY_BYTES = 256_000_000
READY_SHARE = 0.2

Status = Literal["done", "reused", "busy", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """How a step ended: done here, found done, busy elsewhere, or failed with an error text.

    `holder` says who is at work on it elsewhere, where that is known.
    """

    key: str
    status: Status
    seconds: float = 0.0
    error: str = ""
    holder: str = ""


def run_steps(steps: Sequence[Step], options: RunOptions) -> tuple[StepOutcome, ...]:
    """Run the steps of one batch group, except those finished or locked by another process.

    Every step has a claim, a row and a report of its own. A failure of a step is a report, not an
    exception, and no concern of the others.

    Raises:
        StoreError: the store cannot be written; nothing else would fare better.
    """
    database = options.store / "headstart.db"
    store = _store(options.store, database.stat().st_ino if database.exists() else 0)
    reports: dict[str, StepOutcome] = {}
    with ExitStack() as claims:
        for step in steps:
            if not claims.enter_context(store.lock_step(step.key)):
                holder = str(store.step_holder(step.key) or "")
                reports[step.key] = StepOutcome(key=step.key, status="busy", holder=holder)
            elif store.row(step.key) is not None:
                reports[step.key] = StepOutcome(key=step.key, status="reused")
        ours = [step for step in steps if step.key not in reports]
        for report in _work(ours, store, options) if ours else ():
            reports[report.key] = report
    return tuple(reports[step.key] for step in steps)


def _work(steps: Sequence[Step], store: Store, options: RunOptions) -> Iterator[StepOutcome]:
    import torch

    from headstart.execute.steps.run import run_step, use_threads
    from headstart.execute.steps.train import PreparedStep, prepare_step, trains_by_updates
    from headstart.train.trainer import bytes_of

    device = torch.device(device_for(options.device))
    desk = StepWriter(store, device)
    _settle(device)
    room = _room(device)
    waiting: list[PreparedStep] = []
    for step in steps:
        started = time.perf_counter()
        try:
            if not trains_by_updates(step):
                outcome = run_step(step, store, device)
                yield desk.keep(step, outcome, time.perf_counter() - started)
                continue
            use_threads(step)
            ready = prepare_step(step, store, device)
        except StoreError:
            raise
        except Exception:
            yield desk.fail(step)
            continue
        # One more may wait if it brings nothing of its own, however large what it shares is.
        before = bytes_of(one.phase for one in waiting)
        if waiting and bytes_of(one.phase for one in (*waiting, ready)) > max(before, room):
            yield from desk.train(waiting)
            waiting = []
        waiting.append(ready)
    if waiting:
        yield from desk.train(waiting)


def _settle(device: "torch.device") -> None:
    """Make a GPU give the same numbers from run to run, and float32 that is float32."""
    if device.type == "cuda":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False


def _room(device: "torch.device") -> float:
    """Memory limit in bytes for prepared trainings of a batch group."""
    if device.type == "cpu":
        return READY_BYTES
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return READY_SHARE * free


@dataclass(frozen=True, slots=True)
class StepWriter:
    """Writer of outcomes to the store."""

    store: Store
    device: "torch.device"

    def train(self, ready: "Sequence[PreparedStep]") -> Iterator[StepOutcome]:
        """Train the prepared steps together; each is charged its share of the time.

        If that fails, each is tried alone, so that one that cannot be trained fails alone.
        """
        from headstart.execute.steps.run import use_threads
        from headstart.execute.steps.train import train_prepared

        started = time.perf_counter()
        try:
            use_threads(ready[0].step)
            outcomes = train_prepared(ready)
        except Exception:
            if len(ready) == 1:
                yield self.fail(ready[0].step)
            else:
                for one in ready:
                    yield from self.train([one])
            return
        share = (time.perf_counter() - started) / len(ready)
        for one, outcome in zip(ready, outcomes, strict=True):
            yield self.keep(one.step, outcome, one.seconds + share)

    def keep(self, step: Step, outcome: "Outcome", seconds: float) -> StepOutcome:
        """Write the row of a step that is done."""
        try:
            self.store.put(
                key=step.key,
                kind=step.kind,
                version=VERSIONS[step.kind],
                payload=step.payload,
                inputs=step.inputs,
                result=outcome.result,
                arrays=outcome.arrays,
                seconds=seconds,
                environment=environment(self.device.type),
            )
        except StoreError:
            raise
        except Exception:
            return self.fail(step)
        return StepOutcome(key=step.key, status="done", seconds=seconds)

    def fail(self, step: Step) -> StepOutcome:
        """Record the exception that is being handled: of bad input the sentence says it all."""
        raised = sys.exception()
        error = str(raised) if isinstance(raised, HeadstartError) else traceback.format_exc()
        self.store.fail(step.key, step.label, error)
        return StepOutcome(key=step.key, status="failed", error=error)


@lru_cache(maxsize=2)
def _store(folder: Path, file: int) -> Store:
    """One connection per process and store; a store deleted and made anew is another `file`."""
    return Store(folder)
