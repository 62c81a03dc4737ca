"""What is wrong with a study is told all at once: where, given, allowed, nearest name."""

from typing import Any

import pytest
from told_problems import CASES

from headstart.core.errors import Problem, SpecError
from headstart.spec.study import StudySpec
from studies import tiny_table


def refused(**changes: Any) -> SpecError:
    """The error of the tiny study with changes; None takes a section out."""
    table = {name: value for name, value in tiny_table(**changes).items() if value is not None}
    with pytest.raises(SpecError) as caught:
        StudySpec(**table)
    return caught.value


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


@pytest.mark.parametrize(("changes", "expected"), CASES)
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
