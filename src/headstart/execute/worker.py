"""The worker: does a job and returns what came of it. Torch is imported only here and below."""

import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headstart.core.array_cache import MemmapCache
from headstart.core.errors import HeadstartError, StoreError
from headstart.core.hashing import canonical_json
from headstart.execute.environment import device_for, environment
from headstart.execute.job import Computed, Job, Results, feature_cache
from headstart.plan.steps import Step
from headstart.store.blobs import pack
from headstart.store.database import store_error
from headstart.store.events import EventWriter, Measured, WorkerBusy, worker_events
from headstart.store.reading import Recipe, StepInputs, StepRow

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

    A failure of a step is an error text, not an exception, and no concern of the others; those that
    need what it should have given are left out.

    Raises:
        StoreError: what a step needs is damaged, or the store's folder is full; nothing else would
            fare better.
    """
    import torch

    from headstart.networks.reproducible import one_thread_an_operation

    device = torch.device(device_for(job.device))
    _settle(device)
    features = feature_cache(job.inputs.folder, shared=job.shared)
    events = worker_events(job.inputs.folder) if job.shared else None
    work = _Work(job, job.inputs, features, device, events)
    # Threads are restored, for the process may be the user's.
    with one_thread_an_operation(), closing(events) if events else nullcontext():
        work.do()
    return tuple(work.computed[step.key] for step in job.steps if step.key in work.computed)


@dataclass(slots=True)
class _Work:
    job: Job
    inputs: StepInputs
    features: MemmapCache
    device: "torch.device"
    events: EventWriter | None  # for who watches; None where nobody could read them
    computed: dict[str, Computed] = field(default_factory=dict)

    @property
    def context(self) -> "StepContext":
        """What the next step reads."""
        from headstart.execute.steps.context import StepContext

        return StepContext(finished=self.inputs, features=self.features, device=self.device)

    def do(self) -> None:
        """Each step alone, but trainings by updates of a group together, if there is room."""
        from headstart.execute.steps.run import run_step, use_threads
        from headstart.execute.steps.train import PreparedStep, prepare_step, trains_by_updates
        from headstart.train.trainer import bytes_of

        room = _room(self.device)
        waiting: list[PreparedStep] = []
        for step in self.job.steps:
            if waiting and not self._joins(step, [one.step for one in waiting]):
                self.train(waiting)
                waiting = []
            if self._fruitless(step):
                continue
            started = time.perf_counter()
            self.begin(step)
            try:
                if not trains_by_updates(step):
                    outcome = run_step(step, self.context)
                    self.record(step, outcome, time.perf_counter() - started)
                    continue
                use_threads(step)
                ready = prepare_step(step, self.context)
            except StoreError:
                raise
            except Exception:
                self.computed[step.key] = _failed(step)
                continue
            # One more may wait if it adds nothing, however large what it shares is.
            before = bytes_of(one.phase for one in waiting)
            if waiting and bytes_of(one.phase for one in (*waiting, ready)) > max(before, room):
                self.train(waiting)
                waiting = []
            waiting.append(ready)
        if waiting:
            self.train(waiting)

    def train(self, ready: "Sequence[PreparedStep]") -> None:
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
                self.computed[ready[0].step.key] = _failed(ready[0].step)
            else:
                for one in ready:
                    self.train([one])
            return
        share = (time.perf_counter() - started) / len(ready)
        for one, outcome in zip(ready, outcomes, strict=True):
            self.record(one.step, outcome, one.seconds + share)

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

    def record(self, step: Step, outcome: "Outcome", seconds: float) -> None:
        """What came of a step, for the store and for later steps of the job."""
        computed = self.computed[step.key] = self._packed(step, outcome, seconds)
        if computed.arrays is not None and any(step.key in one.inputs for one in self.job.steps):
            self.inputs = _with(self.inputs, step, computed)

    def _joins(self, step: Step, waiting: Sequence[Step]) -> bool:
        """Whether a step can be trained with those that wait: of their group, and after none."""
        device = self.device.type
        group = step.batch_groups.get(device)
        alike = group is not None and waiting[-1].batch_groups.get(device) == group
        return alike and not {one.key for one in waiting}.intersection(step.inputs)

    def _fruitless(self, step: Step) -> bool:
        """Whether a step needs one of the same job that has failed, or was left out."""
        own = {other.key for other in self.job.steps}.intersection(step.inputs)
        return any(key not in self.computed or self.computed[key].error for key in own)

    def _packed(self, step: Step, outcome: "Outcome", seconds: float) -> Computed:
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
            environment=environment(self.device.type),
        )


def _with(inputs: StepInputs, step: Step, computed: Computed) -> StepInputs:
    """Inputs with a step that was done since, as the store would give it back."""
    assert computed.arrays is not None
    row = StepRow(
        key=step.key,
        kind=step.kind,
        result=json.loads(canonical_json(computed.result)),
        seconds=computed.seconds,
        environment=computed.environment,
        blob=computed.arrays.blob,
    )
    recipe = Recipe(payload=step.payload, inputs=step.inputs)
    try:
        content = computed.arrays.read()
    except OSError as error:
        raise store_error(inputs.folder, error) from error
    return replace(
        inputs,
        finished={**inputs.finished, step.key: (row, recipe)},
        contents={**inputs.contents, step.key: content},
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
