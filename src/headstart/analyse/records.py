"""Records of finished trials, gathered from the rows of a store."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headstart.analyse.cells import Cell, cell_of
from headstart.core.hashing import Json
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.store import StepRow, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finished trial with its rows, its answers and its score.

    Answers are those on test images that neither source nor target has trained on. `metrics` are
    those of `headstart.metrics.Metrics`, None where no test image is left; `fit` is the score on
    the arm's own training images (images, accuracy and loss, in eval mode). `tested_on` names the
    test images: their data, and how many of them were left out.
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
        """Whether each test image was classified correctly (images,)."""
        return np.asarray(self.labels == self.classes)

    @property
    def curve(self) -> list[Any]:
        """Measurements of all phases: update, training loss, validation loss, both accuracies."""
        return [point for row in self.train_rows for point in row.result["curve"]]

    @property
    def seconds(self) -> float:
        """Time spent on updates."""
        return float(sum(row.result["seconds"] for row in self.train_rows))

    @property
    def flops(self) -> int:
        """Operations carried out, known for a head solved to convergence only afterwards."""
        return int(sum(row.result["flops"] for row in self.train_rows))


Records = dict[Cell, dict[int, Record]]
"""Records by cell and seed."""


def gather(plan: Plan, store: Store) -> Records:
    """Finished trials; every planned cell is there, if without any seed.

    Test images that the source or the target has trained on are left out of every trial alike.
    """
    return _gathered(plan, plan.trials, store)


def gather_sources(plan: Plan, store: Store) -> Records:
    """Finished source runs."""
    return _gathered(plan, plan.sources, store)


def accounts_of(plan: Plan, store: Store) -> dict[str, Json]:
    """Account of the tensors that each pretrained source loaded, by the source's name."""
    rows = store.rows(plan.checkpoints.values())
    return {
        source: rows[key].result["account"]
        for source, key in plan.checkpoints.items()
        if key in rows
    }


def _gathered(plan: Plan, trials: tuple[Trial, ...], store: Store) -> Records:
    keys = {key for trial in trials for key in (*trial.train_keys, trial.score_key)}
    rows = store.rows(keys)
    records: Records = {}
    for trial in trials:
        by_seed = records.setdefault(cell_of(trial), {})
        if any(key not in rows for key in (*trial.train_keys, trial.score_key)):
            continue
        score = rows[trial.score_key]
        arrays, result = store.arrays_of(score), score.result
        by_seed[trial.seed] = Record(
            trial=trial,
            steps=tuple(plan.steps[key] for key in trial.train_keys),
            train_rows=tuple(rows[key] for key in trial.train_keys),
            checkpoint=result["checkpoint"],
            labels=arrays["labels"],
            classes=arrays["classes"],
            test_inputs=result["inputs"],
            metrics=result["metrics"],
            fit=result["train"],
            tested_on={
                "data": plan.steps[trial.predict_key].payload["data"],
                "left_out": result["left_out"],
            },
        )
    return records


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRecord:
    """Result of the overlap step of a pair (`headstart.data.leaks.overlap.Overlap`)."""

    result: Json
    leaked: np.ndarray  # (leaked test images,)
    thumbnails: np.ndarray = field(default_factory=lambda: np.zeros((0, 2, 1, 1, 1), np.uint8))
    two_labels: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1, 1), np.uint8))


def overlaps_of(plan: Plan, store: Store) -> dict[tuple[str, str], OverlapRecord]:
    """Finished overlap steps by (source, target)."""
    rows = store.rows(plan.overlaps.values())
    overlaps = {}
    for pair, key in plan.overlaps.items():
        if key in rows:
            arrays = store.arrays(key)
            overlaps[pair] = OverlapRecord(
                result=rows[key].result,
                leaked=arrays["leaked"],
                thumbnails=arrays["thumbnails"],
                two_labels=arrays["two_label_pictures"],
            )
    return overlaps


def correct_by_score(keys: Iterable[str], store: Store) -> dict[str, np.ndarray]:
    """Whether each test image was classified correctly, by the key of a finished score step."""
    correct = {}
    for key, row in store.rows(keys).items():
        arrays = store.arrays_of(row)
        correct[key] = np.asarray(arrays["labels"] == arrays["classes"])
    return correct
