"""Classes that source and target share are found by label or by name, and said before a run."""

from typing import Any

import pytest

from headstart.data.datasets import facts_of
from headstart.flow import Loaded
from headstart.flow.load import warnings
from headstart.study.facts import Facts
from headstart.study.shared_classes import SharedClasses, shared_classes
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef
from studies import tiny, tiny_table

EVEN_ODD = {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}
FIRST, SECOND = {"split": {"take": [0, 0.5]}}, {"split": {"take": [0.5, 1]}}


def loaded(source: dict[str, Any], target: dict[str, Any]) -> Loaded:
    """A study of two halves of the digits."""
    halves = {"source": {**FIRST, **source}, "target": {**SECOND, **target}}
    return tiny(tasks={name: {"dataset": "mnist-mini", **task} for name, task in halves.items()})


def shared(source: dict[str, Any], target: dict[str, Any]) -> SharedClasses | None:
    given = loaded(source, target)
    return shared_classes(given.study, given.facts, given.study.pairs[0])


@pytest.mark.parametrize(
    ("source", "target", "names", "every", "renamed"),
    [
        ({}, {"classes": [0, 1, 2]}, ("0", "1", "2"), True, False),
        ({"classes": [2, 3, 4]}, {"classes": [0, 1, 2]}, ("2",), False, False),
        ({"classes": {"nought": [0], "one": [1]}}, {"classes": [0, 1]}, ("0", "1"), True, False),
        ({}, {"classes": EVEN_ODD}, ("even", "odd"), True, True),
        ({"classes": EVEN_ODD}, {"classes": [3, 4]}, ("3", "4"), True, True),
        ({"classes": [1, 3]}, {"classes": EVEN_ODD}, ("odd",), False, True),
        ({"classes": [3, 4], "labels": "original"}, {"classes": [4, 5]}, ("4",), False, False),
    ],
)
def test_classes_of_one_data_set_are_compared_by_label(
    source: dict[str, Any], target: dict[str, Any], names: tuple[str, ...], every: bool,
    renamed: bool,
) -> None:  # fmt: skip
    found = shared(source, target)
    assert found is not None
    assert (found.names, found.all, found.renamed) == (names, every, renamed)
    assert not found.by_name


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"classes": [5, 6, 7]}, {"classes": [0, 1, 2]}),
        ({"alter": ["shuffled_labels"]}, {}),
        ({}, {"alter": ["shuffled_labels"]}),
        ({"classes": [3, 4], "labels": "original"}, {"classes": [5, 6], "labels": "original"}),
    ],
)
def test_other_classes_and_labels_that_mean_nothing_are_not_shared(
    source: dict[str, Any], target: dict[str, Any]
) -> None:
    assert shared(source, target) is None


def of_two_sets(ours: tuple[str, ...], theirs: tuple[str, ...]) -> SharedClasses | None:
    """Two data sets whose classes have these names, all of them in the tasks."""
    known = facts_of(DataRef(dataset="mnist-mini"))
    counts = {"train_counts": (400,) * 3, "test_counts": (100,) * 3}
    study = StudySpec(
        **tiny_table(tasks={"source": {"dataset": "theirs"}, "target": {"dataset": "ours"}})
    )
    datasets = {
        name: known.model_copy(update={"content": name, "classes": classes, **counts})
        for name, classes in (("ours", ours), ("theirs", theirs))
    }
    return shared_classes(study, Facts(datasets=datasets), study.pairs[0])


def test_classes_of_two_data_sets_are_compared_by_name_whatever_its_case_and_spaces() -> None:
    found = of_two_sets(("ants", "Honey bees", "wasps"), ("honey_bees", "WASPS", "flies"))
    assert found is not None
    assert (found.names, found.by_name) == (("Honey bees", "wasps"), True)
    assert found.sentence == (
        "source 'source' has images of classes that are called like 2 of the 3 classes of target "
        "'target' (Honey bees, wasps): if they mean the same, for these what is measured is the "
        "worth of more data of the same classes, not of another task."
    )
    assert found.is_clear
    assert of_two_sets(("ants", "bees", "wasps"), ("cats", "dogs", "cows")) is None


def test_the_classes_of_a_checkpoint_are_those_of_the_images_that_it_has_seen() -> None:
    known = facts_of(DataRef(dataset="mnist-mini"))
    table = tiny_table(tasks={"target": {"dataset": "ours"}})
    del table["network"]
    datasets = {
        name: known.model_copy(update={"content": name, "classes": classes})
        for name, classes in (("ours", ("cat", "dog")), ("seen", ("Dog", "horse")))
    }
    for seen, names in (({"seen": "seen"}, ("dog",)), ({}, None)):
        study = StudySpec(**{**table, "sources": {"zoo": {"pretrained": "timm:resnet18", **seen}}})
        found = shared_classes(study, Facts(datasets=datasets), study.pairs[0])
        assert (found and found.names) == names


def test_numbers_of_two_data_sets_may_be_mere_indices() -> None:
    found = of_two_sets(("0", "1", "2"), ("0", "1", "2"))
    assert found is not None
    assert not found.is_clear
    assert "if they mean the same" in found.sentence
    named = of_two_sets(("0", "1", "bees"), ("0", "bees", "2"))
    assert named is not None
    assert named.is_clear


def test_the_question_is_said_to_be_that_of_more_data_before_anything_is_trained() -> None:
    (line,) = warnings(loaded({}, {"classes": [0, 1, 2]}))
    assert line == (
        "source 'source' has images of all 3 classes of target 'target' (0, 1, 2): what is "
        "measured is the worth of more data of the same classes, not of another task."
    )
    (relabelled,) = warnings(loaded({}, {"classes": EVEN_ODD}))
    assert "(even, odd), under other labels: what is measured" in relabelled


def test_a_study_with_a_label_map_knows_of_its_relabelling() -> None:
    given = loaded({}, {"classes": EVEN_ODD})
    mapped = tiny(
        tasks={name: task.model_dump() for name, task in given.study.tasks.items()},
        arms=["scratch", "random_trunk", "full", "label_map"],
    )
    assert warnings(mapped) == ()
    assert shared_classes(mapped.study, mapped.facts, mapped.study.pairs[0]) is not None


def test_images_that_are_shared_too_are_said_alone() -> None:
    """Where the verdict will be withheld nothing else is worth saying."""
    (line,) = warnings(loaded(FIRST, FIRST))
    assert "gate CHK-01 will withhold the verdict" in line
