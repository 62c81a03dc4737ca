"""After how many seeds comparisons end, and why: words for every end, means over common seeds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from synthetic import PAIR, finished, record, study_of

from headstart.analyse.analysis import Comparison, Ended, Word
from headstart.analyse.cells import Cell
from headstart.analyse.compare import compare_all
from headstart.analyse.looks import Shown, looks_taken
from headstart.analyse.multiplicity import planned_level
from headstart.analyse.stopping import asked, with_stopping
from headstart.plan.allocation import Allocation
from headstart.plan.questions import Question

LOOKS = (3, 5, 8)
ARMS = ("scratch", "random_trunk", "probe", "full")
STUDY = study_of(ARMS, seeds=8).model_copy(update={"looks": LOOKS, "minutes": 10.0})


def cell(arm: str) -> Cell:
    return (*PAIR, "20", arm)


NUMBERS = {cell("scratch"): 8, cell("random_trunk"): 8, cell("probe"): 3, cell("full"): 8}


def comparisons() -> tuple[tuple[Comparison, ...], Shown]:
    """One arm that ended at the first look, another that has gone on to the last."""
    drawn = np.random.default_rng(3)
    ease = drawn.uniform(size=400)
    records = {
        at: {
            seed: record(at[3], "20", seed, (ease + drawn.normal(0, 0.1, 400) < 0.6).astype(int))
            for seed in range(number)
        }
        for at, number in NUMBERS.items()
    }
    shown = Shown(
        questions={
            cell(arm): Question(key=arm, tested="the test images")
            for arm in ARMS
            if arm != "scratch"
        },
        seeds={at: tuple(range(number)) for at, number in NUMBERS.items()},
    )
    return compare_all(replace(finished(STUDY, records), shown=shown)), shown


def test_each_comparison_is_over_its_own_seeds_at_the_level_of_its_look() -> None:
    found, shown = comparisons()
    seeds = {c.arm: len(c.seeds) for c in found}
    assert seeds == {"random_trunk": 8, "probe": 3, "full": 8}
    assert {c.level for c in found} == {planned_level(3)}
    looks = {look.question: look for look in looks_taken(STUDY, shown, found)}
    assert {name: len(look.seeds) for name, look in looks.items()} == seeds
    assert all(look.planned for look in looks.values())


def ended(word: Word, number: int, **changes: Any) -> tuple[Ended, str]:
    """What is said of a comparison with so many seeds."""
    found, _ = comparisons()
    full = next(c for c in found if c.arm == "full")
    stop = changes.pop("stop", None)
    allocation = Allocation(
        first=3, numbers={cell("full"): number}, stopped={cell("full"): stop} if stop else {}
    )
    (said,) = with_stopping(STUDY, allocation, (replace(full, verdict=word, **changes),))
    return said.ended, said.stopped


@pytest.mark.parametrize("word", ["helps", "hurts", "no measurable difference"])
def test_a_verdict_ends_a_comparison(word: Word) -> None:
    assert ended(word, 5) == ("decided", "decided after 5 seeds")


def test_every_end_without_a_verdict_has_its_reason() -> None:
    open_: Word = "not enough evidence"
    guess: dict[str, Any] = {"more": "seeds", "seeds_needed": 90}
    assert ended(open_, 8) == ("last look", "not decided after 8 seeds; no more are planned")
    assert ended(open_, 3) == ("goes on", "not decided after 3 seeds; a run goes on to 5")
    assert ended(open_, 5, stop="budget") == (
        "budget",
        "not decided after 5 seeds; the budget of 10 minutes ended",
    )
    assert ended(open_, 5, stop="out of reach", **guess) == (
        "out of reach",
        "not decided after 5 seeds; it would take more than the 8 that are planned",
    )
    images: dict[str, Any] = {"more": "test images", "seeds_needed": None}
    assert ended(open_, 3, stop="out of reach", **images)[1] == (
        "not decided after 3 seeds; more test images might decide it, more seeds would not"
    )
    assert ended("invalid", 3) == ended("unfinished", 3) == ("", "")


def test_only_what_a_study_is_for_says_how_many_seeds_it_takes() -> None:
    found, _ = comparisons()
    assert [c.arm for c in asked(found)] == ["probe", "full"]
    controls = tuple(c for c in found if not c.in_family)
    assert asked(controls) == controls
    said = with_stopping(STUDY, Allocation(first=3, numbers=NUMBERS), found)
    assert [c.arm for c in said if c.stopped] == ["probe", "full"]
    assert with_stopping(STUDY, None, found) == found
