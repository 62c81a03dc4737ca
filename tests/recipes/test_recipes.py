"""Every recipe with every variant: sound, of the published size, and run from end to end."""

import io
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from published_facts import FACTS, TEST_COUNTS, TRAIN_COUNTS

from commands import Call
from headstart.data import find
from headstart.data.catalogue import KNOWN
from headstart.flow import Changes, load, recipe, recipes
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Trial
from headstart.study.checks import check
from headstart.study.data_checks import check_facts
from headstart.study.load import read_toml
from headstart.study.study import StudySpec, parse
from headstart.study.variants import VARIANTS, with_variants

NOTEBOOKS = (
    "cifar-halves",
    "fashion-two-classes",
    "mnist-fashion",
    "mnist-halves",
    "mnist-parity",
)
CHOICES = (
    (),
    ("thorough",),
    ("as_published",),
    ("quick",),
    ("as_published", "quick"),
    ("thorough", "quick"),
)


def varied(name: str, chosen: tuple[str, ...]) -> dict[str, Any]:
    table, problems = with_variants(read_toml(recipe(name)), chosen)
    assert problems == []
    return table


def study_of(name: str, chosen: tuple[str, ...] = ("as_published",)) -> StudySpec:
    return StudySpec(**varied(name, chosen))


def plan_of(name: str, chosen: tuple[str, ...] = ("as_published",)) -> Plan:
    return make_plan(study_of(name, chosen), FACTS)


def test_the_five_notebooks_are_recipes() -> None:
    assert set(recipes()) == {
        "digits", "fashion-pullover", "hymenoptera", "signs", *NOTEBOOKS
    }  # fmt: skip


def test_known_sets_have_the_numbers_written_here() -> None:
    for name, known in KNOWN.items():
        assert sum(TRAIN_COUNTS[name]) == known.num_train
        assert sum(TEST_COUNTS[name]) == known.num_test


@pytest.mark.parametrize("chosen", CHOICES, ids="+".join)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_recipe_is_sound_with_every_variant(name: str, chosen: tuple[str, ...]) -> None:
    parts, problems = parse(varied(name, chosen))
    assert problems + check(parts) + check_facts(parts, FACTS) == []
    study = study_of(name, chosen)
    suffix = "".join(f"-{variant.replace('_', '-')}" for variant in chosen)
    assert study.name == f"{name}{suffix}"
    assert study.question.endswith("?")
    assert make_plan(study, FACTS).num_trials
    if "as_published" not in chosen:
        assert len(study.seeds) == 5
        assert study.published == ()
        assert {"scratch", "random_trunk", "probe", "full"} <= {arm.name for arm in study.arms}
    if "thorough" in chosen:
        assert {"shuffled", "selffer", "scratch_long"} <= {arm.name for arm in study.arms}
        assert study.cuts is not None


@pytest.mark.parametrize("chosen", [(), ("thorough",), ("quick",)], ids="+".join)
def test_the_textbook_example_is_sound_and_has_its_two_hundred_images(
    chosen: tuple[str, ...],
) -> None:
    parts, problems = parse(varied("fashion-pullover", chosen))
    assert problems + check(parts) + check_facts(parts, FACTS) == []
    if "quick" not in chosen:
        plan = plan_of("fashion-pullover", chosen)
        assert {trial.num_images for trial in plan.trials} == {200}


def test_figures_of_arms_left_out_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules["headstart.flow.facts"], "facts_of", lambda data: FACTS.datasets[str(data)]
    )
    changes = Changes(variants=("as_published",), arms=("model_2",))
    study = load("cifar-halves", changes).study
    assert {figure.arm for figure in study.published} == {"source", "scratch", "model_2"}


def test_the_first_recipe_has_no_variants() -> None:
    for variant in VARIANTS:
        _, problems = with_variants(read_toml(recipe("digits")), [variant])
        assert [problem.message for problem in problems] == [
            f"this study has no section [{variant}]."
        ]


# Sizes and budgets: what the notebooks printed.


def trial(plan: Plan, arm: str, source: str = "source", target: str = "target") -> Trial:
    if arm == "source":
        (found,) = (t for t in plan.sources if t.source == source)
    else:
        (found,) = (t for t in plan.trials if (t.arm, t.source, t.target) == (arm, source, target))
    return found


DIGITS = ("digits_0_to_6", "digits_7_to_9")


@pytest.mark.parametrize(
    ("name", "arm", "pair", "trainable", "total"),
    [
        ("mnist-parity", "source", ("source", "target"), 266_610, 266_610),
        ("mnist-parity", "scratch", ("source", "target"), 265_802, 265_802),
        ("mnist-parity", "probe", ("source", "target"), 202, 265_802),
        ("mnist-halves", "transfer", ("source", "target"), 590_597, 600_165),
        ("mnist-halves", "transfer", ("slip", "target"), 590_597, 600_165),
        ("cifar-halves", "source", ("source", "target"), 1_633_733, 1_633_733),
        ("cifar-halves", "model_2", ("source", "target"), 325, 1_633_733),
        ("cifar-halves", "model_3", ("source", "target"), 8_581, 1_633_733),
        ("mnist-fashion", "source", DIGITS, 25_577, 25_577),
        ("mnist-fashion", "scratch", DIGITS, 25_625, 25_625),
        ("mnist-fashion", "frozen_trunk", ("mnist", "fashion"), 160, 25_625),
        ("mnist-fashion", "frozen_head", ("mnist", "fashion"), 25_465, 25_625),
        # Not printed by its notebook: 784 x 100, two of 100 x 100, a head of 1 or 8, biases.
        ("fashion-two-classes", "scratch", ("source", "target"), 98_801, 98_801),
        ("fashion-two-classes", "source", ("source", "target"), 99_508, 99_508),
    ],
)
def test_parameters_are_those_of_the_notebook(
    name: str, arm: str, pair: tuple[str, str], trainable: int, total: int
) -> None:
    found = trial(plan_of(name), arm, *pair)
    assert (found.trainable_parameters, found.total_parameters) == (trainable, total)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_written_into_a_recipe_are_those_of_its_plan(name: str) -> None:
    study, plan = study_of(name), plan_of(name)
    for figure in study.published:
        if figure.metric.endswith("parameters"):
            pair = study.pairs[figure.pair]
            found = trial(plan, figure.arm, pair.source, pair.target)
            assert figure.published == getattr(found, figure.metric), figure.figure


@pytest.mark.parametrize(
    ("name", "arm", "pair", "images", "updates"),
    [
        ("mnist-parity", "scratch", ("source", "target"), 55_000, 17_190),
        ("mnist-parity", "source", ("source", "target"), 55_000, 17_190),
        ("mnist-halves", "source", ("slip", "target"), 30_596, 1_200),
        ("mnist-halves", "transfer", ("slip", "target"), 30_596, 1_200),
        ("mnist-halves", "source", ("source", "target"), 29_404, 1_200),
        ("fashion-two-classes", "source", ("source", "target"), 43_000, 26_880),
        ("fashion-two-classes", "scratch", ("source", "target"), 9_000, 5_640),
        ("fashion-two-classes", "transfer", ("source", "target"), 6_300, 11_820),
        ("cifar-halves", "source", ("source", "target"), 25_000, 3_910),
        ("cifar-halves", "model_3", ("source", "target"), 25_000, 3_910),
        ("mnist-fashion", "source", DIGITS, 33_548, 5_250),
        ("mnist-fashion", "scratch", DIGITS, 14_452, 2_260),
        ("mnist-fashion", "transfer", ("fashion", "mnist"), 60_000, 9_380),
        ("mnist-fashion", "new_head", ("mnist", "fashion"), 60_000, 9_380),
    ],
)
def test_images_and_updates_are_those_of_the_notebook(
    name: str, arm: str, pair: tuple[str, str], images: int, updates: int
) -> None:
    found = trial(plan_of(name), arm, *pair)
    assert (found.num_images, found.updates) == (images, updates)


def test_the_head_of_the_transferred_clothes_is_trained_for_ten_epochs_of_sixty() -> None:
    plan = plan_of("fashion-two-classes")
    phases = [plan.steps[key].updates for key in trial(plan, "transfer").train_keys]
    assert phases == [10 * 197, 50 * 197]


@pytest.mark.parametrize(
    ("task", "images", "test_images"), [(DIGITS[0], 41_935, 8_386), (DIGITS[1], 18_065, 3_612)]
)
def test_test_images_cut_off_the_digits(task: str, images: int, test_images: int) -> None:
    split = study_of("mnist-fashion").tasks[task].split
    assert split.num_test_cut(images) - split.drop_last == test_images


# Whole runs, as published and quick.


@pytest.fixture
def call(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line in this process, where the only data is what a test makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(find, "SYSTEM_FOLDER", tmp_path / "system")
    return call


def paint_photographs(folder: Path, train: int, test: int) -> None:
    """A stand-in for CIFAR-10: noise around a colour of each class, as JPEG files."""
    noise = np.random.default_rng(0)
    for number, name in enumerate(KNOWN["cifar10"].classes):
        colour = np.array([number % 3, number % 4, number % 5]) * 50 + 20
        for part, num in (("train", train), ("test", test)):
            place = folder / part / name
            place.mkdir(parents=True)
            for index in range(num):
                pixels = np.clip(colour + noise.normal(0, 25, (32, 32, 3)), 0, 255)
                file = io.BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=90)
                (place / f"{index}.jpg").write_bytes(file.getvalue())


NAMED_BY = {
    "mnist-parity": {"CHK-02"},
    "mnist-halves": {"CHK-01", "CHK-05", "CHK-10"},
    "fashion-two-classes": {"CHK-07"},
    "cifar-halves": {"CHK-05", "CHK-10"},
    "mnist-fashion": {"CHK-03", "CHK-05", "CHK-06", "CHK-07", "CHK-12"},
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_as_published_runs_and_its_slips_are_named(
    name: str, call: Call, tmp_path: Path
) -> None:
    if name == "cifar-halves":
        paint_photographs(tmp_path / "data" / "cifar10", train=30, test=10)
    variants = ("--as-published", "--quick")
    status, out, err = call("run", name, *variants, "--json", "--workers", "1", "--device", "cpu")
    assert status == 0, err
    document = json.loads(out)
    assert document["study"] == f"{name}-as-published-quick"
    assert document["failures"] == []
    assert all(arm["missing"] == [] for arm in document["arms"])
    figures = tomllib.loads(recipe(name).read_text(encoding="utf-8"))["as_published"]["published"]
    assert [figure["figure"] for figure in document["published"]] == [f["figure"] for f in figures]
    for shown, figure in zip(document["published"], figures, strict=True):
        assert shown["published"] == figure.get("published")
        assert shown["keras"] == figure.get("keras")
        assert figure["arm"]
        if figure.get("metric", "").endswith("parameters"):
            assert shown["headstart"] == figure["published"]
        elif figure.get("metric") == "seconds":
            assert shown["headstart"] > 0
        else:
            assert 0 <= shown["headstart"] <= 1
    invalid = {g["id"] for g in document["gates"] if not g["passed"] and g["severity"] == "invalid"}
    assert invalid == NAMED_BY[name]
    # Shown again from the store: nothing is run, and people see the figures too.
    status, shown_again, _ = call("report", name, *variants)
    assert status == 0
    for figure in figures:
        assert figure["figure"] in shown_again


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_quick_study_is_sound_on_its_data(name: str, call: Call, tmp_path: Path) -> None:
    """Checked against the files themselves, which the plan also takes its counts from."""
    if name == "cifar-halves":
        paint_photographs(tmp_path / "data" / "cifar10", train=5, test=2)
    loaded = load(name, Changes(variants=("quick",)))
    minis = {task.dataset for task in loaded.study.tasks.values()}
    assert minis <= {"mnist-mini", "fashion-mini", "cifar10"}
    status, out, err = call("plan", name, "--quick")
    assert (status, err) == (0, "")
    assert f"Study {name}-quick: " in out


def test_a_quick_study_answers_its_question(call: Call) -> None:
    """The honest form of the smallest recipe: all controls, and no check that forbids a verdict."""
    quick = ("--quick", "--seeds", "2", "--json", "--workers", "1", "--device", "cpu")
    status, out, _ = call("run", "mnist-parity", *quick)
    document = json.loads(out)
    assert status == 0
    assert document["published"] == []
    assert [g for g in document["gates"] if not g["passed"] and g["severity"] == "invalid"] == []
    assert {c["arm"] for c in document["comparisons"]} == {
        "random_trunk", "probe", "full", "probe_then_full", "label_map",
    }  # fmt: skip
    assert "invalid" not in {c["verdict"] for c in document["comparisons"]}
    mean = {arm["arm"]: arm["mean"] for arm in document["arms"]}
    assert mean["label_map"] > mean["random_trunk"]


# Without data.


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_recipe_without_its_data_says_where_it_looked_and_how_to_get_it(
    command: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADSTART_DATA")
    status, out, err = call(command, "cifar-halves")
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    for line in (
        "headstart: cifar-halves has 1 problem:",
        "tasks.source.dataset: data set 'cifar10' was not found. Looked in:",
        "- $HEADSTART_DATA: ",
        f"- the cache ({tmp_path}/cache/data/cifar10): no such folder",
        f"- the system's data sets ({tmp_path}/system/cifar10): no such folder",
        "- headstart itself (",
        "To get it, do one of:",
        "- headstart data fetch cifar10    (about 171 MB)",
        "- export HEADSTART_DATA=FOLDER    where FOLDER/cifar10/ holds ",
    ):
        assert line in err
    assert not (tmp_path / "headstart-store").exists()
