"""Counts of verdicts against what studies of a known truth must give."""

import pytest

from headstart.analyse.analysis import Word
from headstart.analyse.validation import Kind, validation_of

NOT_ENOUGH: Word = "not enough evidence"


@pytest.mark.parametrize(
    ("kind", "verdicts", "accepted"),
    [
        ("null", [NOT_ENOUGH] * 190 + ["helps"] * 5 + ["hurts"] * 5, True),
        ("null", [NOT_ENOUGH] * 180 + ["helps"] * 20, False),
        ("null", [NOT_ENOUGH] * 199 + ["invalid"], False),
        ("null", ["no measurable difference"] * 20, True),
        ("positive", ["helps"] * 20, True),
        ("positive", ["helps"] * 10 + [NOT_ENOUGH] * 10, False),
        ("positive", ["helps"] * 19 + ["hurts"], False),
        ("negative", ["hurts"] * 18 + [NOT_ENOUGH] * 2, True),
        ("negative", ["helps"] * 20, False),
        ("identity", ["invalid"] * 3, True),
        ("identity", ["invalid"] * 2 + ["no measurable difference"], False),
    ],
)
def test_verdicts_are_held_against_the_truth(
    kind: Kind, verdicts: list[Word], accepted: bool
) -> None:
    found = validation_of(kind, verdicts)
    assert found.accepted is accepted
    assert found.studies == len(verdicts)
    told = found.helps + found.hurts + found.no_difference + found.not_enough + found.invalid
    assert told == len(verdicts)


def test_the_bound_is_that_of_the_binomial_distribution() -> None:
    """Of 200 studies at level 0.05, more than 18 false verdicts come up once in a hundred times."""
    assert validation_of("null", [NOT_ENOUGH] * 200).bound == 18
