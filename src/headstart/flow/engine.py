"""The whole engine on one page: plan, execute, analyse, and on with what is not decided."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from headstart.core.errors import DataError
from headstart.core.hashing import Json
from headstart.data.datasets import decode
from headstart.execute.environment import device_for, usable_cores
from headstart.execute.executors import Executor, InlineExecutor, RayExecutor, executor_for
from headstart.execute.gpus import Gpu, gpus_here, places
from headstart.execute.needed import needed_by
from headstart.execute.options import Device, RunOptions
from headstart.execute.outcomes import Listener
from headstart.execute.same_device import SameDevice, same_device
from headstart.execute.scheduler import Tally, execute
from headstart.flow.check import Loaded
from headstart.flow.record import Planned, beginning, recorded
from headstart.flow.rounds import next_round, present_round
from headstart.plan.cost_estimate import makespan, model_seconds
from headstart.plan.expand import expected_steps, make_plan
from headstart.plan.questions import Question, questions_of
from headstart.plan.steps import Plan, Step
from headstart.report.run_summary import RunSummary
from headstart.store.records import PlanRow
from headstart.store.store import Store
from headstart.study.facts import facts_json

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis

# Until worker processes are ready: each imports PyTorch, and timm for most pretrained networks.
START_SECONDS = 5.0
# Work that takes one core as long as this is a worker's, even where that saves no time.
LONG_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that came to its end: the analysis, and what the run did.

    `plan` is the last that it had, `number` the study's in the store.
    """

    analysis: "Analysis"
    plan: Plan
    number: int
    summary: RunSummary
    tally: Tally


def run(
    loaded: Loaded,
    options: RunOptions,
    *,
    listen: Listener,
    planned: Planned | None = None,
    command: str = "",
) -> Done:
    """Plan, execute what is missing, analyse; go on with the comparisons whose evidence is short.

    `planned` is called with every plan and what is in the store already.

    Raises:
        StoreError: the store cannot be used. KeyboardInterrupt: as it comes.
    """
    started = time.perf_counter()
    # Workers outlive a run, and need not be in the folder that this process has gone to since.
    options = replace(options, store=options.store.absolute())
    tally = Tally()
    workers = options.workers or default_workers(options.device_here)
    with Store(options.store) as store:
        number = save_study(store, loaded, command)
        began = beginning(number, loaded.study.name, command, workers)
        with recorded(options.store, began, planned or _silent, listen) as (noted, heard):
            at: Loaded | None = present_round(loaded, store.plan(number))
            while at is not None:
                plan, more = run_look(at, number, store, options, listen=heard, planned=noted)
                tally = tally.then(more)
                analysis = analyse_look(at, plan, store)
                at = next_round(at, plan, analysis, pace_of(store), workers)
    summary = RunSummary(
        steps_run=tally.run,
        steps_reused=tally.reused,
        seconds=time.perf_counter() - started,
        command=command,
    )
    return Done(analysis=analysis, plan=plan, number=number, summary=summary, tally=tally)


def run_look(
    loaded: Loaded,
    number: int,
    store: Store,
    options: RunOptions,
    *,
    listen: Listener,
    planned: Planned,
) -> tuple[Plan, Tally]:
    """Execute a study at one look, planning again whenever the pilot has settled something.

    `number` is the study's in the store, as `save_study` gives it.
    """
    tally = Tally()
    while True:
        plan = plan_of(loaded, store)
        store.save_plan(number, row_of(plan))
        stored = store.finished(plan.steps)
        planned(plan, expected_steps(loaded.study, loaded.facts, plan), stored)
        decode_ahead(plan, stored)
        missing = [step for key, step in plan.steps.items() if key not in stored]
        same = same_device(plan.steps.values(), store, options) if missing else None
        executor = _executor(options, missing, same)
        tally = tally.then(execute(plan, store, options, executor, listen))
        if not store.finished(plan.undecided):
            return plan, tally


def _executor(
    options: RunOptions, missing: Sequence[Step], same: SameDevice | None = None
) -> Executor:
    """Workers where they are asked for, or save more time than they take to start.

    Long work is theirs too: one that runs out of memory can be named, and ends no other. Where
    nothing is missing, no cluster is asked either.
    """
    if not missing:
        return InlineExecutor()
    if options.cluster is not None:
        return RayExecutor(options.cluster, options.store, needed_by(missing), same)
    needed = max((step.memory for step in missing), default=0)
    on = places(_gpus(), needed, options.workers) if device_for(options.device) == "cuda" else ()
    if options.workers is not None:
        return executor_for(options.workers, on)
    workers = len(on) or default_workers(options.device)
    ahead = makespan(missing, workers)
    if ahead.saved > START_SECONDS or ahead.alone > LONG_SECONDS:
        return executor_for(workers, on)
    return InlineExecutor(usable_cores())


def decode_ahead(plan: Plan, stored: set[str]) -> None:
    """Decode the image files that missing steps read, once and before workers wait for them."""
    missing = [step for key, step in plan.steps.items() if key not in stored]
    for data in dict.fromkeys(data for step in missing for data in step.datasets.values()):
        with suppress(DataError):  # steps that read it fail with it, and others go on
            decode(data)


def plan_of(loaded: Loaded, store: Store) -> Plan:
    """The plan of a study, with every choice that the store holds."""
    return make_plan(loaded.study, loaded.facts, partial(_choice, store), loaded.allocation)


def questions(loaded: Loaded, store: Store) -> dict[tuple[str, str, str, str], Question]:
    """The questions of a study, by (source, target, size, arm), with what the store has chosen."""
    return questions_of(loaded.study, loaded.facts, partial(_choice, store))


def _choice(store: Store, key: str) -> Json | None:
    row = store.row(key)
    return row.result if row else None


def analyse_look(loaded: Loaded, plan: Plan, store: Store) -> "Analysis":
    """The analysis of a study, and the store's memory of the comparisons that it shows."""
    from headstart.analyse.build import analyse  # planning and training do without
    from headstart.analyse.looks import Shown, looks_taken

    study, asked = loaded.study, questions(loaded, store)
    looks = store.looks(question.tested for question in asked.values())
    shown = Shown(questions=asked, looks=looks, seeds=loaded.seeds_of(asked))
    analysis = analyse(study, loaded.facts, plan, store, shown)
    if store.writable:
        store.record_looks(looks_taken(study, shown, analysis.comparisons))
    return analysis


def pace_of(store: Store) -> float | None:
    """Seconds of the store's trainings over those that the cost model says; None without any."""
    spent = store.spent()
    modelled = model_seconds(spent.flops, spent.evaluation_flops, spent.updates, spent.steps)
    return spent.seconds / modelled if spent.steps else None


def row_of(plan: Plan) -> PlanRow:
    """A plan as the store remembers it."""
    return PlanRow(
        steps=tuple(plan.steps),
        trials=tuple(trial.score_key for trial in plan.trials),
        num_waiting=plan.num_waiting,
        allocation=plan.allocation.as_json if plan.allocation else None,
    )


def save_study(store: Store, loaded: Loaded, command: str) -> int:
    """Keep the study with its facts, so that reports need neither its file nor its data.

    Gives its number in the store.
    """
    return store.save_study(loaded.study.name, *study_json(loaded), command)


def study_json(loaded: Loaded) -> tuple[Json, Json]:
    """A study and its facts as a store keeps them."""
    return loaded.study.model_dump(mode="json"), facts_json(loaded.facts)


def default_workers(device: Device = "auto") -> int:
    """One worker per core this process may use; two on each GPU, so that one makes ready for it.

    A run may have fewer, where memory is short (`gpus.places`).

    Raises:
        HeadstartError: a GPU was asked for and there is none.
    """
    if device_for(device) == "cuda":
        return max(2 * len(_gpus()), 2)
    return usable_cores()


@cache
def _gpus() -> tuple[Gpu, ...]:
    """GPUs with the memory that was free before this process had workers."""
    return gpus_here()


def _silent(*_: object) -> None:
    """Listen to nothing."""
