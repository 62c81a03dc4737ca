"""A study from its file and from Python: the same specs, defaults filled in."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from headstart.core.errors import SpecError
from headstart.study.arms import NAMED_ARMS, ArmSpec, Full
from headstart.study.declared import NAMED_NETWORKS, Conv, DeclaredNetwork, StageSpec
from headstart.study.load import read_toml
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import TaskSpec, class_index, known_classes
from headstart.study.training import OptimiserSpec, ScheduleSpec, TrainingSpec
from studies import tiny_table

TEXT = """
name = "written"
question = "Is it the same?"
control = "from_nothing"
sizes = [50, "5 per class", "10%", 0.25, "all"]
seeds = [3, 1]
margin = 0.5

[tasks.source]
dataset = "mnist-mini"
classes = { low = [0, 1], high = ["8", 9] }

[tasks.target]
dataset = "mnist-mini"
classes = ["2", 3]
split = { by = "head", validation = 0.2 }

[network]
initialiser = "torch"
head = { output = "sigmoid" }
[[network.stages]]
name = "stem"
layers = [{ kind = "conv", channels = 4 }, "relu", "flatten"]

[training]
epochs = 2
min_updates = 20
optimiser = "adam"
schedule = "cosine"

[source_training]
updates = 30
optimiser = { kind = "rmsprop", defaults = "keras" }

[preprocessing]
standardise = "channel"

[[arms]]
name = "from_nothing"
start = "fresh"
strategy = "full"

[[arms]]
name = "stitched"
start = [{ first = "stem", last = "stem", origin = "source" }, { last = "head", origin = "full" }]
strategy = { kind = "freeze", cut = "stem" }

[[arms]]
name = "full"
start = "source"
strategy = "full"
"""


def written() -> StudySpec:
    """The same study as `TEXT`, from Python."""
    return StudySpec(
        name="written",
        question="Is it the same?",
        control="from_nothing",
        sizes=[50, "5 per class", "10%", 0.25, "all"],
        seeds=(3, 1),
        margin=0.5,
        tasks={
            "source": {"dataset": "mnist-mini", "classes": {"low": [0, 1], "high": ["8", 9]}},
            "target": TaskSpec.model_validate(
                {
                    "dataset": "mnist-mini",
                    "classes": ["2", 3],
                    "split": {"by": "head", "validation": 0.2},
                }
            ),
        },
        network=DeclaredNetwork.model_validate(
            {
                "initialiser": "torch",
                "head": {"output": "sigmoid"},
                "stages": [
                    StageSpec.model_validate(
                        {"name": "stem", "layers": (Conv(channels=4), "relu", "flatten")}
                    )
                ],
            }
        ),
        training=TrainingSpec(
            epochs=2,
            min_updates=20,
            optimiser=OptimiserSpec.model_validate("adam"),
            schedule=ScheduleSpec(kind="cosine"),
        ),
        source_training={"updates": 30, "optimiser": {"kind": "rmsprop", "defaults": "keras"}},
        preprocessing={"standardise": "channel"},
        arms=[
            ArmSpec.model_validate({"name": "from_nothing", "start": "fresh", "strategy": Full()}),
            {
                "name": "stitched",
                "start": [
                    {"first": "stem", "last": "stem"},
                    {"last": "head", "origin": "full"},
                ],
                "strategy": {"kind": "freeze", "cut": "stem"},
            },
            "full",
        ],
    )


def test_a_file_and_python_give_the_same_study(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(TEXT, encoding="utf-8")
    study = StudySpec(**read_toml(tmp_path / "study.toml"))
    assert study == written()
    assert study.model_dump(mode="json") == written().model_dump(mode="json")


def test_a_study_reads_as_itself_after_being_stored() -> None:
    study = written()
    assert StudySpec(**study.model_dump(mode="json")) == study
    assert pickle.loads(pickle.dumps(study)) == study


def test_defaults() -> None:
    table = tiny_table()
    needed = ("name", "tasks", "network", "training")
    study = StudySpec(**{name: table[name] for name in needed})
    assert [arm.name for arm in study.arms] == [
        "scratch", "random_trunk", "probe", "full", "probe_then_full",
    ]  # fmt: skip
    assert [size.label for size in study.sizes] == ["all"]
    assert study.seeds == (0, 1, 2, 3, 4)
    assert study.pairs == (Pair(source="source", target="target"),)
    assert study.pretraining == study.training
    other = StudySpec(**{**table, "source_training": {"updates": 5}})
    assert other.pretraining.updates == 5


def test_names_stand_for_what_they_name() -> None:
    study = StudySpec(**tiny_table(network="cnn-tiny", arms=["scratch", "gradual"], seeds=2))
    assert study.network == NAMED_NETWORKS["cnn-tiny"]
    assert study.arms == (NAMED_ARMS["scratch"], NAMED_ARMS["gradual"])
    assert study.seeds == (0, 1)


def test_a_study_is_frozen() -> None:
    study = written()
    with pytest.raises(ValueError, match="frozen"):
        study.margin = 2.0  # type: ignore[misc]


def test_an_arm_may_start_from_one_that_comes_later() -> None:
    arms = [{"name": "a", "start": "b", "strategy": "full"}, "scratch",
            {"name": "b", "start": "source", "strategy": "probe"}]  # fmt: skip
    assert [arm.name for arm in StudySpec(**tiny_table(arms=arms)).arms] == ["a", "scratch", "b"]


def test_classes_by_name_and_by_index() -> None:
    known = ("cat", "dog", "7")
    task = TaskSpec.model_validate({"dataset": "pets", "classes": ["dog", 0]})
    assert task.groups(known) == {"dog": (1,), "cat": (0,)}
    merged = TaskSpec.model_validate({"dataset": "pets", "classes": {"furry": ["cat", 1]}})
    assert merged.groups(known) == {"furry": (0, 1)}
    assert list(TaskSpec(dataset="pets").groups(known)) == ["cat", "dog", "7"]
    assert class_index("7", known) == class_index(7, known) == 2
    for given in ("bird", 3, -1, "0"):
        with pytest.raises(LookupError):
            class_index(given, known)


def test_a_number_is_a_class_that_is_named_so() -> None:
    folders = tuple(sorted(str(number) for number in range(1, 13)))  # 1, 10, 11, 12, 2, ...
    task = TaskSpec.model_validate({"dataset": "flowers", "classes": [1, 2, 12]})
    assert list(task.groups(folders)) == ["1", "2", "12"]
    digits = tuple(map(str, range(10)))
    assert [class_index(number, digits) for number in range(10)] == list(range(10))
    for given, known in ((0, folders), (13, folders), (1, ("01", "02"))):
        with pytest.raises(LookupError):
            class_index(given, known)
    assert known_classes(folders) == "Known: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."
    assert known_classes(("cat", "dog")) == "Known: cat, dog (or 0 to 1)."


@pytest.mark.parametrize(
    ("validation", "images"), [(200, 200), (0.1, 105), (0.5, 523), (0.0001, 0)]
)
def test_validation_images(validation: float, images: int) -> None:
    task = TaskSpec.model_validate({"dataset": "pets", "split": {"validation": validation}})
    assert task.split.num_validation(1045) == images


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML: Invalid value (at end of document)."),
        (b"name = 'a'\nname = 'b'", "is not TOML: Cannot overwrite a value"),
        (b"name = '\xff'", "is not text in UTF-8 (byte 9 is 0xff).\n     Save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_toml(path)
    assert str(caught.value).startswith(f"{path} has 1 problem:\n  1. {message}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_toml(tmp_path / "study.toml")
    assert str(caught.value) == (
        f"{tmp_path / 'study.toml'} has 1 problem:\n  1. there is no such file.\n     "
        "Check the path."
    )
    with pytest.raises(SpecError, match=r"is a folder\.\n     Give the path of a study file"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("given", "threshold"), [({}, 0.99), ({"near": 1}, 1.0), ({"near": "off"}, None)]
)
def test_near_copies_are_looked_for_from_a_correlation_on_or_not_at_all(
    given: dict[str, Any], threshold: float | None
) -> None:
    assert StudySpec(**tiny_table(leaks=given)).leaks.threshold == threshold
