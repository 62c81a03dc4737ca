"""Words for tables of labels and groups, and what cannot be split in whole groups."""

from typing import Any

import pytest
from pydantic import ValidationError

from headstart.study.data_checks import group_problems
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.labels import GroupPattern, LabelTable
from headstart.study.part_counts import part_counts
from headstart.study.partial_study import PartialStudy
from headstart.study.study import Pair
from headstart.study.tasks import SplitSpec, TaskSpec


def facts(**changes: Any) -> DatasetFacts:
    given = {
        "name": "x",
        "content": "c",
        "shape": (8, 8, 3),
        "classes": ("a", "b"),
        "train_counts": (20, 30),
        "test_counts": (5, 6),
        "validation_counts": (4, 3),
        "place": "/data/x",
    }
    return DatasetFacts(**(given | changes))


def task(**split: Any) -> TaskSpec:
    return TaskSpec(dataset="./x", labels="labels.csv", split=SplitSpec(**split))


def problems(source: TaskSpec, target: TaskSpec, **changes: Any) -> list[str]:
    """What is said of two tasks on one data set."""
    tasks = {"source": source, "target": target}
    parts = PartialStudy({"pairs": (Pair(source="source", target="target"),), "tasks": tasks})
    known = Facts(datasets={one.data.origin: facts(**changes) for one in tasks.values()})
    return [str(problem) for problem in group_problems(parts, tasks, known)]


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ({"by": "random"}, "groups are dealt by 'stratified', not by 'random'"),
        ({"by": "test"}, "not by 'test'"),
        ({"validation": 20}, "exactly 20 validation images: give a share"),
        ({"test": 0.2}, "'test' and 'take' cut groups apart"),
        ({"take": (0, 0.5)}, "'test' and 'take' cut groups apart"),
        ({"group": {"pattern": "(p"}}, "'(p' is no regular expression"),
        ({"group": ""}, "at least 1 character"),
    ],
)
def test_splits_that_groups_cannot_have(split: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SplitSpec.model_validate({"group": "patient", **split})
    assert says in str(caught.value)


def test_a_table_is_named_by_its_file_or_with_its_columns() -> None:
    plain = TaskSpec.model_validate({"dataset": "./x", "labels": "labels.csv"})
    named = TaskSpec.model_validate(
        {"dataset": "./x", "labels": {"file": "labels.csv", "label": "dx"}}
    )
    assert plain.data.labels == LabelTable(file="labels.csv")
    assert named.data.origin == "./x, labels of labels.csv (label = dx)"
    assert TaskSpec(dataset="./x", labels="original").data.labels is None
    with pytest.raises(ValidationError):
        TaskSpec.model_validate({"dataset": "./x", "labels": "orignal"})


def test_groups_are_part_of_what_is_read_and_how_images_are_decoded_is_not() -> None:
    one = task(group="patient")
    other = task(group=GroupPattern(pattern="^p"))
    assert len({one.data.origin, other.data.origin, task().data.origin}) == 3
    assert one.data.undecoded.grouped == one.data.grouped


def test_whole_groups_say_how_many_images_are_left() -> None:
    assert part_counts(task(group="patient"), facts()).num_train == 43
    assert part_counts(task(validation=0.2), facts(validation_counts=None)).num_train == 40


def test_two_tasks_on_one_data_set_have_one_way_to_split_groups() -> None:
    grouped = task(group="patient")
    assert not problems(grouped, grouped)
    (said,) = problems(task(), grouped)
    assert said.startswith("pairs[0]: source and target are on one data set")
    (said,) = problems(task(group="patient", validation=0.3), grouped)
    assert "Give both tasks the same split." in said
    assert not problems(task(), task())


def test_groups_that_leave_none_to_validate_with() -> None:
    (said, _) = problems(task(group="patient"), task(group="patient"), validation_counts=(0, 0))
    assert said.startswith("tasks.source.split.group: no class has two groups")
