"""What was found of a task's data, in lines that a reader compares with what he meant."""

from dataclasses import replace

from analyses import analysis

from headstart.analyse.analysis import TaskFacts
from headstart.report.found import (
    counts_found,
    found_lines,
    groups_found,
    images_found,
    left_out_text,
    rarely_tested,
)
from headstart.study.dataset_facts import GroupFacts, LeftOut

TASK: TaskFacts = replace(
    analysis().tasks[0],
    name="target",
    classes=("test", "train"),
    place="/data/photos",
    num_train=43,
    num_validation=5,
    num_test=12,
    train_counts=(16, 32),
    test_counts=(4, 8),
    test_from="a fixed fifth",
    smallest=(40, 30),
    largest=(64, 40),
    colours=("grey", "rgb"),
    values=None,
    left_out=(LeftOut(suffix=".csv", number=1, why="no image files"),),
    note="a note",
    noun="photo",
)


def test_classes_folder_parts_and_images_are_said() -> None:
    assert list(found_lines([TASK])) == [
        "target: 2 classes: test, train",
        "  read from /data/photos",
        "  43 photos to train on, 5 to choose with, 12 to test with",
        "  test part: a fixed fifth",
        "  of each class: 16 ('test') to 32 ('train') to train on and choose with, "
        "4 ('test') to 8 ('train') to test with",
        "  40 x 30 to 64 x 40 pixels, grey and rgb",
        "  left out: 1 .csv (no image files)",
        "  a note",
    ]


def test_what_files_are_decoded_to_is_said() -> None:
    decoded = replace(TASK, decoded="cropped to 28 x 28, 12 bits")
    assert images_found(decoded).endswith("pixels, grey and rgb; cropped to 28 x 28, 12 bits")


def test_what_there_is_none_of_is_not_said() -> None:
    plain = replace(TASK, num_validation=0, test_counts=(), left_out=(), note="")
    assert list(found_lines([plain]))[2:] == [
        "  43 photos to train on, 12 to test with",
        "  test part: a fixed fifth",
        "  of each class: 16 ('test') to 32 ('train') to train on",
        "  40 x 30 to 64 x 40 pixels, grey and rgb",
    ]


def test_many_and_long_classes_are_shortened() -> None:
    names = tuple(f"{'species-' * 5}{number}" for number in range(1000))
    many = replace(TASK, classes=names, train_counts=(3,) * 1000, test_counts=(1,) * 1000)
    first, *_ = found_lines([many])
    assert first.startswith("target: 1,000 classes: species-")
    assert first.endswith(" and 992 more")
    assert len(first) < 300


def test_numbered_classes_are_listed_in_the_order_of_numbers() -> None:
    names = [str(number) for number in range(1, 13)]
    task = replace(TASK, train_counts=(5,) * 12, test_counts=(1,) * 12)
    first, *_ = found_lines([replace(task, classes=tuple(sorted(names)))])
    assert first == "target: 12 classes: 1, 2, 3, 4, 5, 6, 7, 8 and 4 more"
    given = replace(task, classes=tuple(reversed(names)))
    assert next(found_lines([given])).startswith("target: 12 classes: 12, 11, 10")


def test_a_class_that_the_task_leaves_out_is_not_the_least() -> None:
    original = replace(TASK, classes=("a", "b", "c"), train_counts=(5, 0, 5), test_counts=(2, 0, 1))
    assert counts_found(original, original.train_counts) == "5"
    assert counts_found(original, original.test_counts) == "1 ('c') to 2 ('a')"


def test_classes_without_two_test_images_are_named_with_their_number() -> None:
    long_tail = replace(
        TASK,
        classes=("owl", "wren", "tit", "out"),
        train_counts=(1, 9, 4, 0),
        test_counts=(0, 3, 1, 0),
    )
    said = "Without two test images, and so without a row: owl (0), tit (1)."
    assert rarely_tested([long_tail], "target") == said
    assert rarely_tested([TASK], "target") == ""
    assert rarely_tested([replace(TASK, test_counts=())], "target") == ""


def test_values_are_those_of_arrays() -> None:
    floats = replace(TASK, smallest=(8, 8), largest=(8, 8), colours=("grey",), values=(-0.5, 1.0))
    assert images_found(floats) == "8 x 8 pixels, grey, values from -0.5 to 1"


def test_files_left_out_are_counted_by_reason() -> None:
    files = [LeftOut(suffix=f".{letter}", number=2, why="no image files") for letter in "abcdefgh"]
    broken = LeftOut(suffix="", number=1234, why="broken")
    assert left_out_text([*files, broken]) == (
        "2 .a, 2 .b, 2 .c, 2 .d, 2 .e, 2 .f and 4 others (no image files); "
        "1,234 without suffix (broken)"
    )


def test_the_table_of_labels_and_its_groups_are_said() -> None:
    groups = tuple(GroupFacts(name=name, num=20, num_crossing=7) for name in ("patient", "site"))
    task = replace(TASK, labels_from="labels.csv (columns)", groups=groups, grouped_by="patient")
    lines = list(found_lines([task]))
    assert "  labels: labels.csv (columns)" in lines
    assert (
        "  groups: 20 of 'patient' are kept together; 7 of 20 of 'site' are in the training and in "
        "the test part"
    ) in lines
    assert groups_found(replace(task, groups=(), grouped_by="pattern ^p")) == (
        "pattern ^p is kept together"
    )
    assert groups_found(TASK) == ""
