"""The budget of a study of arrays: what fits the time, and in its place what was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headstart.core.errors import Problem
from headstart.flow.check import Loaded, checked
from headstart.flow.photos import (
    DEFAULT_MINUTES,
    expected_seconds,
    minutes_problems,
    seconds_of_first_round,
)
from headstart.study.photo_study import Budget, sizes_for
from headstart.study.study import AUTO, StudySpec, parse, spelt_out
from headstart.study.tasks import FOLDS

ORIGIN = "headstart.study"
"""What a study of what is in memory is called in an error."""
TARGET = "target"
BUDGETS = (
    Budget(seeds=5, updates=4000, tuned=True),
    Budget(seeds=5, updates=2000, tuned=True),
    Budget(seeds=5, updates=1000, tuned=True),
    Budget(seeds=5, updates=400, tuned=True),
    Budget(seeds=5, updates=400),
    Budget(seeds=5, updates=200),
    Budget(seeds=5, updates=100),
    Budget(seeds=5, updates=40),
    Budget(seeds=3, updates=40),
    Budget(seeds=3, updates=20),
)
"""Budgets from the dearest to the cheapest; the first that fits the time is taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Given:
    """What `headstart.study` is given, as `headstart.flow.study` explains it."""

    target: Any
    source: Any = None
    labels: str | None = None
    test: Any = None
    source_test: Any = None
    network: Any = None
    class_names: Any = None
    training: Mapping[str, Any] | None = None
    arms: tuple[str | dict[str, Any], ...] | None = None
    sizes: tuple[str, ...] | None = None
    seeds: int | str | None = None
    minutes: float | None = None
    name: str | None = None


def problems_of_settings(given: Given) -> list[Problem]:
    """What is wrong with the time, and with what was asked for in place of what fits it."""
    problems = minutes_problems(given.minutes)
    if given.training is not None and not isinstance(given.training, Mapping):
        message = f"got {given.training!r}; give a table such as {{'epochs': 5}}."
        return [*problems, Problem(where="training", message=message)]
    table: dict[str, Any] = {} if given.arms is None else {"arms": list(given.arms)}
    table = spelt_out(_drafted(table, given, BUDGETS[0], given.sizes or ()))
    found = parse(table)[1]
    return problems + [one for one in found if re.split(r"\W", one.where)[0] in table]


def fitting(table: dict[str, Any], given: Given, workers: int) -> tuple[Loaded, tuple[str, ...]]:
    """The study with the dearest budget that fits the time, or with what was asked for.

    Raises:
        SpecError: with all problems of the study.
    """
    minutes = DEFAULT_MINUTES if given.minutes is None else given.minutes
    adds_seeds = given.seeds == AUTO
    seconds = seconds_of_first_round(minutes, adds_seeds=adds_seeds)
    sizes = given.sizes or _sizes(checked(_drafted(table, given, BUDGETS[0], ()), ORIGIN))
    more = {"minutes": minutes} if adds_seeds else {}
    fixed = given.training is not None and given.seeds is not None
    loaded = checked({**_drafted(table, given, BUDGETS[0], sizes), **more}, ORIGIN)
    for budget in BUDGETS[:1] if fixed else BUDGETS:
        loaded = _again({**_drafted(table, given, budget, sizes), **more}, loaded)
        if fits_time := expected_seconds(loaded, workers) <= seconds:
            break
    late = not fits_time and not fixed
    return loaded, ("no study of these images is so short: this is the shortest",) if late else ()


def _again(drafted: dict[str, Any], before: Loaded) -> Loaded:
    """Another budget for the study before; its data and networks are the same."""
    return Loaded(study=StudySpec(**spelt_out(drafted)), facts=before.facts)


def _drafted(
    table: dict[str, Any], given: Given, budget: Budget, sizes: tuple[str, ...]
) -> dict[str, Any]:
    """The study with a budget, in which what was asked for takes its place."""
    own: dict[str, Any] = {
        "updates": budget.updates,
        "batch_size": 32,
        "optimiser": {"kind": "sgd", "lr": 0.05, "momentum": 0.9},
        "schedule": {"kind": "cosine", "warmup": 0.05},
        **({"rates": [0.01, 0.03, 0.1]} if budget.tuned else {}),
    }
    asked = dict(given.training or {})
    if "epochs" in asked:
        del own["updates"]
    if "optimiser" in asked:  # its rate is the one that was meant
        own.pop("rates", None)
        own["schedule"] = "constant"
    return {
        **table,
        "training": {**own, **asked},
        "seeds": budget.seeds if given.seeds is None else given.seeds,
        **({"sizes": list(sizes)} if sizes else {}),
    }


def _sizes(loaded: Loaded) -> tuple[str, ...]:
    """Round numbers of images per class, and all."""
    task = loaded.study.tasks[TARGET]
    facts = loaded.facts.of(task)
    counts = [
        train + (test if task.split.repeats else 0)
        for train, test in zip(facts.train_counts, facts.test_counts, strict=True)
    ]
    share = (1 - 1 / FOLDS if task.split.repeats else 1) * (1 - float(task.split.validation))
    return sizes_for(int(min(counts) * share))
