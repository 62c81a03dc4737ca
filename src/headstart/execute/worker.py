"""The worker: does a job and returns what came of it. Torch is imported only here and below."""

import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.errors import HeadstartError, StoreError
from headstart.core.hashing import canonical_json
from headstart.execute.environment import device_for, environment
from headstart.execute.job import Computed, Job, Results, feature_cache
from headstart.plan.steps import Step
from headstart.store.blobs import pack
from headstart.store.database import store_error
from headstart.store.events import EventWriter, Measured, WorkerBusy, worker_events

if TYPE_CHECKING:
    import torch

    from headstart.execute.steps.context import StepContext
    from headstart.execute.steps.outcome import Outcome
    from headstart.execute.steps.train import PreparedStep
    from headstart.train.watching import Measurement, Watcher

# How much may wait in memory to be trained together; on a GPU, which share of what is free there.
READY_BYTES = 256_000_000
READY_SHARE = 0.2

WRITTEN_EVERY = 0.5  # seconds between measurements of a training that are written for who watches


def do_job(job: Job) -> Results:
    """What came of each step of a job, in order.

    A failure of a step is an error text, not an exception, and no concern of the others.

    Raises:
        StoreError: what a step needs is damaged, or the store's folder is full; nothing else would
            fare better.
    """
    import torch

    from headstart.execute.steps.context import StepContext
    from headstart.networks.reproducible import one_thread_an_operation

    device = torch.device(device_for(job.device))
    _settle(device)
    features = feature_cache(job.inputs.folder, shared=job.shared)
    context = StepContext(finished=job.inputs, features=features, device=device)
    events = worker_events(job.inputs.folder) if job.shared else None
    # Threads are restored, for the process may be the user's.
    with one_thread_an_operation(), closing(events) if events else nullcontext():
        computed = {one.key: one for one in _Work(job, context, events).do(job.steps)}
    return tuple(computed[step.key] for step in job.steps)


@dataclass(frozen=True, slots=True)
class _Work:
    job: Job
    context: "StepContext"
    events: EventWriter | None  # for who watches; None where nobody could read them

    def do(self, steps: Sequence[Step]) -> Iterator[Computed]:
        """Each step alone, but those that train by updates together, as many as there is room."""
        from headstart.execute.steps.run import run_step, use_threads
        from headstart.execute.steps.train import PreparedStep, prepare_step, trains_by_updates
        from headstart.train.trainer import bytes_of

        room = _room(self.context.device)
        waiting: list[PreparedStep] = []
        for step in steps:
            started = time.perf_counter()
            self.begin(step)
            try:
                if not trains_by_updates(step):
                    outcome = run_step(step, self.context)
                    yield self.packed(step, outcome, time.perf_counter() - started)
                    continue
                use_threads(step)
                ready = prepare_step(step, self.context)
            except StoreError:
                raise
            except Exception:
                yield _failed(step)
                continue
            # One more may wait if it adds nothing, however large what it shares is.
            before = bytes_of(one.phase for one in waiting)
            if waiting and bytes_of(one.phase for one in (*waiting, ready)) > max(before, room):
                yield from self.trained(waiting)
                waiting = []
            waiting.append(ready)
        if waiting:
            yield from self.trained(waiting)

    def trained(self, ready: "Sequence[PreparedStep]") -> Iterator[Computed]:
        """Train the prepared steps together; each is charged its share of the time.

        If that fails, each is tried alone, so that one that cannot be trained fails alone.
        """
        from headstart.execute.steps.run import use_threads
        from headstart.execute.steps.train import train_prepared
        from headstart.train.watching import watched_by

        started = time.perf_counter()
        try:
            use_threads(ready[0].step)
            with watched_by(self.watcher([one.step.key for one in ready])):
                outcomes = train_prepared(ready)
        except Exception:
            if len(ready) == 1:
                yield _failed(ready[0].step)
            else:
                for one in ready:
                    yield from self.trained([one])
            return
        share = (time.perf_counter() - started) / len(ready)
        for one, outcome in zip(ready, outcomes, strict=True):
            yield self.packed(one.step, outcome, one.seconds + share)

    def begin(self, step: Step) -> None:
        """Say that this process works on a step."""
        if self.events:
            host = socket.gethostname()
            self.events.write(WorkerBusy(key=step.key, host=host, process=os.getpid()))

    def watcher(self, keys: Sequence[str]) -> "Watcher":
        """Writes measurements of trainings, those of one update now and then."""
        last = time.monotonic()

        def measured(points: "Sequence[Measurement]") -> None:
            nonlocal last
            if self.events is None or time.monotonic() - last < WRITTEN_EVERY:
                return
            last = time.monotonic()
            for key, point in zip(keys, points, strict=True):
                accuracy = point.validation_accuracy
                self.events.write(
                    Measured(
                        key=key,
                        update=point.update,
                        train_loss=point.train_loss,
                        validation_accuracy=accuracy,
                    )
                )

        return measured

    def packed(self, step: Step, outcome: "Outcome", seconds: float) -> Computed:
        """A step that is done, in the form that the store keeps."""
        folder = self.job.inputs.folder if self.job.shared else None
        try:
            canonical_json(outcome.result)  # a result that has no such form is a fault of the step
            arrays = pack(outcome.arrays, folder, step.key)
        except OSError as error:
            raise store_error(self.job.inputs.folder, error) from error
        except Exception:
            return _failed(step)
        return Computed(
            key=step.key,
            seconds=seconds,
            result=outcome.result,
            arrays=arrays,
            environment=environment(self.context.device.type),
        )


def _failed(step: Step) -> Computed:
    """The exception that is being handled: of bad input the sentence says it all."""
    raised = sys.exception()
    error = str(raised) if isinstance(raised, HeadstartError) else traceback.format_exc()
    return Computed(key=step.key, error=error)


def _settle(device: "torch.device") -> None:
    """Make a GPU give the same numbers from run to run, and float32 that is float32."""
    if device.type == "cuda":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False


def _room(device: "torch.device") -> float:
    """Memory limit in bytes for prepared trainings of a batch group."""
    if device.type != "cuda":
        return READY_BYTES
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return READY_SHARE * free
