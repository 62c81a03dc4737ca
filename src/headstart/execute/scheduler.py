"""Critical-path list scheduler over the step graph."""

import heapq
import logging
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil, inf

from headstart.core.errors import StoreDamaged
from headstart.core.locks import PATIENCE
from headstart.execute.commit import claim, commit
from headstart.execute.environment import device_for
from headstart.execute.executors import Executor, KilledForMemory, WorkerDied
from headstart.execute.job import Results, feature_cache, make_job
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import Listener, StepOutcome, out_of_memory
from headstart.plan.steps import Plan, Step
from headstart.store.store import Store

_log = logging.getLogger(__name__)

# How long to let another process work on a step before asking again.
BUSY_PAUSE = 0.2

# Steps of one group that are done together: more would save little, and lose more to a crash.
WIDEST = 16


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
            executor.close(abandon=bool(work.in_flight))
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
    _heap: list[tuple[float, int, str]] = field(default_factory=list)
    _waiting: dict[str, set[str]] = field(default_factory=dict)
    _users: dict[str, list[str]] = field(default_factory=dict)
    _later: list[tuple[float, str]] = field(default_factory=list)
    _busy: dict[str, float] = field(default_factory=dict)  # since when, by key
    _said: set[str] = field(default_factory=set)  # holders that were named
    _order: dict[str, tuple[float, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, step in self.plan.steps.items():
            for needed in step.inputs:
                self._users.setdefault(needed, []).append(key)
        self._rank()
        for key, step in self.plan.steps.items():
            if key not in self.done:
                self._waiting[key] = set(step.inputs) - self.done
                if not self._waiting[key]:
                    self._push(key)

    def _rank(self) -> None:
        """Length of the critical path from each step to the end; steps come after their inputs.

        Steps after which nothing is trained go before all others: they are short, and what a user
        waits to see done.
        """
        ahead: dict[str, float] = {}
        numbered = list(enumerate(self.plan.steps.items()))
        for number, (key, step) in reversed(numbered):
            after = max((ahead[user] for user in self._users.get(key, ())), default=0.0)
            ahead[key] = step.flops + after
            self._order[key] = (-ahead[key] if ahead[key] else -inf, number)

    def _push(self, key: str) -> None:
        heapq.heappush(self._heap, (*self._order[key], key))

    def run_all(self) -> None:
        """Until nothing is ready, in flight or waiting for another process."""
        while self._heap or self.in_flight or self._later or self.retry_alone:
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
                self._start([self.retry_alone[0]])
            return
        while self._heap and len(self.in_flight) < self.executor.slots:
            self._start(self._next())
        self.executor.set_threads(self.executor.slots // max(len(self.in_flight), 1))

    def _next(self) -> list[str]:
        """The first step that is ready, with others of its group; no worker is left without work.

        Where there is nothing else to do for the other free workers, the group is split evenly.
        """
        first = self._first()
        groups = self.plan.steps[first[-1]].batch_groups
        device = device_for(self.options.device) if groups else "cpu"
        group, taken = groups.get(device), [first]
        if group is not None:
            alike = sorted(
                at for at in self._heap if self.plan.steps[at[-1]].batch_groups.get(device) == group
            )
            free = self.executor.slots - len(self.in_flight)
            idle = max(free - (len(self._heap) - len(alike)), 1)
            taken = alike[: min(WIDEST, ceil(len(alike) / idle))]
        if taken == self._heap[:1]:
            heapq.heappop(self._heap)
        else:
            self._heap = sorted(set(self._heap) - set(taken))  # a sorted list is a heap
        return [at[-1] for at in taken]

    def _first(self) -> tuple[float, int, str]:
        """What is first in order; while one search for shared images is under way, no other.

        A search takes seconds and trains nothing: several would keep every worker from training.
        """
        running = (step for job in self.in_flight.values() for step in job.steps)
        searching = any(step.kind == "overlap" for step in running)
        if searching and self.plan.steps[self._heap[0][-1]].kind == "overlap":
            others = (at for at in self._heap if self.plan.steps[at[-1]].kind != "overlap")
            return min(others, default=self._heap[0])
        return self._heap[0]

    def _start(self, keys: list[str]) -> None:
        """Hand out those steps that nobody else works on, and that nobody else has done."""
        with ExitStack() as unless_submitted:
            found = claim([self.plan.steps[key] for key in keys], self.store)
            unless_submitted.push(found.release)
            for step, holder in found.busy:
                self._wait_for(step, holder)
            for step in found.done:
                self._ended(step, StepOutcome(key=step.key, status="reused"))
            if not found.ours:
                return
            for step in found.ours:
                self.listen(step, None)
            job = make_job(found.ours, self.store, self.options.device, shared=self.executor.shared)
            future = self.executor.submit(job)
            self.in_flight[future] = _InFlight(found.ours, found.release)
            unless_submitted.pop_all()

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
                    for step, computed in zip(job.steps, future.result(), strict=True):
                        self._ended(step, commit(step, computed, self.store))

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
        self._fail(step, StepOutcome(key=step.key, status="failed", error=self.crashes[step.key]))

    def _ended(self, step: Step, report: StepOutcome) -> None:
        if step.key in self.retry_alone:
            self.retry_alone.remove(step.key)
        if report.status == "failed":
            self._fail(step, report)
            return
        if report.status == "done":
            self.run.add(step.key)
        self.done.add(step.key)
        self.listen(step, report)
        for user in self._users.get(step.key, ()):
            if user in self._waiting:
                self._waiting[user].discard(step.key)
                if not self._waiting[user]:
                    self._push(user)

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
            self._push(entry[1])
