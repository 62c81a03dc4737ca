"""Studies as a store remembers them: reports, progress and cost estimates; nothing is run."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from headstart.core.errors import DataError, StoreError, known_names, nearest
from headstart.core.files import text_of
from headstart.data.datasets import facts_of
from headstart.flow.check import Loaded
from headstart.flow.engine import analyse_look, pace_of, plan_of, row_of, study_json
from headstart.flow.load import is_path, means_photos
from headstart.flow.older import require_known
from headstart.flow.photos import NO_OPTIONS
from headstart.flow.rounds import present_round
from headstart.plan.allocation import Allocation, allocation_from
from headstart.plan.cost_estimate import (
    CostEstimate,
    MostSeeds,
    StudyProgress,
    estimate_cost,
    seconds_of,
)
from headstart.plan.expand import expected_steps, make_plan
from headstart.plan.steps import Plan
from headstart.report.run_summary import RunSummary
from headstart.store.records import PlanRow, StudyRow
from headstart.store.store import Store
from headstart.study.facts import facts_from
from headstart.study.load import read_toml
from headstart.study.photo_study import study_name
from headstart.study.study import StudySpec
from headstart.study.tasks import TaskSpec
from headstart.study.variants import variant_name

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A study as a store remembers it, with its plan."""

    loaded: Loaded
    plan: Plan
    command: str


def reopen(store: Store, name: str, variants: tuple[str, ...] = ()) -> Reopened:
    """The latest study of that name (or of that file's name, or on those photos) in a store.

    Raises:
        StoreError: the store has none; the message lists those it has. SpecError: there is no
            such file, or it cannot be read.
    """
    return _reopened(store, named(store, name, variants)[0])


def reopen_finished(store: Store, name: str) -> Reopened:
    """The same, but the latest one that is finished, if any is.

    Raises:
        StoreError, SpecError: as `reopen` raises them.
    """
    rows = named(store, name)
    finished = (row for row in rows if _is_finished(_progress_of(store, row)))
    return _reopened(store, next(finished, rows[0]))


def reopen_number(store: Store, number: int) -> Reopened:
    """The study of that number in a store, which a run of it has saved.

    Raises:
        StoreError: the store has none.
    """
    for row in store.studies():
        if row.number == number:
            return _reopened(store, row)
    raise StoreError(f"the store {store.folder} has no study number {number}.")


def named(store: Store, name: str, variants: tuple[str, ...] = ()) -> list[StudyRow]:
    """The studies that a name, a file or photos stand for, the latest first.

    Raises:
        StoreError, SpecError: as `reopen` raises them.
    """
    rows = store.studies()
    wanted = _name_of(name)
    for variant in variants:
        wanted = variant_name(wanted, variant)
    found = [row for row in rows if row.name == wanted]
    if found:
        return _on_photos(found, name, store) if means_photos(name, NO_OPTIONS) else found
    known = list(dict.fromkeys(row.name for row in rows))
    if not known:
        raise StoreError(f"the store {store.folder} holds no study yet. Run one: headstart run ...")
    raise StoreError(
        f"study '{wanted}' is not in the store {store.folder}. {known_names(known)} "
        f"{nearest(str(wanted), known)}".strip()
    )


def _on_photos(rows: list[StudyRow], photos: str, store: Store) -> list[StudyRow]:
    """The studies among some that are on these very photos, wherever they lay.

    Raises:
        StoreError: there is none.
    """
    found = [row for row in rows if _content_of(photos, row) in _contents(row)]
    if found:
        return found
    raise StoreError(
        f"the store {store.folder} holds a study called '{rows[0].name}', but on other photos than "
        f"those in {photos}. Run it: headstart run {photos}. Or name the study: {rows[0].name}"
    )


def _content_of(photos: str, row: StudyRow) -> str | None:
    """Content of photos as a study read its target; None where they cannot be read so."""
    with suppress(DataError, ValidationError, LookupError):
        data = TaskSpec.model_validate(row.spec["tasks"]["target"]).data.undecoded
        return facts_of(replace(data, dataset=text_of(photos))).content
    return None


def _contents(row: StudyRow) -> set[str]:
    return {known.content for known in facts_from(row.facts).datasets.values()}


def _is_finished(progress: StudyProgress) -> bool:
    return 0 < progress.num_trials == progress.trials_done


def _name_of(study: str) -> str:
    """The name of a study that is given by its name, its file or its photos."""
    if means_photos(study, NO_OPTIONS):
        return study_name(study)
    return str(read_toml(Path(study)).get("name", study)) if is_path(study) else study


def report_again(store: Store, reopened: Reopened) -> tuple["Analysis", RunSummary]:
    """The analysis of what a store holds of a study; nothing is run."""
    started = time.perf_counter()
    done = len(store.finished(reopened.plan.steps))
    analysis = analyse_look(reopened.loaded, reopened.plan, store)
    summary = RunSummary(
        steps_run=0,
        steps_reused=done,
        seconds=time.perf_counter() - started,
        command=reopened.command,
    )
    return analysis, summary


def cost_of_run(loaded: Loaded, folder: Path, workers: int) -> CostEstimate:
    """What a run would do on a store, and about how long it would take. Makes no store.

    Of a study with planned looks it is the round that a run would begin or go on with.
    """
    if not (folder / "headstart.db").is_file():
        at = present_round(loaded, None)
        plan = make_plan(at.study, at.facts, allocation=at.allocation)
        return _cost(at, plan, _all_seeds(at), set(), None, workers)
    with Store(folder, reading=True) as store:
        at = present_round(loaded, _last_plan(loaded, store))
        plan, most, pace = plan_of(at, store), _all_seeds(at), pace_of(store)
        stored = store.finished({**plan.steps, **(most.steps if most else {})})
    return _cost(at, plan, most, stored, pace, workers)


def _cost(
    at: Loaded, plan: Plan, most: Plan | None, stored: set[str], pace: float | None, workers: int
) -> CostEstimate:
    expected = expected_steps(at.study, at.facts, plan)
    cost = estimate_cost(at.study.name, plan, expected, stored, pace, workers)
    if most is None:
        return cost
    left = (step for key, step in most.steps.items() if key not in stored)
    worst = MostSeeds(
        looks=at.study.looks,
        num_trials=most.num_trials,
        seconds=seconds_of(left, pace, workers),
    )
    return replace(cost, most=worst, minutes=at.study.minutes)


def _all_seeds(at: Loaded) -> Plan | None:
    """The plan with all seeds of the last look everywhere; None without planned looks."""
    if not at.study.looks:
        return None
    everywhere = Allocation(first=at.study.looks[-1])
    return make_plan(at.study.untuned(), at.facts, allocation=everywhere)


def _last_plan(loaded: Loaded, store: Store) -> PlanRow | None:
    """What this very study was last planned to be in a store, if it is known there."""
    given = json.dumps(study_json(loaded))
    for row in store.studies():
        if row.name == loaded.study.name and json.dumps((row.spec, row.facts)) == given:
            return store.plan(row.number)
    return None


def progress(store: Store) -> list[StudyProgress]:
    """How far every study of a store is, by the plan it last had, the latest use first."""
    return [_progress_of(store, row) for row in store.studies()]


def _progress_of(store: Store, row: StudyRow) -> StudyProgress:
    plan = store.plan(row.number)
    if plan is None:  # last run by a headstart that did not remember plans
        plan = row_of(_reopened(store, row).plan)
        if store.writable:
            store.save_plan(row.number, plan)
    done = store.finished(plan.steps)
    return StudyProgress(
        number=row.number,
        study=row.name,
        trials_done=sum(key in done for key in plan.trials),
        num_trials=len(plan.trials) + plan.num_waiting,
        steps_done=len(done),
        num_steps=len(plan.steps),
        steps_failed=len(store.failures(plan.steps)),
        used_at=row.used_at,
        seeds=allocation_from(plan.allocation).most if plan.allocation else len(row.spec["seeds"]),
        most_seeds=max(row.spec.get("looks", ()), default=0),
    )


def need_store(folder: Path) -> None:
    """Raise a StoreError where there is no store to read."""
    if not (folder / "headstart.db").is_file():
        raise StoreError(f"there is no store at {folder}. Run a study first, or name one: --store.")


def _reopened(store: Store, row: StudyRow) -> Reopened:
    """A study at the last round that was begun."""
    study = StudySpec(**row.spec)
    facts = facts_from(row.facts)
    require_known(study, facts, row)
    last = store.plan(row.number)
    loaded = present_round(Loaded(study=study, facts=facts), last)
    if last is None or last.allocation is None:
        loaded = _last_look(loaded, store)
    return Reopened(loaded=loaded, plan=plan_of(loaded, store), command=row.command)


def _last_look(at: Loaded, store: Store) -> Loaded:
    """The last look that was begun of a study that took all of its looks with all comparisons."""
    for before, look in pairwise(at.study.looks):
        following = replace(at, allocation=Allocation(first=look))
        more = set(at.study.seeds[before:look])
        trials = plan_of(following, store).trials
        if not store.finished(t.predict_key for t in trials if t.seed in more):
            break
        at = following
    return at
