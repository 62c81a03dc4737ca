"""headstart as a user runs it: a recipe as published, its frozen arm alone, or its default study.

With less than the whole of a notebook's epochs, what does not grow with them (reading data, looking
for shared images, tests, rows of the store) is measured by a run of the smallest budgets and taken
off. Times are wall time with the workers a user gets, one per core; `frozen` is the time of the
steps that make the frozen arm, its features included.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import MINI, full
from benchmarks.sides.clock import hand_over
from benchmarks.sides.memory import WorkerMemory, workers_cpu
from headstart.core.errors import HeadstartError
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, recipe, run, with_facts
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.load import read_toml
from headstart.study.study import StudySpec
from headstart.study.variants import with_variants

FROZEN_ARMS = {"mnist-parity": "probe", "cifar-halves": "model_2"}
TABLES = ("training", "source_training")


class Times(NamedTuple):
    """Seconds by the clock, and of processor time of this process and its workers."""

    wall: float
    cpu: float


def study_of(name: str, variants: tuple[str, ...], share: float) -> Loaded:
    """A recipe with `share` of its epochs, on the full or the mini data sets."""
    given, problems = with_variants(read_toml(recipe(name)), variants)
    assert not problems
    for table in [given.get(key) for key in TABLES] + [arm.get("training") for arm in _arms(given)]:
        if table and share < 1:
            shorten(table, share)
    if not full():
        on_mini(given)
    return with_facts(StudySpec(**given))


def shorten(table: dict[str, Any], share: float) -> None:
    """Fewer epochs (or updates), and one validation at their end."""
    if "epochs" in table:
        table["epochs"] *= share
    if "updates" in table:
        table["updates"] = math.ceil(table["updates"] * share)
    table["validations"] = 1


def on_mini(given: dict[str, Any]) -> None:
    """The mini sets, and a sixth of the validation images that are given as a number."""
    for task in given["tasks"].values():
        task["dataset"] = MINI[task["dataset"]]
        validation = task.get("split", {}).get("validation")
        if isinstance(validation, int):
            task["split"]["validation"] = round(validation / 6)


def seconds_of(loaded: Loaded, store: Path) -> Times:
    """Times of one run into an empty store."""
    started, spent = time.perf_counter(), time.process_time() + workers_cpu()
    done = run(loaded, RunOptions(store=store), listen=lambda *_: None)
    if done.tally.failed or done.tally.blocked:  # a run that stopped early is no fast run
        raise HeadstartError(f"steps failed: {done.tally.failed}")
    return Times(
        wall=time.perf_counter() - started, cpu=time.process_time() + workers_cpu() - spent
    )


def as_published(name: str, share: float, folder: Path) -> dict[str, float]:
    """Seconds of training (all of the run, with the whole share) and the workers' memory."""
    variants = ("as_published",)
    loaded = study_of(name, variants, share)
    with WorkerMemory() as memory:
        fixed = Times(0.0, 0.0)
        if share < 1:
            least = study_of(name, variants, 1e-4)
            seconds_of(least, folder / "cold")  # starts the workers
            fixed = seconds_of(least, folder / "fixed")
        whole = seconds_of(loaded, folder / "a")
        return {
            "training": whole.wall - fixed.wall,
            "cpu": whole.cpu - fixed.cpu,
            "fixed": fixed.wall,
            "worker_bytes": memory.peak(),
            "rate": rate(loaded, folder / "a"),
        }


def rate(loaded: Loaded, store: Path) -> float:
    """Useful operations a second of one worker, over the trainings of a whole network."""
    plan = make_plan(loaded.study, loaded.facts)
    trials = [*plan.sources, *(trial for trial in plan.trials if trial.arm == "scratch")]
    keys = {key for trial in trials for key in trial.train_keys}
    with Store(store) as opened:
        seconds: float = sum(row.result["seconds"] for row in opened.rows(keys).values())
    return sum(plan.steps[key].flops for key in keys) / seconds


def frozen(name: str, share: float, folder: Path) -> dict[str, float]:
    """Seconds of the steps of the frozen arm; its source is trained for a moment only."""
    given, _ = with_variants(read_toml(recipe(name)), ("as_published",))
    chosen = FROZEN_ARMS[name]
    own = dict(given["training"])
    if share < 1:
        shorten(own, share)
    table = next((arm for arm in _arms(given) if arm["name"] == chosen), None)
    arm = table or {"name": chosen, "start": "source", "strategy": "probe"}
    given["arms"] = ["scratch", arm | {"training": own}]
    given.pop("published", None)  # has figures of arms that are left out
    for key in TABLES:
        if key in given:
            shorten(given[key], 1e-4)
    if not full():
        on_mini(given)
    # All but the frozen arm first: it has nothing beside it then, and workers that have started.
    seconds_of(with_facts(StudySpec(**given | {"arms": ["scratch"]})), folder / "a")
    loaded = with_facts(StudySpec(**given))
    seconds_of(loaded, folder / "a")
    plan = make_plan(loaded.study, loaded.facts)
    trial = next(trial for trial in plan.trials if trial.arm == chosen)
    shared = {key for source in plan.sources for key in source.train_keys}
    keys: set[str] = set()
    waiting = list(trial.train_keys)
    while waiting:
        key = waiting.pop()
        if key not in keys | shared:
            keys.add(key)
            waiting.extend(plan.steps[key].inputs)
    with Store(folder / "a") as store:
        return {"frozen": sum(row.seconds for row in store.rows(keys).values())}


def study(name: str, folder: Path) -> dict[str, float]:
    """Seconds of the recipe's default study, all arms, sizes and seeds."""
    return seconds_of(study_of(name, (), 1.0), folder / "a")._asdict()


def _arms(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [arm for arm in given.get("arms", []) if isinstance(arm, dict)]


def main() -> None:
    """Run one and hand over its times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", help="RECIPE, RECIPE:frozen or RECIPE:study")
    parser.add_argument("share", type=float)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    name, _, part = given.what.partition(":")
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as store:
        match part:
            case "frozen":
                measured = frozen(name, given.share, Path(store))
            case "study":
                measured = study(name, Path(store))
            case _:
                measured = as_published(name, given.share, Path(store))
    hand_over(given.out, measured)


if __name__ == "__main__":
    main()
