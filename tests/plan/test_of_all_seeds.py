"""What is worked out once for all seeds of a training does not change the steps of any of them."""

from typing import Any

import pytest
from plans import STUDY, plan_of

TARGET = STUDY["tasks"]["target"]
REPEATED = {**TARGET, "split": {**TARGET["split"], "test": "repeated"}}
STATISTICS = {"standardise": "channel", "statistics": "own"}
CHANGES: list[dict[str, Any]] = [
    {},
    {"arms": ["scratch", "full", "selffer", "shuffled", "scratch_long", "converged_probe"]},
    {"tasks": {**STUDY["tasks"], "target": REPEATED}},
    {"preprocessing": STATISTICS, "metric": "balanced_accuracy"},
    {"training": {**STUDY["training"], "augment": ["flip"], "class_weights": "balanced"}},
    {"sizes": ["3 per class", 0.1, "all"]},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_steps_of_a_seed_are_the_same_whatever_other_seeds_a_study_has(
    changes: dict[str, Any],
) -> None:
    of_many = plan_of(**changes, seeds=[4, 0, 7])
    for seed in (0, 7):
        alone = plan_of(**changes, seeds=[seed])
        # The list of mistakes is of all seeds; everything else of a plan of one seed is its own.
        own = {key: step for key, step in alone.steps.items() if step.kind != "mistakes"}
        assert own == {key: of_many.steps[key] for key in own}
        assert alone.trials == tuple(t for t in of_many.trials if t.seed == seed)
        assert alone.sources == tuple(t for t in of_many.sources if t.seed == seed)


def test_an_arm_is_planned_anew_at_each_learning_rate() -> None:
    rates = {**STUDY["training"], "rates": [0.01, 0.1]}
    plan = plan_of(training=rates, source_training=STUDY["training"])
    tried = [s for s in plan.steps.values() if s.kind == "train" and s.label.startswith("scratch")]
    assert {s.payload["optimiser"]["lr"] for s in tried} == {0.01, 0.1}
    assert {s.label.rsplit(", ", 1)[1] for s in tried} == {"rate 0.01", "rate 0.1"}
