"""A study from a file or from Python: the same study, or every problem of it in one error."""

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest

from headstart.core.errors import Problem, SpecError
from headstart.spec.arms import NAMED_ARMS, ORIGINS, AnyStrategy, ArmSpec, Full, StartRule
from headstart.spec.load import read_toml
from headstart.spec.network import NAMED_NETWORKS, AnyLayer, Conv, NetworkSpec, StageSpec
from headstart.spec.study import Pair, StudySpec
from headstart.spec.tasks import TaskSpec, class_index
from headstart.spec.training import OptimiserSpec, ScheduleSpec, TrainingSpec
from studies import TINY_NETWORK, tiny_table

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
        network=NetworkSpec.model_validate(
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


def refused(**changes: Any) -> SpecError:
    """The error of the tiny study with changes; None takes a section out."""
    table = {name: value for name, value in tiny_table(**changes).items() if value is not None}
    with pytest.raises(SpecError) as caught:
        StudySpec(**table)
    return caught.value


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


def test_every_problem_of_every_section_is_in_one_error() -> None:
    error = refused(
        nmae="x",
        name="a b",
        question=5,
        tasks={
            "source": {"dataset": "", "klasses": [1]},
            "target": {"dataset": "mnist-mini", "split": {"by": "hed", "validation": 1.5}},
        },
        pairs=[{"source": "source", "traget": "target"}],
        preprocessing={"scale": "uint", "flor": 0.1},
        network={
            "stages": [
                {"name": "one", "layers": ["relo", {"kind": "dense", "unit": 3}]},
                {"name": "2", "layers": []},
            ],
            "head": {"output": "sofmax"},
        },
        training={"updates": 0, "optimiser": {"kind": "sdg"}, "keep": "bst", "batch_size": "x"},
        source_training={"epochs": 1, "updates": 1},
        arms=["scratsh", {"name": "source", "start": "fresh", "strategy": {"kind": "freze"}}],
        sizes=[20, "lots"],
        seeds=[0, -1],
        margin=0,
    )
    assert [problem.where for problem in error.problems] == [
        "nmae",
        "name",
        "question",
        "tasks.source.dataset",
        "tasks.source.klasses",
        "tasks.target.split.by",
        "tasks.target.split.validation",
        "pairs[0].target",
        "pairs[0].traget",
        "preprocessing.scale",
        "preprocessing.flor",
        "network.stages[0].layers[0]",
        "network.stages[0].layers[1].units",
        "network.stages[0].layers[1].unit",
        "network.stages[1].name",
        "network.stages[1].layers",
        "network.head.output",
        "training.updates",
        "training.batch_size",
        "training.optimiser.kind",
        "training.keep",
        "source_training",
        "arms[0]",
        "arms[1].name",
        "arms[1].strategy",
        "sizes[1]",
        "seeds[1]",
        "margin",
    ]
    assert str(error).startswith("study 'a b' has 28 problems:\n  1. nmae: key 'nmae' is not known")


def test_problems_between_sections_are_in_one_error_too() -> None:
    error = refused(
        pairs=[{"source": "sorce", "target": "target"}],
        control="scrach",
        arms=[
            "scratch",
            {"name": "a", "start": "b", "strategy": {"kind": "freeze", "cut": "dense9"}},
            {"name": "b", "start": [{"first": "pol", "origin": "a"}], "strategy": "full"},
            {"name": "c", "start": "sourse", "strategy": "full"},
            "scratch",
        ],
        sizes=[20, "20", "all"],
        seeds=[1, 2, 1],
        margin="wide",
    )
    assert [(problem.where, problem.message) for problem in error.problems] == [
        ("margin", "got 'wide'; input should be a valid number, unable to parse string as a "
         "number."),
        ("pairs[0].source", "task 'sorce' is not known."),
        ("control", "arm 'scrach' is not known."),
        ("arms[1].strategy.cut", "cut 'dense9' is not known."),
        ("arms[1].start", "arm 'a' starts, directly or in turn, from itself."),
        ("arms[2].start[0].first", "stage 'pol' is not known."),
        ("arms[2].start", "arm 'b' starts, directly or in turn, from itself."),
        ("arms[3].start", "origin 'sourse' is not known."),
        ("arms", "'scratch' is listed twice."),
        ("sizes", "'20' is listed twice."),
        ("seeds", "'1' is listed twice."),
    ]  # fmt: skip


def listed(names: Iterable[str]) -> str:
    return f"Known: {', '.join(sorted(names))}."


def kinds(union: Any) -> str:
    return listed(member.model_fields["kind"].default for member in get_args(union))


SECTIONS = listed(StudySpec.model_fields)
LAYERS = kinds(AnyLayer)
STRATEGIES = kinds(AnyStrategy)
NAMES = listed(NAMED_ARMS)
RULE_KEYS = listed(StartRule.model_fields)
CIRCLE = "Break the circle: let one of these arms start fresh or from the source."


def stage(*layers: Any) -> dict[str, Any]:
    return {"stages": [{"name": "one", "layers": layers}]}


def arm(**changes: Any) -> list[Any]:
    return ["scratch", {"name": "x", "start": "source", "strategy": "full", **changes}]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"trainin": {}},
            Problem(
                where="trainin",
                message="key 'trainin' is not known.",
                allowed=SECTIONS,
                fix="Did you mean 'training'?",
            ),
        ),
        (
            {"name": None},
            Problem(
                where="name",
                message="is missing.",
                fix='Give the study a name: name = "digits"',
            ),
        ),
        (
            {"tasks": None},
            Problem(
                where="tasks",
                message="is missing.",
                fix="Write [tasks.source] and [tasks.target], each with a dataset.",
            ),
        ),
        (
            {"network": None},
            Problem(
                where="network",
                message="is missing.",
                fix='Name one (network = "cnn-tiny") or write [network] with stages.',
            ),
        ),
        (
            {"training": None},
            Problem(
                where="training",
                message="is missing.",
                fix="Write [training] with epochs or updates.",
            ),
        ),
        (
            {"name": "a/b"},
            Problem(
                where="name", message="got 'a/b'; must look like ^[A-Za-z0-9][A-Za-z0-9_.-]*$."
            ),
        ),
        (
            {"tasks": {"source": {"classes": [1]}}},
            Problem(where="tasks.source.dataset", message="is missing."),
        ),
        (
            {"tasks": {"source": {"dataset": " "}}},
            Problem(
                where="tasks.source.dataset",
                message="is empty; give the name of a data set or a path",
            ),
        ),
        (
            {"tasks": 5},
            Problem(where="tasks", message="got 5; input should be a valid dictionary."),
        ),
        (
            {"network": "cnn-tny"},
            Problem(
                where="network",
                message="network 'cnn-tny' is not known. Known: cnn-small, cnn-tiny, mlp-300-100, "
                "mlp-small. Did you mean 'cnn-tiny'?",
            ),
        ),
        (
            {"network": "zzz"},
            Problem(
                where="network",
                message="network 'zzz' is not known. Known: cnn-small, cnn-tiny, mlp-300-100, "
                "mlp-small. Or write a [network] table with stages.",
            ),
        ),
        (
            {"network": stage("relo")},
            Problem(
                where="network.stages[0].layers[0]",
                message="'relo' is not known.",
                allowed=LAYERS,
                fix="Did you mean 'relu'?",
            ),
        ),
        (
            {"network": stage({"kind": "dense", "units": 0})},
            Problem(
                where="network.stages[0].layers[0].units",
                message="got 0; input should be greater than or equal to 1.",
            ),
        ),
        (
            {"network": stage("dense")},
            Problem(where="network.stages[0].layers[0].units", message="is missing."),
        ),
        (
            {"network": {**stage("relu"), "hed": {}}},
            Problem(
                where="network.hed",
                message="key 'hed' is not known.",
                allowed="Known: head, initialiser, stages.",
                fix="Did you mean 'head'?",
            ),
        ),
        (
            {"network": {"stages": [{"name": "head", "layers": ["relu"]}]}},
            Problem(
                where="network.stages",
                message="a stage is named 'head'; that name is kept for the last stage",
            ),
        ),
        (
            {"network": {"stages": [*TINY_NETWORK["stages"], TINY_NETWORK["stages"][0]]}},
            Problem(
                where="network.stages",
                message="two stages are named 'pool'; every stage needs its own name",
            ),
        ),
        (
            {"training": {"epochs": 1, "updates": 1}},
            Problem(
                where="training",
                message="give either 'epochs' (with 'min_updates') or 'updates', one of them",
            ),
        ),
        (
            {"training": {"updates": 1, "optimiser": {"kind": "adm"}}},
            Problem(
                where="training.optimiser.kind",
                message="'adm' is not known.",
                allowed="Known: adadelta, adam, adamw, rmsprop, sgd.",
                fix="Did you mean 'adam'?",
            ),
        ),
        (
            {"training": {"updates": 1, "optimiser": {"kind": "adam", "lrr": 1}}},
            Problem(
                where="training.optimiser.lrr",
                message="key 'lrr' is not known.",
                allowed="Known: beta1, beta2, decay, defaults, epsilon, epsilon_inside, kind, lr, "
                "momentum, nesterov, weight_decay.",
                fix="Did you mean 'lr'?",
            ),
        ),
        (
            {"training": {"updates": 1, "optimiser": {"kind": "sgd", "beta1": 0.5}}},
            Problem(
                where="training.optimiser",
                message="'beta1' is not a setting of sgd; it takes: lr, momentum, nesterov, "
                "weight_decay",
            ),
        ),
        (
            {"training": {"updates": 1, "schedule": "cosin"}},
            Problem(
                where="training.schedule.kind",
                message="'cosin' is not known.",
                allowed="Known: constant, cosine.",
                fix="Did you mean 'cosine'?",
            ),
        ),
        (
            {"arms": ["scratch", "prob"]},
            Problem(
                where="arms[1]",
                message=f"arm 'prob' is not known. {NAMES} Did you mean 'probe'?",
            ),
        ),
        (
            {"arms": ["scratch", "xyzzy"]},
            Problem(
                where="arms[1]",
                message=f"arm 'xyzzy' is not known. {NAMES} "
                "Or write a table with name, start and strategy.",
            ),
        ),
        (
            {"arms": arm(name="fresh")},
            Problem(
                where="arms[1].name",
                message="'fresh' already names an origin; give the arm another name",
            ),
        ),
        (
            {"arms": arm(name="a,b")},
            Problem(where="arms[1].name", message=r"got 'a,b'; must look like ^[^,/\\]+$."),
        ),
        (
            {"arms": arm(strategy="freze")},
            Problem(
                where="arms[1].strategy",
                message="'freze' is not known.",
                allowed=STRATEGIES,
                fix="Did you mean 'freeze'?",
            ),
        ),
        (
            {"arms": arm(strategy="freeze")},
            Problem(where="arms[1].strategy.cut", message="is missing."),
        ),
        (
            {"arms": arm(strategy={"kind": "freeze", "cut": "dense3"})},
            Problem(
                where="arms[1].strategy.cut",
                message="cut 'dense3' is not known.",
                allowed="Known: dense1, dense2, pool.",
                fix="Did you mean 'dense2'?",
            ),
        ),
        (
            {"arms": arm(strategy={"kind": "freeze", "cut": "head"})},
            Problem(
                where="arms[1].strategy.cut",
                message="cut 'head' is not known.",
                allowed="Known: dense1, dense2, pool.",
            ),
        ),
        (
            {"arms": arm(strategy={"kind": "probe_then_full", "probe_share": 1})},
            Problem(
                where="arms[1].strategy.probe_share",
                message="got 1; input should be less than 1.",
            ),
        ),
        (
            {"arms": arm(start="sorce")},
            Problem(
                where="arms[1].start",
                message="origin 'sorce' is not known.",
                allowed=listed([*ORIGINS, "scratch", "x"]),
                fix="Did you mean 'source'?",
            ),
        ),
        (
            {"arms": arm(start=[{"frst": "pool"}])},
            Problem(
                where="arms[1].start[0].frst",
                message="key 'frst' is not known.",
                allowed=RULE_KEYS,
                fix="Did you mean 'first'?",
            ),
        ),
        (
            {"arms": arm(start={"first": "dence1"})},
            Problem(
                where="arms[1].start[0].first",
                message="stage 'dence1' is not known.",
                allowed="Known: dense1, dense2, head, pool.",
                fix="Did you mean 'dense1'?",
            ),
        ),
        (
            {"arms": arm(start={"first": "dense2", "last": "pool"})},
            Problem(
                where="arms[1].start[0]",
                message="covers no stage: 'dense2' comes after 'pool'.",
                allowed="From stem to head: pool, dense1, dense2, head.",
                fix="A start's 'last' that is left open is the last stage before the head.",
            ),
        ),
        (
            {"arms": arm(start={"first": "head"})},
            Problem(
                where="arms[1].start[0]",
                message="covers no stage: 'head' comes after 'dense2'.",
                allowed="From stem to head: pool, dense1, dense2, head.",
                fix="A start's 'last' that is left open is the last stage before the head.",
            ),
        ),
        (
            {"arms": arm(strategy={"kind": "surgical", "first": "head", "last": "pool"})},
            Problem(
                where="arms[1].strategy",
                message="covers no stage: 'head' comes after 'pool'.",
                allowed="From stem to head: pool, dense1, dense2, head.",
                fix="A start's 'last' that is left open is the last stage before the head.",
            ),
        ),
        (
            {"arms": arm(strategy={"kind": "surgical", "first": "pol", "last": "head"})},
            Problem(
                where="arms[1].strategy.first",
                message="stage 'pol' is not known.",
                allowed="Known: dense1, dense2, head, pool.",
                fix="Did you mean 'pool'?",
            ),
        ),
        (
            {"arms": arm(compute_of="x")},
            Problem(
                where="arms[1].compute_of",
                message="arm 'x' starts, directly or in turn, from itself.",
                fix=CIRCLE,
            ),
        ),
        (
            {"arms": arm(compute_of="scrach")},
            Problem(
                where="arms[1].compute_of",
                message="arm 'scrach' is not known.",
                allowed="Known: scratch, x.",
                fix="Did you mean 'scratch'?",
            ),
        ),
        (
            {"arms": arm(start="x")},
            Problem(
                where="arms[1].start",
                message="arm 'x' starts, directly or in turn, from itself.",
                fix=CIRCLE,
            ),
        ),
        (
            {"arms": ["scratch", "probe", "scratch"]},
            Problem(where="arms", message="'scratch' is listed twice.", fix="Remove one."),
        ),
        (
            {"arms": []},
            Problem(
                where="arms",
                message="got []; tuple should have at least 1 item after validation, not 0.",
            ),
        ),
        (
            {"control": "ful"},
            Problem(
                where="control",
                message="arm 'ful' is not known.",
                allowed="Known: full, probe, probe_then_full, random_trunk, scratch.",
                fix="Did you mean 'full'?",
            ),
        ),
        (
            {"arms": ["full"]},
            Problem(
                where="control", message="arm 'scratch' is not known.", allowed="Known: full."
            ),
        ),
        (
            {"sizes": ["10%", 0.1]},
            Problem(where="sizes", message="'10%' is listed twice.", fix="Remove one."),
        ),
        (
            {"sizes": [20, True]},
            Problem(
                where="sizes[1]",
                message="True is not a size; allowed: a count (50), \"5 per class\", a fraction "
                '(0.1 or "10%"), or "all"',
            ),
        ),
        (
            {"sizes": [{"kind": "part", "value": 1}]},
            Problem(
                where="sizes[0].kind",
                message="'part' is not known.",
                allowed="Known: all, count, fraction, per_class.",
            ),
        ),
        (
            {"seeds": 0},
            Problem(
                where="seeds",
                message="got 0; give the number of seeds (at least 1) or a list of seeds",
            ),
        ),
        (
            {"seeds": [2, 2]},
            Problem(where="seeds", message="'2' is listed twice.", fix="Remove one."),
        ),
        (
            {"seeds": True},
            Problem(where="seeds", message="got True; input should be a valid tuple."),
        ),
        (
            {"margin": 100},
            Problem(where="margin", message="got 100; input should be less than 100."),
        ),
        (
            {"training": {"epochs": float("inf")}},
            Problem(where="training.epochs", message="got inf; input should be a finite number."),
        ),
    ],
)  # fmt: skip
def test_a_problem_says_where_what_is_allowed_and_what_to_do(
    changes: dict[str, Any], expected: Problem
) -> None:
    error = refused(**changes)
    assert expected in error.problems
    others = [problem for problem in error.problems if problem != expected]
    # A study without its tasks cannot have pairs of them; nothing else follows from one mistake.
    assert [problem.where for problem in others if not problem.where.startswith("pairs")] == []


def test_a_longer_circle_is_told_at_each_arm_in_it() -> None:
    arms = [{"name": name, "start": start, "strategy": "full"} for name, start in
            (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "fresh"))]  # fmt: skip
    error = refused(arms=arms, control="e")
    assert [problem.where for problem in error.problems] == [
        "arms[0].start",
        "arms[1].start",
        "arms[2].start",
    ]


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
    assert class_index("7", known) == 2
    for given in ("bird", 3, -1, 7):
        with pytest.raises(LookupError):
            class_index(given, known)


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
        (b"name = '\xff'", "cannot be read: 'utf-8' codec can't decode byte 0xff in position 8"),
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
    with pytest.raises(SpecError, match="cannot be read"):
        read_toml(tmp_path)
