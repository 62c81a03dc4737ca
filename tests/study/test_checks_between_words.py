"""Words that contradict each other are told before anything runs."""

from typing import Any

import pytest

from headstart.core.errors import SpecError
from headstart.study.study import StudySpec
from studies import tiny_table

LABEL_MAP = {
    "name": "mapped",
    "start": {"origin": "source", "last": "head"},
    "strategy": "label_map",
}
TASKS: dict[str, Any] = tiny_table()["tasks"]


def task(**changes: Any) -> dict[str, Any]:
    return {**TASKS, "target": {**TASKS["target"], **changes}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"arms": ["scratch", {**LABEL_MAP, "compute_of": "scratch"}]},
            "arms[1].compute_of: arm 'mapped' trains nothing, so no budget can be matched.",
        ),
        (
            {"arms": ["scratch", LABEL_MAP, {"name": "x", "start": "mapped", "strategy": "full"}]},
            "arms[2].start: arm 'mapped' trains nothing, so it has no weights to start from.",
        ),
        ({"cuts": {"size": "500"}}, "cuts.size: '500' is not among the study's sizes."),
        (
            {
                "arms": [
                    "scratch",
                    {"name": "x", "start": "fresh", "strategy": "full", "only_at": [7]},
                ]
            },
            "arms[1].only_at: '7' is not among the study's sizes.",
        ),
        (
            {
                "arms": ["scratch", {"name": "AnB@dense1", "start": "source", "strategy": "full"}],
                "cuts": {"size": "20"},
            },
            "arms: 'AnB@dense1' is listed twice.",
        ),
        (
            {"tasks": task(labels="original", classes={"a": [0], "b": [1]})},
            "tasks.target.labels: 'original' labels cannot be merged under new names.",
        ),
        (
            {"tasks": task(split={"test": "repeated", "by": "head"})},
            'tasks.target.split.by: does not go with test = "repeated", which deals all images',
        ),
        (
            {"tasks": task(split={"test": "repeated", "drop_last": 2})},
            'tasks.target.split.drop_last: does not go with test = "repeated"',
        ),
        (
            {"tasks": {**TASKS, "source": {**TASKS["source"], "split": {"test": "repeated"}}}},
            "pairs[0].source: task 'source' has test = 'repeated', which is for targets",
        ),
        (
            {"tasks": task(split={"drop_last": 1})},
            "tasks.target.split.drop_last: drops images of a test part cut off",
        ),
        (
            {"tasks": task(split={"validation": 0})},
            "training.keep: 'best' is picked on validation images, but task 'target'",
        ),
        (
            {
                "tasks": task(split={"validation": 0}),
                "training": {"updates": 5, "keep": "last"},
                "arms": ["scratch", "converged_probe"],
            },
            "arms[1].strategy.solver: 'converged' picks its penalty on validation images, but "
            "task 'target' has none.",
        ),
        (
            {"pairs": [{"source": "source", "target": "target"}] * 2},
            "pairs: 'source -> target' is listed twice.",
        ),
        (
            {"pairs": [{"source": "source", "target": "target", "arms": ["full"]}]},
            "pairs[0].arms: leaves out the control, 'scratch'.",
        ),
    ],
)
def test_a_contradiction_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        StudySpec(**tiny_table(**changes))
    assert said in str(caught.value)


def test_validation_on_test_images_and_last_weights_need_no_validation_images() -> None:
    StudySpec(**tiny_table(tasks=task(split={"by": "test"})))
    training = {"updates": 5, "keep": "last"}
    StudySpec(**tiny_table(tasks=task(split={"validation": 0}), training=training))


def test_balanced_accuracy_does_not_go_with_repeated_splits() -> None:
    repeated = task(split={"test": "repeated", "validation": 0.2})
    with pytest.raises(SpecError) as caught:
        StudySpec(**tiny_table(metric="balanced_accuracy", tasks=repeated))
    assert 'intervals of repeated splits are for metric = "accuracy"' in str(caught.value)
    StudySpec(**tiny_table(metric="accuracy", tasks=repeated))
