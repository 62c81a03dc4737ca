"""The whole engine on one page: load, plan, execute, analyse, report."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse
from headstart.core.errors import DataError, Problem, SpecError, StoreError, known_names, nearest
from headstart.data.images import facts_of
from headstart.execute.executors import Listener, executor_for
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import Tally, execute
from headstart.plan.expand import make_plan
from headstart.plan.outlook import Outlook, StudyProgress, model_seconds, outlook
from headstart.plan.steps import Plan
from headstart.report.run_summary import RunSummary
from headstart.spec.checks import Parts, check
from headstart.spec.data_checks import check_facts
from headstart.spec.facts import DatasetFacts, Facts
from headstart.spec.load import read_toml
from headstart.spec.study import StudySpec, parse
from headstart.spec.variants import variant_name, with_variants
from headstart.store.store import Store

DEFAULT_STORE = Path("headstart-store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a command line changes of a study before it is checked; None leaves it as it is."""

    seeds: int | None = None
    sizes: tuple[str, ...] | None = None
    arms: tuple[str, ...] | None = None
    variants: tuple[str, ...] = ()
    skip_broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A checked study with the facts of its data."""

    study: StudySpec
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that came to its end: the analysis, and what the run did."""

    analysis: Analysis
    summary: RunSummary
    tally: Tally


class Study(StudySpec):
    """A study that can be run: `Study(...).run()`."""

    def run(
        self,
        store: Path = DEFAULT_STORE,
        *,
        workers: int | None = None,
        listen: Listener | None = None,
    ) -> Analysis:
        """Run what is missing and give the analysis. What the store holds is not run again."""
        loaded = with_facts(self)
        options = RunOptions(store=store, workers=workers or default_workers())
        return run(loaded, options, listen=listen or _silent).analysis


def load_study(
    study: str,
    *,
    arms: Iterable[str] | None = None,
    sizes: Iterable[str | int | float] | None = None,
    seeds: int | None = None,
    variants: Iterable[str] = (),
) -> Study:
    """A study by a recipe's name or a file's path, ready to run.

    Raises:
        SpecError: with all problems of the study and its data at once.

    Example:
        >>> load_study("digits", arms=["scratch", "full"], sizes=[50], seeds=3).seeds
        (0, 1, 2)
    """
    changes = Changes(
        seeds=seeds,
        sizes=None if sizes is None else tuple(str(size) for size in sizes),
        arms=None if arms is None else tuple(arms),
        variants=tuple(variants),
    )
    return Study(**load(study, changes).study.model_dump(mode="json"))


def recipes() -> dict[str, Path]:
    """The built-in studies by name."""
    folder = Path(str(resources.files("headstart") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(study: str, changes: Changes = Changes()) -> Loaded:
    """A study by a recipe's name or a file's path, checked against its data.

    Raises:
        SpecError: with all problems of the study and its data at once.
    """
    path = find_study(study)
    given, problems = with_variants(read_toml(path), changes.variants)
    given = _changed(given, changes)
    parts, more = parse(given)
    problems += more
    facts, data_problems = _facts(parts)
    problems += data_problems + check(parts) + check_facts(parts, facts)
    if problems:
        raise SpecError(problems, study if study in recipes() else str(path))
    return Loaded(study=StudySpec(**given), facts=facts)


def with_facts(study: StudySpec) -> Loaded:
    """A study made in Python, checked against its data.

    Raises:
        SpecError: with all problems at once.
    """
    parts: Parts = {name: getattr(study, name) for name in StudySpec.model_fields}
    facts, problems = _facts(parts)
    problems += check_facts(parts, facts)
    if problems:
        raise SpecError(problems, f"study '{study.name}'")
    return Loaded(study=study, facts=facts)


def find_study(study: str) -> Path:
    """The file of a recipe or the path itself.

    Raises:
        SpecError: it is neither a recipe nor a file.
    """
    path = Path(study)
    if path.is_file() or path.suffix == ".toml" or len(path.parts) > 1:
        return path
    return recipe(study)


def recipe(name: str) -> Path:
    """The file of a built-in study.

    Raises:
        SpecError: there is no recipe of that name.
    """
    known = recipes()
    if name in known:
        return known[name]
    problem = Problem(
        where="",
        message="is neither a recipe nor a file.",
        allowed=known_names(known),
        fix=nearest(name, known) or "List the recipes with: headstart recipes",
    )
    raise SpecError([problem], f"'{name}'")


def run(loaded: Loaded, options: RunOptions, *, listen: Listener, command: str = "") -> Done:
    """Plan, execute what is missing, analyse.

    Raises:
        StoreError: the store cannot be used. KeyboardInterrupt: as it comes.
    """
    started = time.perf_counter()
    # Workers outlive a run, and need not be in the folder that this process has gone to since.
    options = replace(options, store=options.store.absolute())
    plan = make_plan(loaded.study, loaded.facts)
    with Store(options.store) as store:
        remember(store, loaded, command)
        tally = execute(plan, store, options, executor_for(options.workers), listen)
        analysis = analyse(loaded.study, loaded.facts, plan, store)
    summary = RunSummary(
        steps_run=tally.run,
        steps_reused=tally.reused,
        seconds=time.perf_counter() - started,
        command=command,
    )
    return Done(analysis=analysis, summary=summary, tally=tally)


def remember(store: Store, loaded: Loaded, command: str) -> None:
    """Keep the study with its facts, so that reports need neither its file nor its data."""
    facts = {name: known.model_dump(mode="json") for name, known in loaded.facts.items()}
    store.save_study(loaded.study.name, loaded.study.model_dump(mode="json"), facts, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A study as a store remembers it, with its plan."""

    loaded: Loaded
    plan: Plan
    command: str
    used_at: str


def recall(store: Store) -> list[Recalled]:
    """Every study of a store, the latest use first."""
    return [_recalled(row.spec, row.facts, row.command, row.used_at) for row in store.studies()]


def recall_one(store: Store, name: str, variants: tuple[str, ...] = ()) -> Recalled:
    """The latest study of that name (or of that file's name) in a store.

    Raises:
        StoreError: the store has none; the message lists those it has.
    """
    rows = store.studies()
    wanted = str(read_toml(Path(name)).get("name", name)) if Path(name).is_file() else name
    for variant in variants:
        wanted = variant_name(wanted, variant)
    for row in rows:
        if row.name == wanted:
            return _recalled(row.spec, row.facts, row.command, row.used_at)
    known = list(dict.fromkeys(row.name for row in rows))
    if not known:
        raise StoreError(f"the store {store.folder} holds no study yet. Run one: headstart run ...")
    raise StoreError(
        f"study '{wanted}' is not in the store {store.folder}. {known_names(known)} "
        f"{nearest(str(wanted), known)}".strip()
    )


def report_again(store: Store, recalled: Recalled) -> tuple[Analysis, RunSummary]:
    """The analysis of what a store holds of a study; nothing is run."""
    started = time.perf_counter()
    done = len(store.rows(recalled.plan.steps))
    analysis = analyse(recalled.loaded.study, recalled.loaded.facts, recalled.plan, store)
    summary = RunSummary(
        steps_run=0,
        steps_reused=done,
        seconds=time.perf_counter() - started,
        command=recalled.command,
    )
    return analysis, summary


def look_ahead(loaded: Loaded, folder: Path, workers: int) -> Outlook:
    """What a run would do on a store, and about how long it would take. Makes no store."""
    plan = make_plan(loaded.study, loaded.facts)
    if not (folder / "headstart.db").is_file():
        return outlook(loaded.study.name, plan, set(), None, workers)
    with Store(folder) as store:
        spent = store.spent()
        rate = (spent.seconds, model_seconds(spent.flops, spent.updates, spent.steps))
        stored = set(store.rows(plan.steps))
    return outlook(loaded.study.name, plan, stored, rate if spent.steps else None, workers)


def progress_of(store: Store, recalled: Recalled) -> StudyProgress:
    """How far a study of a store is."""
    plan = recalled.plan
    done = set(store.rows(plan.steps))
    return StudyProgress(
        study=recalled.loaded.study.name,
        trials_done=sum(trial.score_key in done for trial in plan.trials),
        num_trials=len(plan.trials),
        steps_done=len(done),
        num_steps=len(plan.steps),
        steps_failed=len(store.failures(plan.steps)),
        used_at=recalled.used_at,
    )


def need_store(folder: Path) -> None:
    """Raise a StoreError where there is no store to read."""
    if not (folder / "headstart.db").is_file():
        raise StoreError(f"there is no store at {folder}. Run a study first, or name one: --store.")


def default_workers() -> int:
    """One worker per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _recalled(spec: Any, facts: Any, command: str, used_at: str) -> Recalled:
    study = StudySpec(**spec)
    known = {name: DatasetFacts.model_validate(fact) for name, fact in facts.items()}
    loaded = Loaded(study=study, facts=known)
    return Recalled(loaded=loaded, plan=make_plan(study, known), command=command, used_at=used_at)


def _facts(parts: Parts) -> tuple[Facts, list[Problem]]:
    facts: Facts = {}
    problems: list[Problem] = []
    looked: set[str] = set()  # a data set that several tasks are on is missed once
    for name, task in parts.get("tasks", {}).items():
        if str(task.data) in looked:
            continue
        looked.add(str(task.data))
        try:
            facts[str(task.data)] = facts_of(task.data)
        except DataError as error:
            problems.append(Problem(where=f"tasks.{name}.dataset", message=str(error)))
    return facts, problems


def _changed(given: dict[str, Any], changes: Changes) -> dict[str, Any]:
    changed = dict(given)
    if changes.seeds is not None:
        changed["seeds"] = changes.seeds
    if changes.sizes is not None:
        changed["sizes"] = list(changes.sizes)
    if changes.arms is not None:
        control = given.get("control", StudySpec.model_fields["control"].default)
        wanted = dict.fromkeys([control, *changes.arms])  # nothing is compared without it
        changed["arms"] = _arms_named(given.get("arms"), wanted)
    if changes.skip_broken:
        changed["tasks"] = {
            name: {**task, "image": {**task.get("image", {}), "skip_broken": True}}
            for name, task in given.get("tasks", {}).items()
        }
    return changed


def _arms_named(own: object, wanted: Iterable[str]) -> list[Any]:
    """The study's own arms by name, else built-in ones; an unknown name is told by the checks."""
    tables = [arm for arm in own if isinstance(arm, dict)] if isinstance(own, list) else []
    by_name = {arm.get("name"): arm for arm in tables}
    return [by_name.get(name, name) for name in wanted]


def _silent(*_: object) -> None:
    """Listen to nothing."""
