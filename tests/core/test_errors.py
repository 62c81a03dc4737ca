"""Errors: what was given, what is allowed, what to do, and every problem at once."""

import pickle

import pytest

from headstart.core.errors import (
    CheckpointError,
    DataError,
    HeadstartError,
    OutputError,
    Problem,
    SpecError,
    StoreDamaged,
    StoreError,
    StoreFull,
    known_names,
    nearest,
    unknown,
)

PROBLEMS = (
    unknown("arm", "scrach", ["probe", "scratch"], where="arms[0]"),
    Problem(where="", message="is empty."),
    Problem(where="sizes", message="'20' is listed twice.", fix="Remove one."),
)


def test_text_numbers_every_problem() -> None:
    error = SpecError(PROBLEMS, "mine.toml")
    assert str(error) == (
        "mine.toml has 3 problems:\n"
        "  1. arms[0]: arm 'scrach' is not known.\n"
        "     Known: probe, scratch.\n"
        "     Did you mean 'scratch'?\n"
        "  2. is empty.\n"
        "  3. sizes: '20' is listed twice.\n"
        "     Remove one."
    )
    assert error.problems == PROBLEMS


def test_one_problem_is_not_plural() -> None:
    assert str(SpecError(PROBLEMS[1:2])) == "the study has 1 problem:\n  1. is empty."


def test_spec_error_survives_pickling() -> None:
    error = SpecError(PROBLEMS, "mine.toml")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is SpecError
    assert (str(again), again.problems, again.origin) == (str(error), PROBLEMS, "mine.toml")


@pytest.mark.parametrize(
    "kind",
    [CheckpointError, DataError, OutputError, SpecError, StoreDamaged, StoreError, StoreFull],
)
def test_one_base_catches_all(kind: type[Exception]) -> None:
    assert issubclass(kind, HeadstartError)


def test_a_wrong_value_is_a_value_error_too() -> None:
    assert issubclass(SpecError, ValueError)
    assert issubclass(DataError, ValueError)
    assert issubclass(CheckpointError, ValueError)
    assert issubclass(StoreFull, StoreError)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("finetun", "Did you mean 'finetune'?"),
        ("PROBE", "Did you mean 'Probe'?"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_nearest_name(given: str, expected: str) -> None:
    assert nearest(given, ["finetune", "Probe", "scratch"]) == expected


def test_nearest_of_nothing_is_nothing() -> None:
    assert nearest("probe", []) == ""


def test_of_names_that_are_as_near_the_one_that_begins_alike_is_meant() -> None:
    names = [f"n{number:08}" for number in range(1000)]
    assert nearest("n0000000x", names).startswith("Did you mean 'n0000000")


def test_known_names_are_sorted() -> None:
    assert known_names(["b", "c", "a"]) == "Known: a, b, c."


def test_of_very_many_names_the_first_are_listed() -> None:
    names = [str(number) for number in range(1000)]
    assert known_names(names) == "Known: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more."
    assert known_names(names[:30]).endswith("28, 29.")
