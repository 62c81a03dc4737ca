"""Records of finished trials, gathered from the rows of a store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.evidence import Tested
from headstart.core.hashing import Json
from headstart.metrics import ACCURACY, Metric
from headstart.plan.steps import Plan, Step, Trial
from headstart.store.reading import StepRow
from headstart.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Record(Tested):
    """One finished trial with its rows, its answers and its score.

    Answers are those on test images that neither source nor target has trained on. `metrics` are
    None where no test image is left; `fit` is the score on the arm's own training images (images,
    accuracy and loss, in eval mode). `tested_on` names the test images: their data, and how many of
    them were left out. `metric` is the study's.
    """

    trial: Trial
    steps: tuple[Step, ...]
    train_rows: tuple[StepRow, ...]
    checkpoint: Json
    test_inputs: Json
    fit: Json | None
    tested_on: Json = field(default_factory=dict)

    @property
    def num_images(self) -> int:
        """Number of labelled training images."""
        return self.trial.num_images

    @property
    def weights(self) -> tuple[str, ...]:
        """A name for the weights that were tested: the same name, the same weights."""
        if not self.train_rows:
            return (self.trial.predict_key,)
        row = self.train_rows[self.checkpoint["phase"]]
        return (row.blob.sha256, row.result["frozen_after"], self.checkpoint["which"])

    @cached_property
    def curve(self) -> tuple[Any, ...]:
        """Measurements of all phases: update, training loss, validation loss, both accuracies."""
        return tuple(point for row in self.train_rows for point in row.result["curve"])

    @cached_property
    def highest_accuracy(self) -> float | None:
        """Highest validation accuracy that was measured; None where none was."""
        return max((float(p[3]) for p in self.curve if p[3] is not None), default=None)

    @cached_property
    def chance(self) -> float:
        """Score of always giving one answer, the best of them; there is a test image."""
        return self.metric.chance(self.labels)

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


def gather(plan: Plan, store: Store, metric: Metric = ACCURACY) -> Records:
    """Finished trials by a metric; every planned cell is there, if without any seed.

    Test images that the source or the target has trained on are left out of every trial alike.
    """
    return _gathered(plan, plan.trials, store, metric)


def gather_sources(plan: Plan, store: Store, metric: Metric = ACCURACY) -> Records:
    """Finished source runs by a metric."""
    return _gathered(plan, plan.sources, store, metric)


def accounts_of(plan: Plan, store: Store) -> dict[str, Json]:
    """Account of the tensors that each pretrained source loaded, by the source's name."""
    rows = store.rows(plan.checkpoints.values())
    return {
        source: rows[key].result["account"]
        for source, key in plan.checkpoints.items()
        if key in rows
    }


def _gathered(plan: Plan, trials: tuple[Trial, ...], store: Store, metric: Metric) -> Records:
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
            metric=metric,
            images=arrays.get("images"),
        )
    return records


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRecord:
    """Result of the overlap step of a pair (`headstart.data.leaks.overlap.Overlap`).

    Where each seed has a test part to itself, it is the result of several splits: counts are sums.
    """

    result: Json
    leaked: np.ndarray  # (leaked test images,)
    thumbnails: np.ndarray = field(default_factory=lambda: np.zeros((0, 2, 1, 1, 1), np.uint8))
    two_labels: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1, 1), np.uint8))
    num_splits: int = 1


def overlaps_of(plan: Plan, store: Store) -> dict[tuple[str, str], OverlapRecord]:
    """Finished overlap steps by (source, target)."""
    rows = store.rows(key for keys in plan.overlaps.values() for key in keys)
    overlaps = {}
    for pair, keys in plan.overlaps.items():
        found = [_overlap(rows[key], store) for key in keys if key in rows]
        if found:
            overlaps[pair] = found[0] if len(found) == 1 else _together(found)
    return overlaps


def _overlap(row: StepRow, store: Store) -> OverlapRecord:
    arrays = store.arrays_of(row)
    return OverlapRecord(
        result=row.result,
        leaked=arrays["leaked"],
        thumbnails=arrays["thumbnails"],
        two_labels=arrays["two_label_pictures"],
    )


def _together(found: Sequence[OverlapRecord]) -> OverlapRecord:
    """The searches of several splits as one: counts add up, the most alike are shown.

    Images under two labels are shown for the first of them.
    """
    results = [record.result for record in found]
    first = results[0]
    merged: Json = {name: _added([result[name] for result in results]) for name in first}
    merged["pairs"] = [
        {name: _added([pair[name] for pair in same]) for name in same[0]}
        for same in zip(*(result["pairs"] for result in results), strict=True)
    ]
    merged["closeness"] = max(
        (result["closeness"] for result in results if result["closeness"]),
        key=lambda closeness: closeness["above"],
        default=None,
    )
    shown = sorted(
        (
            (example, pictures)
            for record in found
            for example, pictures in zip(record.result["examples"], record.thumbnails, strict=True)
        ),
        key=lambda one: -one[0]["similarity"],
    )[: max(len(result["examples"]) for result in results)]
    merged["examples"] = [example for example, _ in shown]
    pictures = np.stack([both for _, both in shown]) if shown else found[0].thumbnails
    return OverlapRecord(
        result=merged,
        leaked=np.concatenate([record.leaked for record in found]),
        thumbnails=pictures,
        two_labels=found[0].two_labels,
        num_splits=len(found),
    )


def _added(values: Sequence[Any]) -> Any:
    """Sum of counts; of what is true or false, whether all is true; else what is common to all."""
    if isinstance(values[0], bool):
        return all(values)
    return sum(values) if isinstance(values[0], int) else values[0]


def scores_by_step(keys: Iterable[str], store: Store, metric: Metric) -> dict[str, np.ndarray]:
    """Scores of each test image by a metric, by the key of a finished score step."""
    scores = {}
    for key, row in store.rows(keys).items():
        arrays = store.arrays_of(row)
        labels = arrays["labels"]
        scores[key] = np.asarray(metric.weights(labels) * (labels == arrays["classes"]))
    return scores
