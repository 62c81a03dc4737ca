"""Tiny studies on real images, for tests."""

from typing import Any

from headstart.data.datasets import facts_of
from headstart.flow import Loaded
from headstart.study.facts import Facts
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef

TINY_NETWORK: dict[str, Any] = {
    "stages": [
        {"name": "pool", "layers": [{"kind": "average_pool", "size": 4}, "flatten"]},
        {"name": "dense1", "layers": [{"kind": "dense", "units": 12}, "relu"]},
        {"name": "dense2", "layers": [{"kind": "dense", "units": 8}, "relu"]},
    ]
}


def tiny_table(**changes: Any) -> dict[str, Any]:
    """A study as its file would say it: digits 5-9 to 0-4, a few thousand multiplications."""
    table: dict[str, Any] = {
        "name": "tiny",
        "question": "Is a tiny head start seen?",
        "tasks": {
            "source": {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]},
            "target": {
                "dataset": "mnist-mini",
                "classes": [0, 1, 2, 3, 4],
                "split": {"validation": 200},
            },
        },
        # Left to the tests of leaks: a digit or two of a mini set is nearly another.
        "leaks": {"near": "off"},
        "network": TINY_NETWORK,
        "training": {"updates": 12, "batch_size": 16, "validations": 3},
        "sizes": [20, 60],
        "arms": ["scratch", "random_trunk", "probe", "full", "probe_then_full"],
        "seeds": 3,
        "margin": 1.0,
    }
    return {**table, **changes}


def tiny(**changes: Any) -> Loaded:
    """The tiny study, checked and with its facts."""
    study = StudySpec(**tiny_table(**changes))
    return Loaded(
        study=study, facts=Facts(datasets={"mnist-mini": facts_of(DataRef(dataset="mnist-mini"))})
    )
