"""The study file of a folder of photos: sizes, names and text that reads as what it says."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.study.dataset_facts import DatasetFacts
from headstart.study.photo_study import (
    BUDGETS,
    PhotoStudy,
    sizes_for,
    source_names,
    study_name,
)
from headstart.study.sizes import parse_size
from headstart.study.study import StudySpec


def facts(classes: tuple[str, ...] = ("ants", "bees"), number: int = 122) -> DatasetFacts:
    return DatasetFacts(
        name="photos",
        content="0",
        shape=None,
        classes=classes,
        train_counts=(number,) * len(classes),
        test_counts=(70,) * len(classes),
        sizes=((256, 256), (300, 400)),
        modes=("RGB",),
    )


def study(dataset: str = "./photos", **changes: object) -> PhotoStudy:
    given: dict[str, object] = {
        "dataset": dataset,
        "facts": facts(),
        "sources": {"resnet18": "timm:resnet18"},
        "budget": BUDGETS[7],
        "size": (96, 96),
    }
    return PhotoStudy(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("per_class", "sizes"),
    [
        (2, ("all",)),
        (9, ("all",)),
        (10, ("5 per class", "all")),
        (48, ("5 per class", "20 per class", "all")),
        (97, ("5 per class", "20 per class", "all")),
        (1000, ("100 per class", "500 per class", "all")),
        (5000, ("500 per class", "2000 per class", "all")),
    ],
)
def test_sizes_are_round_and_below_half_of_what_there_is(
    per_class: int, sizes: tuple[str, ...]
) -> None:
    assert sizes_for(per_class) == sizes


@settings(deadline=None)
@given(st.integers(1, 100_000))
def test_no_size_asks_for_more_than_half(per_class: int) -> None:
    sizes = [parse_size(size) for size in sizes_for(per_class)]
    numbers = [size.value for size in sizes[:-1]]
    assert sizes[-1].kind == "all"
    assert numbers == sorted(set(numbers))
    assert all(2 * number <= per_class for number in numbers)


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("./photos", "photos"),
        ("/data/My Photos (2024)/", "My-Photos-2024"),
        ("zips/hymenoptera.zip", "hymenoptera"),
        ("signs-mini", "signs-mini"),
        ("./.hidden", "hidden"),
        ("./日本", "photos"),
    ],
)
def test_a_study_is_named_like_its_photos(dataset: str, name: str) -> None:
    assert study_name(dataset) == name


def test_sources_have_short_names_that_differ() -> None:
    networks = ("timm:resnet18.a1_in1k", "keras:a/model.keras", "keras:b/model.keras")
    assert source_names(networks) == {
        "resnet18": "timm:resnet18.a1_in1k",
        "model": "keras:a/model.keras",
        "model_2": "keras:b/model.keras",
    }


def test_the_file_is_a_study_with_every_arm_and_its_budget() -> None:
    table = tomllib.loads(study().text())
    spec = StudySpec(**{**table, "pairs": [{"source": "resnet18", "target": "target"}]})
    assert [arm.name for arm in spec.arms] == [
        "scratch", "random_trunk", "probe", "converged_probe", "full", "probe_then_full"
    ]  # fmt: skip
    assert (spec.training.updates, len(spec.seeds), spec.margin) == (40, 5, 1.0)
    assert spec.tasks["target"].image.size == (96, 96)


def test_the_size_is_written_also_where_all_photos_have_it() -> None:
    """Left out it would be the network's own, which may be many times as large."""
    alike = facts().model_copy(update={"sizes": ((96, 96), (96, 96))})
    image = tomllib.loads(study(facts=alike).text())["tasks"]["target"]["image"]
    assert image == {"size": [96, 96]}


def test_a_dear_budget_tries_learning_rates() -> None:
    assert tomllib.loads(study(budget=BUDGETS[0]).text())["training"]["rates"] == [0.01, 0.03, 0.1]
    assert "rates" not in tomllib.loads(study(budget=BUDGETS[-1]).text())["training"]


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: text.isprintable() or "\x7f" in text))
def test_any_path_can_be_written_into_the_file(dataset: str) -> None:
    assert tomllib.loads(study(dataset).text())["tasks"]["target"]["dataset"] == dataset


def few(train: int, test: int, **changes: object) -> DatasetFacts:
    """Facts of photos of two classes without a test part; so many of a class were made one."""
    given: dict[str, object] = {"train_counts": (train,) * 2, "test_counts": (test,) * 2}
    return facts().model_copy(update={"test_dealt": True, **given, **changes})


def test_of_few_photos_each_seed_has_a_test_part_to_itself() -> None:
    text = study(facts=few(24, 6)).text()
    read = StudySpec(**tomllib.loads(text))
    split = read.tasks["target"].split
    assert (split.test, split.validation) == ("repeated", 0.2)
    assert "on the photos to choose with" in text
    # Of 30 of a class 24 are left in a split, of which 19 train.
    assert [size.label for size in read.sizes] == ["5 per class", "all"]


@pytest.mark.parametrize(
    "known",
    [
        few(100, 25),  # 50 to test with are enough
        few(24, 6, test_dealt=False),  # the user has said which are for testing
        few(24, 6, train_counts=(24, 3), test_counts=(6, 1)),  # too few of a class to deal
    ],
)
def test_other_photos_have_a_test_part_that_stays(known: DatasetFacts) -> None:
    assert StudySpec(**tomllib.loads(study(facts=known).text())).tasks["target"].split.test == (
        "published"
    )
