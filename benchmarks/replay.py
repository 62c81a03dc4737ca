"""A study's measured steps through the real scheduler, on workers whose clock is only counted.

`python -m benchmarks.replay STORE` takes the steps of a finished study from its store: what they
gave and how long each took. The scheduler plans, claims and commits them into an empty store as it
always does; only the work is not done, and time passes by the executor's clock.
"""

import argparse
import heapq
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

from headstart.execute.executors import ProcessExecutor
from headstart.execute.job import Computed, Job, Results
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import execute
from headstart.flow.check import Loaded
from headstart.flow.engine import START_SECONDS, plan_of
from headstart.flow.reopen import reopen
from headstart.plan.steps import Plan, Step
from headstart.store.blobs import Packed, pack
from headstart.store.reading import StepRow
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What there is beside the steps, in seconds.

    `start` is how long a worker starts, `handover` what a job costs its worker, and `coordinator`
    what a step costs the one process that claims and commits all of them.
    """

    start: float = START_SECONDS
    handover: float = ProcessExecutor.handover
    coordinator: float = 0.014


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Steps of a study that was run: results and seconds, by key and by what is alike.

    With `arrays`, steps come back with those of a step like them; else with none.
    """

    rows: Mapping[str, StepRow]
    alike: Mapping[tuple[object, ...], float]
    likest: Mapping[tuple[object, ...], str]
    arrays: Mapping[str, Packed]

    @classmethod
    def of(cls, plan: Plan, store: Store, *, arrays: bool = False) -> "Recorded":
        """What a store holds of a plan."""
        rows = store.rows(plan.steps)
        seconds: dict[tuple[object, ...], list[float]] = defaultdict(list)
        for key, row in rows.items():
            for place in _likeness(plan.steps[key]):
                seconds[place].append(row.seconds)
        alike = {place: fmean(found) for place, found in seconds.items()}
        likest = {place: key for key in rows for place in _likeness(plan.steps[key])}
        packed = {key: pack(store.arrays_of(row)) for key, row in rows.items()} if arrays else {}
        return cls(rows=rows, alike=alike, likest=likest, arrays=packed)

    def seconds(self, step: Step) -> float:
        """How long a step took, or steps like it on average."""
        if step.key in self.rows:
            return self.rows[step.key].seconds
        return next((self.alike[p] for p in _likeness(step) if p in self.alike), 0.0)

    def computed(self, step: Step) -> Computed:
        """A step as it would come back from a worker."""
        like = step.key
        if like not in self.rows:
            like = next((self.likest[p] for p in _likeness(step) if p in self.likest), "")
        row = self.rows.get(like)
        return Computed(
            key=step.key,
            seconds=self.seconds(step),
            result=row.result if row else {},
            arrays=self.arrays.get(like, pack({})),
            environment=row.environment if row else {},
        )


def _likeness(step: Step) -> tuple[tuple[object, ...], ...]:
    """What steps are alike by, the closest first."""
    arm = step.label.split(" on ")[0]
    return (step.kind, arm, step.flops, step.updates), (step.kind, step.flops), (step.kind,)


@dataclass(slots=True)
class VirtualWorkers:
    """An executor whose workers do recorded steps in no time, and count how long they would take.

    The scheduler calls `set_threads` when it has handed out all that it can: then the clock goes on
    to the next end of a job. The coordinator does one thing after the other: while it commits,
    workers that are done wait for it.
    """

    slots: int
    recorded: Recorded
    costs: Costs
    clock: float = 0.0
    work: float = 0.0
    jobs: int = 0
    shared: bool = True
    _running: list[tuple[float, int, int, Job, Future[Results]]] = field(default_factory=list)
    _idle: list[int] = field(default_factory=list)
    _started: int = 0

    @property
    def handover(self) -> float:
        """As the executor says it that is imitated."""
        return self.costs.handover

    def submit(self, job: Job) -> Future[Results]:
        """Begin a job on a worker that is free, or on a new one."""
        begun = self.clock + self.costs.handover
        if self._idle:
            worker = self._idle.pop()
        else:
            worker, self._started = self._started, self._started + 1
            begun += self.costs.start
        seconds = sum(self.recorded.seconds(step) for step in job.steps)
        self.jobs, self.work = self.jobs + 1, self.work + seconds
        future: Future[Results] = Future()
        heapq.heappush(self._running, (begun + seconds, self.jobs, worker, job, future))
        return future

    def set_threads(self, threads: int) -> None:
        """Go on to the next end of a job, and to the end of its commit."""
        if not self._running:
            return
        end, _, worker, job, future = heapq.heappop(self._running)
        self._idle.append(worker)
        self.clock = max(self.clock, end) + self.costs.coordinator * len(job.steps)
        future.set_result(tuple(self.recorded.computed(step) for step in job.steps))

    def abandon(self) -> None:
        """Jobs take no time, so that none is running."""

    def close(self) -> None:
        """The next plan of the study goes on with the same workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How a study went on so many workers."""

    workers: int
    seconds: float
    work: float
    jobs: int

    @property
    def efficiency(self) -> float:
        """Share of the workers' time in which they did steps."""
        return self.work / (self.workers * self.seconds)


def replayed(loaded: Loaded, recorded: Recorded, workers: int, costs: Costs) -> Replay:
    """A study on an empty store with so many workers, with all plans that a pilot makes of it."""
    executor = VirtualWorkers(slots=workers, recorded=recorded, costs=costs)
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder, Store(Path(folder)) as store:
        carry_out(loaded, store, executor)
    return Replay(workers=workers, seconds=executor.clock, work=executor.work, jobs=executor.jobs)


def carry_out(loaded: Loaded, store: Store, executor: VirtualWorkers) -> Plan:
    """All plans of a study, one after the other as the pilot makes its choices; gives the last."""
    options = RunOptions(store=store.folder, workers=executor.slots, device="cpu")
    while True:
        plan = plan_of(loaded, store)
        execute(plan, store, options, executor, lambda *_: None)
        if not store.finished(plan.undecided):
            return plan


def without(loaded: Loaded, recorded: Recorded, workers: int, costs: Costs) -> dict[str, float]:
    """Seconds of a study on so many workers if one of the costs were nothing, by its name."""
    return {
        name: replayed(loaded, recorded, workers, replace(costs, **{name: 0.0})).seconds
        for name in ("start", "handover", "coordinator")
    }


def real_seconds(rows: Mapping[str, StepRow], store: Store) -> float:
    """From the first start of a step to the last commit, in the run that a store remembers."""
    made = store.made(rows)
    ends = {key: datetime.fromisoformat(made[key].finished_at) for key in rows}
    starts = (end - timedelta(seconds=rows[key].seconds) for key, end in ends.items())
    return (max(ends.values()) - min(starts)).total_seconds()


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay a store's study with several numbers of workers, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--study", help="its name; by default the one used last")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8, 64, 256])
    parser.add_argument("--seeds", type=int, help="as if it had so many; steps like those recorded")
    parser.add_argument("--start", type=float, default=Costs().start)
    parser.add_argument("--handover", type=float, default=Costs().handover)
    parser.add_argument("--coordinator", type=float, default=Costs().coordinator)
    given = parser.parse_args(arguments)
    costs = Costs(start=given.start, handover=given.handover, coordinator=given.coordinator)
    with Store(given.store, reading=True) as store:
        again = reopen(store, given.study or store.studies()[0].name)
        recorded = Recorded.of(again.plan, store)
        print(f"recorded: {len(recorded.rows)} of {len(again.plan.steps)} steps, ", end="")
        print(f"{sum(row.seconds for row in recorded.rows.values()):.1f} s of work, ", end="")
        print(f"{real_seconds(recorded.rows, store):.1f} s from start to end")
    loaded = again.loaded
    if given.seeds:
        study = loaded.study.model_copy(update={"seeds": tuple(range(given.seeds))})
        loaded = replace(loaded, study=study)
    for workers in given.workers:
        found = replayed(loaded, recorded, workers, costs)
        print(
            f"{workers} workers: {found.seconds:.1f} s, {found.work:.1f} s of work in "
            f"{found.jobs} jobs, efficiency {found.efficiency:.3f}"
        )
        for what, seconds in without(loaded, recorded, workers, costs).items():
            print(f"    without {what}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
