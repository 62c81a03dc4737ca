"""Critical-path list scheduler over the step graph."""

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from headstart.core.errors import StoreDamaged
from headstart.core.locks import PATIENCE
from headstart.execute.commit import claim, commit
from headstart.execute.environment import device_for
from headstart.execute.executors import Executor, KilledForMemory, WorkerDied
from headstart.execute.job import Results, feature_cache, make_job
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener, StepOutcome, out_of_memory
from headstart.execute.ready import Free, ReadySteps
from headstart.plan.steps import Plan, Step
from headstart.store.store import Store

_log = logging.getLogger(__name__)

# How long to let another process work on a step before asking again.
BUSY_PAUSE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a run did: keys of steps done here, found in the store, failed; number left out.

    Steps are left out for want of their inputs.
    """

    done: frozenset[str] = frozenset()
    found: frozenset[str] = frozenset()
    failed: tuple[str, ...] = ()
    blocked: int = 0

    @property
    def run(self) -> int:
        """Number of steps done here."""
        return len(self.done)

    @property
    def reused(self) -> int:
        """Number of steps found in the store."""
        return len(self.found)

    def then(self, later: "Tally") -> "Tally":
        """Both of two executions; what the first has done, the later one finds in the store."""
        done = self.done | later.done
        return Tally(
            done=done,
            found=(self.found | later.found) - done,
            failed=tuple(dict.fromkeys((*self.failed, *later.failed))),
            blocked=later.blocked,
        )


def execute(
    plan: Plan, store: Store, options: RunOptions, executor: Executor, listen: Listener
) -> Tally:
    """Run what is missing of a plan. Failed steps are recorded; what needs them is left out.

    Raises:
        StoreError: the store cannot be written. KeyboardInterrupt: as it comes; finished steps are
        kept and the next run goes on from them.
    """
    with closing(executor):
        return _execute(plan, store, options, executor, listen)


def _execute(
    plan: Plan, store: Store, options: RunOptions, executor: Executor, listen: Listener
) -> Tally:
    run: set[str] = set()
    while True:
        work = _Schedule(plan, store, store.finished(plan.steps), executor, options, listen)
        try:
            work.run_all()
        except StoreDamaged as damaged:
            if not damaged.key:
                raise
            store.drop(damaged.key)  # look again, and compute it with the rest
            run |= work.run
            continue
        finally:
            if work.in_flight:
                executor.abandon()
            work.release()
            feature_cache(store.folder).clear()
        run |= work.run
        for key, error in work.crashes.items():
            store.fail(key, plan.steps[key].label, error)
        return Tally(
            done=frozenset(run),
            found=frozenset(work.done - run),
            failed=tuple(work.failed),
            blocked=len(plan.steps) - len(work.done) - len(work.failed),
        )


@dataclass(frozen=True, slots=True)
class _InFlight:
    """Steps that are being done, and the claims on them."""

    steps: tuple[Step, ...]
    claims: ExitStack


@dataclass(slots=True)
class _Schedule:
    plan: Plan
    store: Store
    done: set[str]
    executor: Executor
    options: RunOptions
    listen: Listener
    in_flight: dict[Future[Results], _InFlight] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    crashes: dict[str, str] = field(default_factory=dict)
    retry_alone: list[str] = field(default_factory=list)
    run: set[str] = field(default_factory=set)
    _ready: ReadySteps = field(init=False)
    _later: list[tuple[float, str]] = field(default_factory=list)
    _busy: dict[str, float] = field(default_factory=dict)  # since when, by key
    _said: set[str] = field(default_factory=set)  # holders that were named

    def __post_init__(self) -> None:
        grouped = any(step.batch_groups for step in self.plan.steps.values())
        device = device_for(self.options.device_here) if grouped else "cpu"
        self._ready = ReadySteps(plan=self.plan, done=self.done, device=device)

    def run_all(self) -> None:
        """Until nothing is ready, in flight or waiting for another process."""
        while self._ready or self.in_flight or self._later or self.retry_alone:
            self._wake()
            self._submit()
            if self.in_flight:
                timeout = BUSY_PAUSE if self._later else None
                finished, _ = wait(self.in_flight, timeout, return_when=FIRST_COMPLETED)
                self._settle(finished)
            elif self._later:
                time.sleep(BUSY_PAUSE)

    def _submit(self) -> None:
        # Who was in flight when a worker died runs again alone, so that the next death names the
        # guilty one.
        if self.retry_alone:
            if not self.in_flight:
                self._start_alone()
            return
        workers = self.executor.slots
        while self._ready and len(self.in_flight) < workers:
            running = (step for job in self.in_flight.values() for step in job.steps)
            free = Free(
                workers=workers - len(self.in_flight),
                all_workers=workers,
                handover=self.executor.handover,
                searching=any(step.kind == "overlap" for step in running),
            )
            self._start(self._ready.take(free))
        self.executor.set_threads(workers // max(len(self.in_flight), 1))

    def _start_alone(self) -> None:
        """The next of those that run alone; one whose inputs are missing waits for them."""
        key = self.retry_alone[0]
        if self.done.issuperset(self.plan.steps[key].inputs):
            self._start([key])
        else:
            self.retry_alone.remove(key)
            self._ready.add(key)

    def _start(self, keys: list[str]) -> None:
        """Hand out those steps that nobody else works on, and that nobody else has done."""
        with ExitStack() as unless_submitted:
            found = claim([self.plan.steps[key] for key in keys], self.store)
            unless_submitted.push(found.release)
            for step, holder in found.busy:
                self._wait_for(step, holder)
            for step in found.done:
                self._ended(step, StepOutcome(key=step.key, status="reused"))
            for step in found.waiting:
                self._ready.add(step.key)
            if not found.ours:
                return
            for step in found.ours:
                if self.done.issuperset(step.inputs):
                    self.listen(step, None)
            job = make_job(
                found.ours,
                self.store,
                self.options.device,
                shared=self.executor.shared,
                threads=self._threads(),
            )
            future = self.executor.submit(job)
            self.in_flight[future] = _InFlight(found.ours, found.release)
            unless_submitted.pop_all()

    def _threads(self) -> int:
        """Threads of one more job, where all that is in flight and all that is ready has some."""
        return max(self.executor.slots // (len(self.in_flight) + len(self._ready) + 1), 1)

    def _settle(self, finished: Iterable[Future[Results]]) -> None:
        for future in finished:
            error = future.exception()
            if error is not None and not isinstance(error, WorkerDied):
                raise error
            job = self.in_flight.pop(future)
            with job.claims:
                if error is not None:
                    for step in job.steps:
                        self._died(step, error)
                else:
                    self._commit(job.steps, future.result())

    def _commit(self, steps: Sequence[Step], results: Results) -> None:
        """Commit what came of a job, step by step.

        What was made of other steps of the job counts only if theirs is what the store has.
        """
        computed = {one.key: one for one in results}
        not_stored = {step.key for step in steps}
        for step in steps:
            if not_stored.intersection(step.inputs):
                self._ready.add(step.key)  # where an input has failed it waits for ever
                continue
            if any(key in computed for key in step.inputs):
                self.listen(step, None)
            outcome = commit(step, computed[step.key], self.store)
            if outcome.status == "done":
                not_stored.discard(step.key)
                self._ready.pace.measured(step, outcome.seconds)
            self._ended(step, outcome)

    def release(self) -> None:
        """Give up the claims on all that is in flight."""
        for job in self.in_flight.values():
            job.claims.close()

    def _died(self, step: Step, error: BaseException) -> None:
        if step.key not in self.retry_alone:
            self.retry_alone.append(step.key)
            return
        self.retry_alone.remove(step.key)
        said = f"the worker process died twice on this step, the second time alone: {error}"
        if isinstance(error, KilledForMemory):
            said += f". {out_of_memory(step)}"
        self.crashes[step.key] = said
        self._fail(step, StepOutcome(key=step.key, status="failed", error=said))

    def _ended(self, step: Step, report: StepOutcome) -> None:
        if step.key in self.retry_alone:
            self.retry_alone.remove(step.key)
        if report.status == "failed":
            self._fail(step, report)
            return
        if report.status == "done":
            self.run.add(step.key)
        self.listen(step, report)
        self._ready.finished(step.key)

    def _wait_for(self, step: Step, holder: str) -> None:
        """Ask again later for a step that another process works on; once it lasts, say which."""
        if step.key in self.retry_alone:
            self.retry_alone.remove(step.key)
        now = time.monotonic()
        self._later.append((now + BUSY_PAUSE, step.key))
        begun = self._busy.setdefault(step.key, now)
        if now - begun >= PATIENCE and holder not in self._said:
            self._said.add(holder)
            _log.warning("step '%s' waits for %s", step.label, holder or "another process")

    def _fail(self, step: Step, report: StepOutcome) -> None:
        self.failed.append(step.key)
        self.listen(step, report)

    def _wake(self) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self._later if entry[0] <= now]:
            self._later.remove(entry)
            self._ready.add(entry[1])
