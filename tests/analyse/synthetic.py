"""Studies without training: records whose answers are right and wrong as a test wants them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.compare import Finished
from headstart.analyse.paired import answers_of
from headstart.analyse.records import Record, Records
from headstart.plan.steps import Trial
from headstart.study.study import StudySpec
from studies import tiny_table

PAIR = ("source", "target")


def study_of(arms: Sequence[Any], *, seeds: int = 5, **more: Any) -> StudySpec:
    """A study of some arms at one size."""
    return StudySpec(**tiny_table(**{"arms": list(arms), "sizes": [20], "seeds": seeds, **more}))


def record(arm: str, size: str, seed: int, right: np.ndarray) -> Record:
    """A finished trial: class 1 is always the right answer."""
    trial = Trial(
        arm=arm,
        size=size,
        num_images=int(size),
        source=PAIR[0],
        target=PAIR[1],
        seed=seed,
        train_keys=(),
        predict_key=f"{arm}, {size}, {seed}",
        score_key="",
        updates=12,
        flops=1,
        trainable_parameters=1,
        total_parameters=1,
    )
    return Record(
        trial=trial,
        steps=(),
        train_rows=(),
        checkpoint={},
        labels=np.ones(len(right), np.int64),
        classes=right.astype(np.int64),
        test_inputs={"min": 0.0, "max": 1.0},
        metrics=None,
        fit=None,
    )


def records_of(right: Mapping[str, np.ndarray], size: str = "20") -> Records:
    """Records of arms at one size from what each told right, (seeds, images) of 0 and 1."""
    return {
        (*PAIR, size, arm): {seed: record(arm, size, seed, row) for seed, row in enumerate(rows)}
        for arm, rows in right.items()
    }


def finished(
    study: StudySpec,
    records: Records,
    *,
    looks: int = 1,
    planned: tuple[Cell, ...] | None = None,
    withheld: dict[Cell, str] | None = None,
) -> Finished:
    """What there is to judge of some records, at the first of a number of planned looks."""
    if looks > 1:
        numbers = tuple(len(study.seeds) * 2**at for at in range(looks))
        study = study.model_copy(update={"looks": numbers})
    return Finished(
        study=study,
        planned=planned or tuple(records),
        answers=answers_of(records, study.seeds),
        withheld=withheld or {},
        margins={cell[:3]: 1.0 for cell in records},
    )


def simulated(
    accuracies: Mapping[str, float],
    *,
    seeds: int = 5,
    images: int = 2000,
    sd: float = 0.002,
    key: int = 0,
) -> dict[str, np.ndarray]:
    """Arms of given accuracy: easy and hard images shared by all, noise by seed and by answer."""
    drawn = np.random.default_rng(key)
    ease = drawn.uniform(size=images)
    found = {}
    for arm, accuracy in accuracies.items():
        level = accuracy + drawn.normal(0, sd, (seeds, 1))
        found[arm] = (ease + drawn.normal(0, 0.02, (seeds, images)) < level).astype(np.int8)
    return found
