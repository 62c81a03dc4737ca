"""A small study and facts written by hand: plans of it depend on no data file and no other test."""

from typing import Any

from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step, Trial
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

CONTENT = "c0ffee" + "0" * 58

STUDY: dict[str, Any] = {
    "name": "pinned",
    "tasks": {
        "source": {"dataset": "digits", "classes": [5, 6, 7, 8, 9]},
        "target": {
            "dataset": "digits",
            "classes": [0, 1, 2, 3, 4],
            "split": {"by": "stratified", "validation": 100, "seed": 0},
        },
    },
    "network": {
        "stages": [
            {
                "name": "conv",
                "layers": [{"kind": "conv", "channels": 4}, "relu", "max_pool", "flatten"],
            },
            {"name": "dense", "layers": [{"kind": "dense", "units": 8}, "relu"]},
        ]
    },
    "training": {
        "updates": 12,
        "batch_size": 16,
        "validations": 3,
        "optimiser": {"kind": "sgd", "lr": 0.02, "momentum": 0.9},
        "schedule": {"kind": "cosine", "warmup": 0.05},
    },
    "sizes": [20, 60],
    "arms": ["scratch", "random_trunk", "probe", "full", "probe_then_full"],
    "seeds": 3,
    "margin": 1.0,
}


def digits(name: str = "digits", **changes: Any) -> DatasetFacts:
    """Facts of ten classes with 100 images each."""
    facts: dict[str, Any] = {
        "name": name,
        "content": CONTENT,
        "shape": (12, 12, 1),
        "classes": tuple("0123456789"),
        "train_counts": (100,) * 10,
        "test_counts": (20,) * 10,
    }
    return DatasetFacts(**{**facts, **changes})


def plan_of(facts: DatasetFacts | None = None, **changes: Any) -> Plan:
    """The plan of the study with changed sections."""
    facts = facts or digits()
    return make_plan(StudySpec(**{**STUDY, **changes}), Facts(datasets={facts.name: facts}))


def trial(plan: Plan, arm: str, size: str = "20", seed: int = 0) -> Trial:
    """One trial of a plan."""
    (found,) = (t for t in plan.trials if (t.arm, t.size, t.seed) == (arm, size, seed))
    return found


def source(plan: Plan, seed: int = 0) -> Trial:
    """The source run of a seed."""
    (found,) = (t for t in plan.sources if t.seed == seed)
    return found


def first_step(plan: Plan, arm: str, size: str = "20", seed: int = 0) -> Step:
    """The first training step of a trial."""
    return plan.steps[trial(plan, arm, size, seed).train_keys[0]]
