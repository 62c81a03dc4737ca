"""Stored rows gathered by trial: what each trial did and predicted."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from headstart.analyse.cells import Cell, cell_of
from headstart.core.hashing import Json
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.store import StepRow, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finished trial with its rows, its answers and its score.

    Answers are those on test images that neither source nor target has trained on. `metrics` are
    those of `headstart.metrics.Metrics`, None where no test image is left; `fit` is how well the
    arm's own training images are answered (images, accuracy and loss, in eval mode). `tested_on`
    names the test images: their data, and how many of them were left out.
    """

    trial: Trial
    steps: tuple[Step, ...]
    train_rows: tuple[StepRow, ...]
    checkpoint: Json
    labels: np.ndarray  # (images,)
    classes: np.ndarray  # (images,)
    test_inputs: Json
    metrics: Json | None
    fit: Json | None
    tested_on: Json = field(default_factory=dict)

    @property
    def correct(self) -> np.ndarray:
        """Whether each test image was told right (images,)."""
        return np.asarray(self.labels == self.classes)

    @property
    def seconds(self) -> float:
        """Time spent on updates."""
        return float(sum(row.result["seconds"] for row in self.train_rows))

    @property
    def flops(self) -> int:
        """Operations as carried out; those of a head solved to convergence show only then."""
        return int(sum(row.result["flops"] for row in self.train_rows))


def gather(plan: Plan, store: Store) -> dict[Cell, dict[int, Record]]:
    """Finished trials by cell and seed; trials that are not finished are absent.

    Test images that the source or the target has trained on are left out of every trial alike.
    """
    return _gathered(plan, plan.trials, store)


def gather_sources(plan: Plan, store: Store) -> dict[Cell, dict[int, Record]]:
    """Finished source runs, by cell and seed."""
    return _gathered(plan, plan.sources, store)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRecord:
    """What the overlap step of a pair found (`headstart.data.leaks.overlap.Overlap`)."""

    result: Json
    leaked: np.ndarray  # (leaked test images,)
    thumbnails: np.ndarray = field(default_factory=lambda: np.zeros((0, 2, 1, 1, 1), np.uint8))


def overlaps_of(plan: Plan, store: Store) -> dict[tuple[str, str], OverlapRecord]:
    """Finished overlap steps by (source, target)."""
    rows = store.rows(plan.overlaps.values())
    found = {}
    for pair, key in plan.overlaps.items():
        if key in rows:
            arrays = store.arrays(key)
            found[pair] = OverlapRecord(
                result=rows[key].result, leaked=arrays["leaked"], thumbnails=arrays["thumbnails"]
            )
    return found


def answers_of(keys: Iterable[str], store: Store) -> dict[str, np.ndarray]:
    """Whether each test image was told right, by the key of a finished score."""
    found = {}
    for key, row in store.rows(keys).items():
        arrays = store.arrays_of(row)
        found[key] = np.asarray(arrays["labels"] == arrays["classes"])
    return found


def _gathered(plan: Plan, trials: tuple[Trial, ...], store: Store) -> dict[Cell, dict[int, Record]]:
    wanted = {key for trial in trials for key in (*trial.train_keys, trial.score_key)}
    rows = store.rows(wanted)
    found: dict[Cell, dict[int, Record]] = {}
    for trial in trials:
        found.setdefault(cell_of(trial), {})
        if any(key not in rows for key in (*trial.train_keys, trial.score_key)):
            continue
        score = rows[trial.score_key]
        arrays, told = store.arrays_of(score), score.result
        found[cell_of(trial)][trial.seed] = Record(
            trial=trial,
            steps=tuple(plan.steps[key] for key in trial.train_keys),
            train_rows=tuple(rows[key] for key in trial.train_keys),
            checkpoint=told["checkpoint"],
            labels=arrays["labels"],
            classes=arrays["classes"],
            test_inputs=told["inputs"],
            metrics=told["metrics"],
            fit=told["train"],
            tested_on={
                "data": plan.steps[trial.predict_key].payload["data"],
                "left_out": told["left_out"],
            },
        )
    return found
