"""Wide margins are named in the headline, and tests whose steps are wider than the margin."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import each_record
from tiny_study import analysed, run_tiny

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import evidence_of
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import gates_of
from headstart.analyse.gates.registry import run_gates
from headstart.analyse.records import Record
from headstart.flow.load import warnings
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.margin import wide_margin
from studies import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_tiny(tmp_path_factory)


@pytest.fixture(scope="module")
def evidence(folder: Path) -> Evidence:
    loaded = tiny()
    with Store(folder) as store:
        return evidence_of(loaded.study, loaded.facts, make_plan(loaded.study, loaded.facts), store)


def shown(folder: Path, **changes: Any) -> Analysis:
    return analysed(tiny(**changes), folder)


WIDE = (
    "he margin of 50 points is unusually wide (1 or less is usual): 'no measurable difference' "
    "then only means less than 50 points apart."
)


def test_an_unusually_wide_margin_is_named_in_the_headline_and_before_a_run(folder: Path) -> None:
    analysis = shown(folder, margin=50)
    assert analysis.headline.endswith(f" T{WIDE}")
    (audit,) = (gate for gate in analysis.gates if gate.id == "CHK-19")
    assert audit.passed
    assert warnings(tiny(margin=50)) == (f"t{WIDE}",)


@pytest.mark.parametrize("margin", [1.0, 5.0, "auto"])
def test_usual_margins_are_not(folder: Path, margin: Any) -> None:
    assert warnings(tiny(margin=margin)) == ()
    if margin != "auto":
        assert "unusually wide" not in shown(folder, margin=margin).headline
        assert wide_margin(margin) == ""


def first_images(number: int, evidence: Evidence) -> Evidence:
    """The same trials, scored on the first few images alone."""

    def cut(record: Record) -> Record:
        return replace(record, labels=record.labels[:number], classes=record.classes[:number])

    return replace(evidence, records=each_record(evidence.records, cut))


def steps(evidence: Evidence) -> str:
    gate = next(gate for gate in gates_of(run_gates(evidence), ()) if gate.id == "CHK-17-images")
    return "" if gate.passed else gate.message


def test_the_smallest_step_is_said_where_it_is_larger_than_the_margin(evidence: Evidence) -> None:
    assert steps(evidence) == ""
    assert steps(first_images(100, evidence)) == ""  # a step of 1, the margin
    assert steps(first_images(5, evidence)) == (
        "'target' is tested on 5 images: one more that is right is 20 points, the smallest step of "
        "accuracy there is, and more than the margin of 1. Only more test images measure finer."
    )
    unknown = replace(first_images(5, evidence), margins={})
    assert steps(unknown) == ""


def test_images_of_all_seeds_count_where_each_has_a_test_part_to_itself(
    evidence: Evidence,
) -> None:
    def own(record: Record) -> Record:
        return replace(record, images=np.arange(40) + 40 * record.trial.seed)

    forty = first_images(40, evidence)
    assert "tested on 40 images: one more that is right is 2.5 points" in steps(forty)
    of_seeds = replace(forty, records=each_record(forty.records, own))
    assert steps(of_seeds) == ""  # 120 images of three seeds
