"""A tiny study of unequal classes by balanced accuracy, from its file's words to its sentences."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse, evidence_of
from headstart.analyse.gates.gate import Evidence
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.flow.engine import plan_of
from headstart.metrics import BALANCED_ACCURACY
from headstart.store.store import Store
from studies import tiny, tiny_table

TARGET = {
    **tiny_table()["tasks"]["target"],
    "classes": {"common": [0, 1, 2, 3], "rare": [4]},
}
STUDY: dict[str, Any] = {
    "tasks": {**tiny_table()["tasks"], "target": TARGET},
    "arms": ["scratch", "full", "converged_probe", "label_map"],
    "metric": "balanced_accuracy",
    "training": {
        **tiny_table()["training"], "class_weights": "balanced", "rates": [0.01, 0.03]
    },
    "sizes": [60],
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Evidence]:
    folder = tmp_path_factory.mktemp("balanced") / "store"
    loaded = tiny(**STUDY)
    done = run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    assert done.tally.failed == ()
    with Store(folder) as store:
        plan = plan_of(loaded, store)
        evidence = evidence_of(loaded.study, loaded.facts, plan, store)
        return analyse(loaded.study, loaded.facts, plan, store), evidence


def test_scores_are_means_of_the_classes_recalls(ran: tuple[Analysis, Evidence]) -> None:
    analysis, evidence = ran
    assert analysis.metric == "balanced_accuracy"
    for result in analysis.arms:
        assert result.mean == pytest.approx(result.balanced_accuracy)
        assert result.accuracy is not None
        assert abs(result.accuracy - (result.mean or 0)) > 1e-6
    for _, record in evidence.each():
        recalls = [(record.classes[record.labels == c] == c).mean() for c in (0, 1)]
        assert record.score == pytest.approx(np.mean(recalls))


def test_weights_that_count_are_chosen_by_it(ran: tuple[Analysis, Evidence]) -> None:
    _, evidence = ran
    for cell, record in evidence.each():
        if cell[3] == "label_map":
            continue
        curve = {point[0]: point[3] for point in record.curve}
        assert record.checkpoint["validation_accuracy"] == max(curve.values())
        assert curve[record.checkpoint["update"]] == max(curve.values())
        (row,) = record.train_rows
        # Of 200 validation images about 40 are rare: as many as 4 x 40 x 160 / 200 count alike.
        rare = row.result["effective_validation"]
        assert 100 < rare < 150
        # A score that is a mean of two recalls is no multiple of a 200th.
        assert any(abs(200 * score - round(200 * score)) > 1e-6 for score in curve.values())


def test_effective_numbers_are_those_of_equal_variance() -> None:
    labels = np.array([0] * 160 + [1] * 40)
    assert BALANCED_ACCURACY.effective_number(labels) == pytest.approx(4 / (1 / 160 + 1 / 40))
    assert BALANCED_ACCURACY.effective_number(labels[100:140]) == 40
    assert BALANCED_ACCURACY.chance(labels) == pytest.approx(0.5)


def test_sentences_name_the_metric(ran: tuple[Analysis, Evidence]) -> None:
    analysis, _ = ran
    assert "times in 100 of each class on the mean, training from nothing" in analysis.headline
    assert any("percentage points of balanced test accuracy" in line for line in analysis.detail)
    protocol = dict(analysis.protocol)
    assert protocol["Metric"].startswith("balanced accuracy: right answers in 100 of each class")
    assert "n / (K n_c)" in protocol["Optimiser"]
    failed = {gate.id for gate in analysis.gates if not gate.passed and gate.severity == "invalid"}
    assert failed == set()


def test_nothing_of_it_is_in_the_store_of_a_study_by_accuracy(tmp_path: Path) -> None:
    loaded = tiny(sizes=[60], arms=["scratch", "full"])
    with Store(tmp_path / "store") as store:
        plan = plan_of(loaded, store)
    for step in plan.steps.values():
        assert not {"metric", "class_weights"} & step.payload.keys()
