"""What is wrong with a study is told all at once: where, given, allowed, nearest name."""

import copy
from typing import Any

import pytest
import told_of_arms
import told_problems
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import Problem, SpecError
from headstart.study.study import StudySpec
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
        ("margin", "got 'wide'; it must be a number."),
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


@pytest.mark.parametrize(("changes", "expected"), [*told_problems.CASES, *told_of_arms.CASES])
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


# -- one broken element hides nothing beside it ---------------------------------------------------

ARM = {"name": "x", "start": "source", "strategy": "full"}
NO_STRATEGY = {"name": "y", "start": "source"}


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        (
            {"arms": ["scratch", NO_STRATEGY, {**ARM, "start": "sorce"},
                      {**ARM, "name": "z", "strategy": {"kind": "freeze", "cut": "dense9"}}]},
            ["arms[1].strategy", "arms[2].start", "arms[3].strategy.cut"],
        ),
        ({"arms": ["scratch", {**ARM, "cutt": 1, "start": "sorce"}]},
         ["arms[1].cutt", "arms[1].start"]),
        ({"arms": ["prob", "scratch", "full", "full"]}, ["arms[0]", "arms"]),
        ({"sizes": [20, "alll", 20]}, ["sizes[1]", "sizes"]),
        ({"sizes": ["2O"], "arms": ["scratch", {**ARM, "only_at": [20]}]}, ["sizes[0]"]),
        ({"seeds": [0, -1, 0]}, ["seeds[1]", "seeds"]),
        ({"pairs": [{"source": "source"}, {"source": "sorce", "target": "target"}]},
         ["pairs[0].target", "pairs[1].source"]),
        ({"published": [{"figur": 1}, {"figure": "a", "arm": "prob"}, {"figure": "b", "pair": 1}]},
         ["published[0].figure", "published[0].figur", "published[1].arm", "published[2].pair"]),
    ],
)  # fmt: skip
def test_a_broken_element_hides_no_other(changes: dict[str, Any], places: list[str]) -> None:
    assert [problem.where for problem in refused(**changes).problems] == places


@pytest.mark.parametrize(
    "broken",
    [
        "scratsh",
        {"name": "scratch", "start": "fresh"},
        {"nmae": "scratch", "start": "fresh", "strategy": "full"},
        {"start": "fresh", "strategy": "full"},
        {"name": "scratch", "start": [{"orign": "fresh"}], "strategy": "full"},
        5,
    ],
)
def test_nothing_is_told_that_only_follows_from_a_broken_arm(broken: Any) -> None:
    """Every other arm, the control, a pair and a published figure name it."""
    error = refused(
        arms=[{**ARM, "start": "scratch"}, {**ARM, "name": "y", "compute_of": "scratch"}, broken],
        pairs=[{"source": "source", "target": "target", "arms": ["scratch", "x", "y"]}],
        published=[{"figure": "a", "arm": "scratch"}],
    )
    assert {problem.where.partition(".")[0] for problem in error.problems} == {"arms[2]"}


def test_nothing_is_told_that_only_follows_from_a_broken_task() -> None:
    error = refused(tasks={"source": {"dataset": 5}, "target": {"dataset": "mnist-mini"}})
    assert [problem.where for problem in error.problems] == ["tasks.source.dataset"]


SECTIONS_WITH_ELEMENTS = {
    "arms": ["scratch", {**ARM}, {**ARM, "name": "y", "start": "x"}, "full"],
    "sizes": [20, "30", 0.5, "all"],
    "seeds": [0, 1, 2, 3],
    "pairs": [{"source": "source", "target": "target"}, {"source": "target", "target": "source"}],
    "tasks": {"source": {"dataset": "mnist-mini"}, "target": {"dataset": "mnist-mini"}},
}


@pytest.mark.parametrize("section", SECTIONS_WITH_ELEMENTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_every_broken_element_is_told_and_nothing_else(section: str, data: st.DataObject) -> None:
    table: Any = copy.deepcopy(SECTIONS_WITH_ELEMENTS[section])
    places = list(table) if isinstance(table, dict) else list(range(len(table)))
    broken = data.draw(st.sets(st.sampled_from(places), min_size=1))
    for place in broken:
        table[place] = data.draw(st.sampled_from([None, [], {}, 1.5]), label=str(place))
    told = {problem.where for problem in refused(**{section: table}).problems}
    prefixes = [f"{section}.{at}" if isinstance(at, str) else f"{section}[{at}]" for at in broken]
    assert all(any(where.startswith(prefix) for where in told) for prefix in prefixes)
    assert all(where.startswith(tuple(prefixes)) for where in told)
