"""A tiny study with a converged probe, from the plan to the verdict."""

from pathlib import Path

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse
from headstart.execute.options import RunOptions
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import run
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.operations import flops_of_solving
from studies import tiny

ARMS = ["scratch", "random_trunk", "probe", "converged_probe"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the study."""
    place = tmp_path_factory.mktemp("converged") / "store"
    loaded = tiny(arms=ARMS, seeds=2, sizes=[60])
    tally = run(
        loaded, RunOptions(store=place, workers=1, device="cpu"), listen=lambda *_: None
    ).tally
    assert tally.failed == ()
    return place


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    """The study analysed."""
    loaded = tiny(arms=ARMS, seeds=2, sizes=[60])
    with Store(folder) as store:
        return analyse(loaded.study, loaded.facts, make_plan(loaded.study, loaded.facts), store)


def test_its_trunk_is_the_sources_and_its_row_says_how_it_was_solved(folder: Path) -> None:
    loaded = tiny(arms=ARMS, seeds=2, sizes=[60])
    plan = make_plan(loaded.study, loaded.facts)
    solved = [trial for trial in plan.trials if trial.arm == "converged_probe"]
    trained = [trial for trial in plan.trials if trial.arm == "probe"]
    with Store(folder) as store:
        for trial, other in zip(solved, trained, strict=True):
            (row,) = store.rows(trial.train_keys).values()
            facts = row.result["solver"]
            assert facts["gradient"] < 1e-5
            assert 0 < facts["iterations"] <= facts["iterations_of_path"]
            assert row.result["frozen_before"] == row.result["frozen_after"]
            facts_ = loaded.facts.of_pair(loaded.study, loaded.study.pairs[0])
            assert row.result["flops"] == flops_of_solving(facts_, 60, facts["iterations_of_path"])
            stored = StoredWeights(store, {})
            ours, theirs = (stored.finished(t.train_keys, "last")[0] for t in (trial, other))
            for name in ("dense1.0.weight", "dense2.0.bias"):
                np.testing.assert_array_equal(ours[name], theirs[name])


def test_it_is_compared_with_a_caveat_on_its_solver(analysis: Analysis) -> None:
    gates = {gate.id: gate for gate in analysis.gates}
    assert gates["CHK-07"].passed
    assert gates["CHK-08"].passed or "converged_probe" not in gates["CHK-08"].message
    caveat = gates["CHK-07-solver"]
    assert (caveat.passed, caveat.severity) == (False, "caveat")
    assert caveat.message.startswith("the head of converged_probe was solved to convergence (in ")
    (told,) = [c for c in analysis.comparisons if c.arm == "converged_probe"]
    assert told.verdict != "invalid"
    (solved,) = [arm for arm in analysis.arms if arm.arm == "converged_probe"]
    (trained,) = [arm for arm in analysis.arms if arm.arm == "probe"]
    assert solved.updates == trained.updates == 12
    assert solved.flops != trained.flops
    assert solved.validation_mean is not None
    assert trained.validation_mean is not None
    assert solved.validation_mean >= trained.validation_mean


def test_without_a_solved_head_there_is_no_caveat(folder: Path) -> None:
    loaded = tiny(arms=ARMS[:3], seeds=2, sizes=[60])
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        found = analyse(loaded.study, loaded.facts, plan, store)
    assert {gate.id: gate.passed for gate in found.gates}["CHK-07-solver"]
