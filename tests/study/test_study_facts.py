"""A study file against its data: what only the data can tell is told at once, with the rest."""

from pathlib import Path
from typing import Any

import pytest

from headstart import flow
from headstart.core.errors import Problem, SpecError
from headstart.data.datasets import facts_of
from headstart.study.data_checks import check_facts, untested
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.part_counts import task_counts
from headstart.study.study import parse
from headstart.study.tasks import DataRef, TaskSpec
from studies import TINY_NETWORK, tiny, tiny_table
from study_files import write_study

SOURCE = {"dataset": "mnist-mini", "classes": [5, 6, 7, 8, 9]}
TARGET = {"dataset": "mnist-mini", "classes": [0, 1, 2, 3, 4], "split": {"validation": 200}}


def problems(folder: Path, **changes: Any) -> tuple[Problem, ...]:
    """All problems of the tiny study with changes, as a file."""
    path = write_study(folder / "study.toml", tiny_table(**changes))
    with pytest.raises(SpecError) as caught:
        flow.load(str(path))
    assert caught.value.origin == str(path)
    return caught.value.problems


def test_a_sound_file_gives_the_study_and_its_facts(tmp_path: Path) -> None:
    path = write_study(tmp_path / "study.toml", tiny_table())
    assert flow.load(str(path)) == tiny()


def test_a_file_needs_no_suffix_and_a_recipe_no_file(tmp_path: Path) -> None:
    path = write_study(tmp_path / "study", tiny_table())
    assert flow.load(str(path)) == tiny()
    assert flow.load("digits").study.name == "digits"


def test_problems_of_the_file_and_of_its_data_come_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        tasks={
            "source": {**SOURCE, "classes": [5, "5", "ten", 11]},
            "target": {**TARGET, "classes": [3]},
            "other": {"dataset": "mnst-mini"},
            "split": {**TARGET, "split": {"validation": 10_000}},
        },
        network={"stages": [{"name": "one", "layers": [{"kind": "conv", "channels": 2,
                                                        "kernel": 29}]}]},
        training={"updates": 5, "kep": "best"},
        arms=["scratch", "prob"],
        seeds=[0, 0],
    )  # fmt: skip
    assert [(problem.where, problem.message.splitlines()[0]) for problem in found] == [
        ("training.kep", "key 'kep' is not known."),
        ("arms[1]", found[1].message),
        ("tasks.other.dataset", "data set 'mnst-mini' is not known."),
        ("seeds", "'0' is listed twice."),
        ("tasks.source.classes", "class 'ten' is not in 'mnist-mini'."),
        ("tasks.source.classes", "class 11 is not in 'mnist-mini'."),
        ("tasks.source.classes", "class '5' is listed twice."),
        ("tasks.target.classes", "is one class only."),
        ("tasks.split.split", found[8].message),
    ]


def test_problems_of_sound_tasks_come_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        network={"stages": [{"name": "one", "layers": [{"kind": "conv", "channels": 2}]}]},
        sizes=[3, 20, 5000, "2000 per class", "all"],
    )
    assert [problem.where for problem in found] == [
        "sizes[0]",
        "sizes[2]",
        "sizes[3]",
        "network.stages",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"tasks": {"source": SOURCE, "target": {**TARGET, "classes": [0, "tree"]}}},
            Problem(
                where="tasks.target.classes",
                message="class 'tree' is not in 'mnist-mini'.",
                allowed="Known: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.",
            ),
        ),
        (
            {"tasks": {"source": {"dataset": "fashion-mini", "classes": ["Coat", "Boot"]},
                       "target": TARGET}},
            Problem(
                where="tasks.source.classes",
                message="class 'Boot' is not in 'fashion-mini'.",
                allowed="Known: T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, "
                "Sneaker, Bag, Ankle boot (or 0 to 9).",
                fix="Did you mean 'Ankle boot'?",
            ),
        ),
        (
            {"tasks": {"source": SOURCE,
                       "target": {**TARGET, "classes": {"low": [0, 1], "odd": [1, 3]}}}},
            Problem(
                where="tasks.target.classes",
                message="class '1' is listed twice.",
                fix="A class of the data set can belong to one class of the task only.",
            ),
        ),
        (
            {"tasks": {"source": SOURCE, "target": {**TARGET, "classes": {"a": [0], "b": []}}}},
            Problem(where="tasks.target.classes.b", message="merges no class at all."),
        ),
        (
            {"tasks": {"source": SOURCE, "target": {**TARGET, "classes": [4]}}},
            Problem(
                where="tasks.target.classes",
                message="is one class only.",
                fix="Give at least two classes.",
            ),
        ),
        (
            {"tasks": {"source": SOURCE, "target": {**TARGET, "split": {"validation": 5100}}}},
            Problem(
                where="tasks.target.split",
                message="of 5100 images, validation (5100) and test (published) leave 0 for "
                "training.",
                allowed="Leave at least one image per class (5).",
            ),
        ),
        (
            {"sizes": [20, 4901]},
            Problem(
                where="sizes[1]",
                message="'4901' is 4901 images, but task 'target' has 5 classes and 4900 training "
                "images (200 more are kept for validation and test).",
                allowed="From 5 (one per class) to 4900; per class up to 935.",
            ),
        ),
        (
            {"sizes": [4]},
            Problem(
                where="sizes[0]",
                message="'4' is 4 images, but task 'target' has 5 classes and 4900 training "
                "images (200 more are kept for validation and test).",
                allowed="From 5 (one per class) to 4900; per class up to 935.",
            ),
        ),
        (
            {"sizes": ["936 per class"]},
            Problem(
                where="sizes[0]",
                message="'936 per class' is 4680 images, but task 'target' has 5 classes and 4900 "
                "training images (200 more are kept for validation and test).",
                allowed="From 5 (one per class) to 4900; per class up to 935.",
            ),
        ),
        (
            {"sizes": ["0.01%"]},
            Problem(
                where="sizes[0]",
                message="'0.01%' is 0 images, but task 'target' has 5 classes and 4900 training "
                "images (200 more are kept for validation and test).",
                allowed="From 5 (one per class) to 4900; per class up to 935.",
            ),
        ),
        (
            {"network": {"stages": [{"name": "c", "layers": [
                {"kind": "conv", "channels": 2, "kernel": 29}, "flatten"]}]}},
            Problem(
                where="network.stages",
                message="images of 28x28x1: stage 'c', layer 0 (conv): a kernel of 29 does not fit "
                "into a side of 28.",
            ),
        ),
        (
            {"network": {"stages": [{"name": "d", "layers": [{"kind": "dense", "units": 3}]}]}},
            Problem(
                where="network.stages",
                message="images of 28x28x1: stage 'd', layer 0 (dense): needs a flat input, but "
                "gets 28x28x1; put 'flatten' or 'global_average_pool' before it.",
            ),
        ),
        (
            {"tasks": {"source": {**SOURCE, "classes": [5, 6]}, "target": TARGET},
             "arms": ["scratch", {"name": "all", "start": {"last": "head"}, "strategy": "full"}]},
            Problem(
                where="arms[1].start[0]",
                message="takes the head of the source, which has 2 outputs; task 'target' needs 5.",
                fix="Leave the head out of the rule: it then starts fresh.",
            ),
        ),
    ],
)  # fmt: skip
def test_what_the_data_tells(tmp_path: Path, changes: dict[str, Any], expected: Problem) -> None:
    assert problems(tmp_path, **changes) == (expected,)


@pytest.mark.parametrize("size", [5, 4900, "1 per class", "935 per class", "100%", "all"])
def test_the_smallest_and_the_largest_sizes_are_fine(tmp_path: Path, size: Any) -> None:
    path = write_study(tmp_path / "study.toml", tiny_table(sizes=[size]))
    flow.load(str(path))


def test_a_source_head_of_the_same_width_may_be_taken(tmp_path: Path) -> None:
    arms = ["scratch", {"name": "all", "start": {"last": "head"}, "strategy": "full"}]
    flow.load(str(write_study(tmp_path / "study.toml", tiny_table(arms=arms))))


def test_source_and_target_need_images_of_one_shape() -> None:
    parts, none = parse(
        tiny_table(tasks={"source": {"dataset": "colour"}, "target": TARGET}, network=TINY_NETWORK)
    )
    colour = DatasetFacts(
        name="colour",
        content="0" * 64,
        shape=(32, 32, 3),
        classes=("cat", "dog"),
        train_counts=(50, 50),
        test_counts=(10, 10),
    )
    mini = facts_of(DataRef(dataset="mnist-mini"))
    found = check_facts(parts, Facts(datasets={"colour": colour, "mnist-mini": mini}))
    assert (none, found) == (
        [],
        [
            Problem(
                where="pairs[0]",
                message="source images are (32, 32, 3), target images are (28, 28, 1).",
                allowed="Both tasks need images of one size and one number of channels.",
            )
        ],
    )


def of_photos(image: dict[str, Any], sizes: Any = ((40, 40), (40, 40)), **changes: Any) -> Problem:
    """The problem of photos that are in a pair with digits of 28 x 28, grey."""
    photos = {"dataset": "./photos", "image": image}
    parts, _ = parse(tiny_table(tasks={"source": TARGET, "target": photos}, sizes=["all"]))
    known = letters(shape=None, sizes=sizes, train_counts=(9,) * 4, modes=("RGB",), **changes)
    mini = facts_of(DataRef(dataset="mnist-mini"))
    (problem,) = check_facts(parts, Facts(datasets={"./photos": known, "mnist-mini": mini}))
    return problem


def test_photos_that_differ_from_the_other_task_say_what_to_write() -> None:
    both = of_photos({})
    assert both.message == "source images are (28, 28, 1), target images are (40, 40, 3)."
    assert both.fix == 'Write into [tasks.target]: image = { size = [28, 28], colour = "grey" }'
    coloured = of_photos({"size": [28, 28], "colour": "rgb", "fit": "crop"})
    assert coloured.fix == (
        'Write into [tasks.target]: image = { size = [28, 28], colour = "grey", fit = "crop" }'
    )
    mixed = of_photos({}, sizes=((40, 40), (64, 50)))
    assert mixed.fix.startswith("To convert all of them: `image = { size = [28, 28] }`")


def test_counts_of_a_task() -> None:
    facts = facts_of(DataRef(dataset="mnist-mini"))
    merged = TaskSpec.model_validate(
        {"dataset": "mnist-mini", "classes": {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}}
    )
    assert sum(task_counts(merged, facts)) == sum(facts.train_counts) == 10_000
    assert task_counts(merged, facts)[0] == sum(facts.train_counts[::2])


def test_a_study_made_in_python_is_checked_against_its_data_too() -> None:
    study = tiny(sizes=[3]).study
    with pytest.raises(SpecError) as caught:
        flow.with_facts(study)
    assert str(caught.value).startswith("study 'tiny' has 1 problem:\n  1. sizes[0]: '3' is 3")
    assert flow.with_facts(tiny().study) == tiny()


def test_missing_data_is_a_problem_beside_the_others(tmp_path: Path) -> None:
    tasks = {"source": {"dataset": "./nowhere"}, "target": TARGET}
    found = problems(tmp_path, tasks=tasks, sizes=[3])
    assert [problem.where for problem in found] == ["tasks.source.dataset", "sizes[0]"]
    assert "nowhere: no such folder" in found[0].message


def test_changes_of_the_command_line(tmp_path: Path) -> None:
    own = {"name": "own", "start": "source", "strategy": {"kind": "freeze", "cut": "pool"}}
    path = write_study(tmp_path / "study.toml", tiny_table(arms=["scratch", own, "probe"]))
    changes = flow.Changes(seeds=2, sizes=("30", "1 per class"), arms=("scratch", "own", "full"))
    study = flow.load(str(path), changes).study
    assert study.seeds == (0, 1)
    assert [size.label for size in study.sizes] == ["30", "1 per class"]
    assert [(arm.name, arm.strategy.kind) for arm in study.arms] == [
        ("scratch", "full"),
        ("own", "freeze"),
        ("full", "full"),
    ]
    with pytest.raises(SpecError, match=r"arms\[1\]: arm 'owm' is not known"):
        flow.load(str(path), flow.Changes(arms=("scratch", "owm")))


FILES = {"sizes": ((4, 3), (9, 5)), "modes": ("L", "RGB"), "shape": None}


@pytest.mark.parametrize(
    ("files", "image", "message", "fix"),
    [
        (
            FILES,
            {},
            "the image files are 4 to 9 rows high and 3 to 5 columns wide and have the colours "
            "grey, rgb.",
            '{ size = [28, 28], colour = "grey" }',
        ),
        (
            FILES,
            {"size": [8, 8]},
            "the image files have the colours grey, rgb.",
            '{ colour = "grey" }',
        ),
        (
            {**FILES, "modes": ("RGBA",)},
            {"size": [8, 8]},
            "the image files have the colours rgb with transparency.",
            '{ colour = "grey" }',
        ),
        (
            {**FILES, "modes": ("L",)},
            {},
            "the image files are 4 to 9 rows high and 3 to 5 columns wide.",
            "{ size = [28, 28] }",
        ),
    ],
)
def test_image_files_that_differ(
    files: dict[str, Any], image: dict[str, Any], message: str, fix: str
) -> None:
    table = tiny_table(
        tasks={"source": SOURCE, "target": {**TARGET, "dataset": "./photos", "image": image}}
    )
    parts, found = parse(table)
    assert not found
    known = facts_of(DataRef(dataset="mnist-mini"))
    photos = known.model_copy(update=files)
    tasks = parts["tasks"]
    origins = (tasks[name].data.origin for name in ("source", "target"))
    facts = Facts(datasets=dict(zip(origins, (known, photos), strict=True)))
    told = [one for one in check_facts(parts, facts) if one.where == "tasks.target.image"]
    assert told == [
        Problem(
            where="tasks.target.image",
            message=message,
            allowed="Expected images of one size, all grey or all RGB.",
            fix=f"To convert all of them: `image = {fix}` in the task.",
        )
    ]


def letters(**changes: Any) -> DatasetFacts:
    """Facts of letters whose labels begin at 1, the last of them rare."""
    given: dict[str, Any] = {
        "name": "./letters",
        "content": "0",
        "shape": (28, 28, 1),
        "classes": ("0", "1", "2", "3"),
        "train_counts": (0, 50, 50, 1),
        "test_counts": (0, 15, 15, 0),
    }
    return DatasetFacts(**{**given, **changes})


def of_letters(facts: DatasetFacts, **task: Any) -> list[Problem]:
    tasks = {"target": {"dataset": "./letters", **task}}
    parts, _ = parse({**tiny_table(), "tasks": tasks})
    return check_facts(parts, Facts(datasets={"./letters": facts}))


def test_a_class_without_training_images_is_a_problem_with_the_line_that_mends_it() -> None:
    (problem, *_) = of_letters(letters())
    assert (problem.where, problem.message, problem.fix) == (
        "tasks.target.classes",
        "class '0' of './letters' has no training image.",
        'Leave it out: classes = ["1", "2", "3"]',
    )
    (problem, *_) = of_letters(letters(), classes={"a": [0], "b": [1, 2], "c": [3]})
    assert (problem.message[:9], problem.fix) == ("class 'a'", "Leave it out: classes = [...]")
    many = letters(
        classes=tuple(map(str, range(100))), train_counts=(1, 0) * 50, test_counts=(1,) * 100
    )
    (problem, *_) = of_letters(many)
    assert problem.message.startswith("classes '1', '3', '5', '7', '9', '11', '13', '15', '17', '1")
    assert problem.message.endswith(" and 40 more of './letters' have no training image.")
    for task in ({"classes": [1, 2, 3]}, {"classes": [1, 2, 3], "labels": "original"}):
        assert all("training image." not in p.message for p in of_letters(letters(), **task))


def test_classes_that_are_trained_on_and_never_tested() -> None:
    task = TaskSpec(dataset="./letters", classes=(1, 2, 3))
    assert untested(task, letters()) == ("3",)
    assert untested(task, letters(test_counts=(0, 1, 1, 1))) == ()
    cut = TaskSpec(dataset="./letters", classes=(1, 2, 3), split={"test": 0.2})
    assert untested(cut, letters()) == ()
    assert untested(task, letters(test_counts=(0, 0, 0, 0))) == ()  # a problem of its own


def test_a_repeated_split_needs_images_of_every_class_for_every_seed() -> None:
    facts = tiny().facts.of(TaskSpec(**TARGET))
    few = facts.model_copy(update={"train_counts": (3, 2, *facts.train_counts[2:])})
    few = few.model_copy(update={"test_counts": (1, 3, *facts.test_counts[2:])})
    split = {"test": "repeated", "validation": 0.2}
    study = parse(tiny_table(tasks={"source": SOURCE, "target": {**TARGET, "split": split}}))[0]
    (problem,) = check_facts(study, Facts(datasets={"mnist-mini": few}))
    assert problem.where == "tasks.target.split.test"
    assert problem.message.endswith("to 5 test parts: '0' has 4.")  # 2 and 3 images are enough
