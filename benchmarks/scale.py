"""What does headstart itself cost where studies are large, and how much does each worker add?

A small study is run once. Its steps then stand for those of the same study with so many seeds that
it has 3,000 trials: they are claimed and committed as ever, and only the work is not done
(`benchmarks.replay`).
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from benchmarks.measure import Bench
from benchmarks.replay import Costs, Recorded, VirtualWorkers, carry_out, replayed
from benchmarks.results import Figure, Sample
from headstart import flow
from headstart.execute.options import RunOptions
from headstart.flow.check import Loaded
from headstart.flow.engine import row_of, save_study
from headstart.flow.reopen import cost_of_run, reopen
from headstart.store.store import Store

RECIPE = "digits"
TRIALS = 3000
PLANNED = (1000, 3000, 10_000)
WORKERS = (8, 64, 256)


def ask(bench: Bench) -> list[Figure]:
    """Seconds of planning, of the coordinator, of `status` and `report`; efficiency by workers."""
    loaded = flow.load(RECIPE)
    small = _with_seeds(loaded, 1)
    folder = bench.folder / "small"
    flow.run(small, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    with Store(folder) as store:
        plan = reopen(store, RECIPE).plan
        recorded, each = Recorded.of(plan, store, arrays=True), plan.num_trials
    return [
        *_planning(bench, loaded, each),
        *_coordinator(bench, loaded, each, recorded),
        *_commands(bench),
        *_efficiency(bench, loaded, each, recorded),
    ]


def _with_seeds(loaded: Loaded, number: int) -> Loaded:
    study = loaded.study.model_copy(update={"seeds": tuple(range(number))})
    return replace(loaded, study=study)


def _planning(bench: Bench, loaded: Loaded, each: int) -> list[Figure]:
    """`plan` of an empty store; linear where the time of a trial does not grow."""
    figures = []
    untuned = replace(loaded, study=loaded.study.untuned())  # or all trials wait for the pilot
    for trials in PLANNED:
        many = _with_seeds(untuned, trials // each)
        taken = [
            _timed(partial(cost_of_run, many, bench.folder / "none", 2))
            for _ in range(bench.rounds(3))
        ]
        target = 5.0 if trials == PLANNED[-1] else None
        figures += _both(bench, f"plan of {trials:,} trials", taken, target)
    return figures


def _coordinator(bench: Bench, loaded: Loaded, each: int, recorded: Recorded) -> list[Figure]:
    """What a step costs the process that claims and commits, in a study of 3,000 trials."""
    many = _with_seeds(loaded, TRIALS // each)
    workers = VirtualWorkers(slots=8, recorded=recorded, costs=Costs())
    with Store(bench.folder / "many") as store:
        number = save_study(store, many, "headstart run")
        started = time.perf_counter(), time.process_time()
        plan = carry_out(many, store, workers)
        taken = time.perf_counter() - started[0], time.process_time() - started[1]
        store.save_plan(number, row_of(plan))
    steps = len(plan.steps)
    per_step = [(1000 * taken[0] / steps, 1000 * taken[1] / steps)]
    return _both(bench, f"coordinator, a step of {steps:,}", per_step, 20.0, unit="ms")


def _commands(bench: Bench) -> list[Figure]:
    """`status` and `report` of the store with 3,000 trials, from start to end of the process."""
    figures = []
    for arguments in (["status"], ["report", RECIPE]):
        command = [sys.executable, "-m", "headstart", *arguments]
        command += ["--store", str(bench.folder / "many")]
        run = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        taken = [_timed(run) for _ in range(bench.rounds(3))]
        figures += _both(bench, f"{arguments[0]} of {TRIALS:,} trials", taken, 3.0)
    return figures


def _efficiency(bench: Bench, loaded: Loaded, each: int, recorded: Recorded) -> list[Figure]:
    """Share of the workers' time in which they do steps, as the small study's steps took."""
    many, costs = _with_seeds(loaded, TRIALS // each), Costs()
    found = [replayed(many, recorded, workers, costs) for workers in WORKERS]
    return [
        Figure(
            name=f"efficiency of {one.workers} workers, {TRIALS:,} trials of {RECIPE}",
            values=(one.efficiency,),
        )
        for one in found
    ]


def _timed(do: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, those of processes that were waited for too."""
    clock, processor = time.perf_counter(), _processor_seconds()
    do()
    return time.perf_counter() - clock, _processor_seconds() - processor


def _processor_seconds() -> float:
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _both(
    bench: Bench,
    name: str,
    taken: list[tuple[float, float]],
    target: float | None,
    unit: str = "s",
) -> list[Figure]:
    """A figure by the clock, with its target, and one of the processor."""
    print(f"scale: {name}: load {os.getloadavg()[0]:.1f}", flush=True)
    figures = []
    for number, quantity in enumerate(("by the clock", "processor time")):
        values = tuple(one[number] for one in taken)
        bench.samples.append(
            Sample(
                question="scale",
                subject=name,
                side="headstart",
                quantity=quantity,
                unit=unit,
                values=values,
            )
        )
        figures.append(
            Figure(
                name=f"{name}, {quantity}",
                values=values,
                target=None if number else target,
                at_most=True,
                unit=unit,
            )
        )
    return figures
