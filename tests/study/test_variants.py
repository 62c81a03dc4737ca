"""Variants: sections laid over a study."""

import copy
from pathlib import Path
from typing import Any

import pytest

from headstart.core.errors import SpecError
from headstart.flow import Changes, load, load_study
from headstart.study.variants import variant_name, with_variants
from studies import tiny_table
from study_files import write_study

TABLE: dict[str, Any] = {
    "name": "base",
    "sizes": [1, 2],
    "tasks": {"a": {"dataset": "x", "split": {"by": "head", "validation": 5}}},
    "training": {"epochs": 3, "optimiser": {"kind": "adam", "lr": 0.1}},
    "network": "cnn-tiny",
    "quick": {
        "sizes": ["all"],
        "tasks": {"a": {"dataset": "small", "split": {"validation": 1}}},
        "training": {"epochs": 1},
    },
    "as_published": {
        "question": "As it was?",
        "training": {"optimiser": "sgd", "keep": "last"},
        "source_training": {"epochs": 9},
        "network": {"stages": []},
    },
}


def test_without_a_variant_the_sections_are_left_out() -> None:
    study, problems = with_variants(TABLE, ())
    assert problems == []
    assert study == {k: v for k, v in TABLE.items() if k not in ("quick", "as_published")}


def test_tables_are_merged_key_by_key_and_all_else_is_replaced() -> None:
    study, problems = with_variants(TABLE, ["quick"])
    assert problems == []
    assert study == {
        "name": "base-quick",
        "sizes": ["all"],
        "tasks": {"a": {"dataset": "small", "split": {"by": "head", "validation": 1}}},
        "training": {"epochs": 1, "optimiser": {"kind": "adam", "lr": 0.1}},
        "network": "cnn-tiny",
    }


def test_a_table_replaces_a_name_and_a_name_replaces_a_table() -> None:
    study, _ = with_variants(TABLE, ["as_published"])
    assert study["network"] == {"stages": []}
    assert study["training"] == {"epochs": 3, "optimiser": "sgd", "keep": "last"}
    assert study["source_training"] == {"epochs": 9}
    assert study["question"] == "As it was?"


@pytest.mark.parametrize("chosen", [("as_published", "quick"), ("quick", "as_published")])
def test_quick_is_laid_on_last_in_whatever_order_it_is_asked_for(chosen: tuple[str, ...]) -> None:
    study, problems = with_variants(TABLE, chosen)
    assert problems == []
    assert study["name"] == "base-as-published-quick"
    assert study["training"] == {"epochs": 1, "optimiser": "sgd", "keep": "last"}
    assert study["source_training"] == {"epochs": 9}


def test_the_file_s_table_is_not_changed() -> None:
    before = copy.deepcopy(TABLE)
    with_variants(TABLE, ["as_published", "quick"])
    assert before == TABLE


def test_names_of_variants() -> None:
    assert variant_name("digits", "as_published") == "digits-as-published"
    assert variant_name(variant_name("digits", "thorough"), "quick") == "digits-thorough-quick"


def test_a_section_that_is_not_there() -> None:
    study, problems = with_variants(TABLE, ["thorough", "quick"])
    assert [str(problem) for problem in problems] == [
        "thorough: this study has no section [thorough].\n     It has: as_published, quick.\n"
        "     Leave --thorough out, or write a section [thorough] with what it changes in a copy "
        "of the study's file (docs/study-file.md, Variants)."
    ]
    assert study["name"] == "base-quick"


@pytest.mark.parametrize("variant", ["thorough", "as_published", "quick"])
def test_a_study_without_variants_is_refused_with_one(variant: str, tmp_path: Path) -> None:
    path = write_study(tmp_path / "tiny.toml", tiny_table())
    with pytest.raises(SpecError) as caught:
        load(str(path), Changes(variants=(variant,)))
    assert str(caught.value).startswith(
        f"{path} has 1 problem:\n"
        f"  1. {variant}: this study has no section [{variant}].\n     It has no variants.\n"
        f"     Leave --{variant.replace('_', '-')} out, or write a section [{variant}] "
    )


def test_a_variant_that_is_no_table() -> None:
    study, problems = with_variants({"name": "base", "quick": 5}, ["quick"])
    assert study == {"name": "base"}
    assert [str(problem) for problem in problems] == [
        "quick: got 5; it must be a table.\n     Write [quick] with the sections that it changes."
    ]


def test_problems_of_a_variant_are_those_of_the_study_it_makes(tmp_path: Path) -> None:
    table = tiny_table(quick={"sizes": [3], "traning": {"updates": 5}}, thorough={"control": "x"})
    path = write_study(tmp_path / "tiny.toml", table)
    assert load(str(path)).study.name == "tiny"
    with pytest.raises(SpecError) as caught:
        load(str(path), Changes(variants=("thorough", "quick")))
    assert [problem.where for problem in caught.value.problems] == [
        "traning",
        "control",
        "sizes[0]",
    ]


def test_a_variant_is_loaded_from_python(tmp_path: Path) -> None:
    quick = {"sizes": [20], "seeds": 1, "training": {"updates": 3}}
    path = write_study(tmp_path / "tiny.toml", tiny_table(quick=quick))
    study = load_study(str(path), variants=["quick"])
    assert (study.name, study.seeds, study.training.updates) == ("tiny-quick", (0,), 3)
    assert study.training.batch_size == 16
    # What is asked for beside a variant comes after it.
    assert load_study(str(path), variants=["quick"], seeds=2).seeds == (0, 1)
