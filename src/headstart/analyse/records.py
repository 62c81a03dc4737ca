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
    test_inputs: Json

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


def cell_of(trial: Trial) -> Cell:
    """The cell a trial belongs to."""
    return (trial.source, trial.target, trial.size, trial.arm)


def gather(plan: Plan, store: Store) -> dict[Cell, dict[int, Record]]:
    """Finished trials by cell and seed; trials that are not finished are absent.

    Test images that the source or the target has trained on are left out of every trial alike.
    """
    overlaps = overlaps_of(plan, store)
    leaked = {pair: found.leaked for pair, found in overlaps.items()}
    return _gathered(plan, plan.trials, store, leaked)


def gather_sources(plan: Plan, store: Store) -> dict[Cell, dict[int, Record]]:
    """Finished source runs, by cell and seed."""
    return _gathered(plan, plan.sources, store, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRecord:
    """What the overlap step of a pair found (`headstart.data.overlap.Overlap`)."""

    result: Json
    leaked: np.ndarray  # (leaked test images,)


def overlaps_of(plan: Plan, store: Store) -> dict[tuple[str, str], OverlapRecord]:
    """Finished overlap steps by (source, target)."""
    rows = store.rows(plan.overlaps.values())
    return {
        pair: OverlapRecord(result=rows[key].result, leaked=store.arrays(key)["leaked"])
        for pair, key in plan.overlaps.items()
        if key in rows
    }


def _gathered(
    plan: Plan,
    trials: tuple[Trial, ...],
    store: Store,
    leaked: dict[tuple[str, str], np.ndarray],
) -> dict[Cell, dict[int, Record]]:
    rows = store.rows(plan.steps)
    found: dict[Cell, dict[int, Record]] = {}
    for trial in trials:
        found.setdefault(cell_of(trial), {})
        if any(key not in rows for key in (*trial.train_keys, trial.predict_key)):
            continue
        arrays = store.arrays(trial.predict_key)
        told = rows[trial.predict_key].result
        away = leaked.get((trial.source, trial.target), np.empty(0, np.int64))
        found[cell_of(trial)][trial.seed] = Record(
            trial=trial,
            steps=tuple(plan.steps[key] for key in trial.train_keys),
            train_rows=tuple(rows[key] for key in trial.train_keys),
            checkpoint=told["checkpoint"],
            labels=np.delete(arrays["labels"], away),
            classes=np.delete(arrays["classes"], away),
            test_inputs=told["inputs"],
        )
    return found
