"""Stored rows gathered by trial: what each trial did and predicted."""

from dataclasses import dataclass

import numpy as np

from headstart.core.hashing import Json
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.store import StepRow, Store

Cell = tuple[str, str, str, str]
"""(source, target, size, arm): one arm at one size of one pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finished trial with its rows and predictions."""

    trial: Trial
    steps: tuple[Step, ...]
    train_rows: tuple[StepRow, ...]
    checkpoint: Json
    labels: np.ndarray  # (images,)
    classes: np.ndarray  # (images,)

    @property
    def correct(self) -> np.ndarray:
        """Whether each test image was told right (images,)."""
        return np.asarray(self.labels == self.classes)

    @property
    def seconds(self) -> float:
        """Time spent on updates."""
        return float(sum(row.result["seconds"] for row in self.train_rows))


def cell_of(trial: Trial) -> Cell:
    """The cell a trial belongs to."""
    return (trial.source, trial.target, trial.size, trial.arm)


def gather(plan: Plan, store: Store) -> dict[Cell, dict[int, Record]]:
    """Finished trials by cell and seed; trials that are not finished are absent."""
    rows = store.rows(plan.steps)
    found: dict[Cell, dict[int, Record]] = {}
    for trial in plan.trials:
        found.setdefault(cell_of(trial), {})
        keys = [*trial.train_keys, trial.predict_key]
        if trial.predict_key is None or any(key not in rows for key in keys):
            continue
        arrays = store.arrays(trial.predict_key)
        found[cell_of(trial)][trial.seed] = Record(
            trial=trial,
            steps=tuple(plan.steps[key] for key in trial.train_keys),
            train_rows=tuple(rows[key] for key in trial.train_keys),
            checkpoint=rows[trial.predict_key].result["checkpoint"],
            labels=arrays["labels"],
            classes=arrays["classes"],
        )
    return found
