"""From a store to an Analysis: its numbers are those computed by hand from the predictions."""

import re
from pathlib import Path

import numpy as np
import pytest
from tiny_study import analysed, run_tiny

from headstart.analyse.analysis import Analysis, Strictness, known
from headstart.analyse.build import analyse
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store with the tiny study."""
    return run_tiny(tmp_path_factory)


@pytest.fixture(scope="module")
def given(folder: Path) -> Analysis:
    """Analysis of the tiny study."""
    return analysed(tiny(), folder)


def test_numbers_are_those_of_the_stored_predictions(given: Analysis, folder: Path) -> None:
    loaded = tiny()
    plan = make_plan(loaded.study, loaded.facts)
    with Store(folder) as store:
        right = {}
        for trial in plan.trials:
            arrays = store.arrays(trial.predict_key)
            right[trial.arm, trial.size, trial.seed] = arrays["labels"] == arrays["classes"]
            np.testing.assert_array_equal(arrays["probabilities"].argmax(1), arrays["classes"])
    for result in given.arms:
        scores = [right[result.arm, result.size, seed].mean() for seed in (0, 1, 2)]
        assert result.test_accuracy == pytest.approx(scores)
        assert result.mean == pytest.approx(np.mean(scores))
        assert result.sd == pytest.approx(np.std(scores, ddof=1))
        assert (result.lowest, result.highest) == (min(scores), max(scores))
    for row in given.comparisons:
        gains = [
            100 * (right[row.arm, row.size, s].mean() - right["scratch", row.size, s].mean())
            for s in (0, 1, 2)
        ]
        assert row.gains_pp == pytest.approx(gains)
        assert row.gain_pp == pytest.approx(np.mean(gains))
        assert row.low_pp is not None
        assert row.high_pp is not None
        assert row.low_pp < row.gain_pp < row.high_pp


def test_every_arm_but_the_control_is_compared_at_every_size(given: Analysis) -> None:
    assert [(c.arm, c.size) for c in given.comparisons] == [
        (arm, size)
        for size in ("20", "60")
        for arm in ("random_trunk", "probe", "full", "probe_then_full")
    ]
    assert {c.control for c in given.comparisons} == {"scratch"}


def test_counts_and_budgets(given: Analysis) -> None:
    by_arm = {r.arm: r for r in given.arms if r.size == "60"}
    assert {r.updates for r in by_arm.values()} == {12}
    assert {r.total_parameters for r in by_arm.values()} == {49 * 12 + 12 + 12 * 8 + 8 + 8 * 5 + 5}
    assert by_arm["probe"].trainable_parameters == 45
    assert by_arm["full"].trainable_parameters == by_arm["full"].total_parameters
    assert known(by_arm["probe"].flops) < known(by_arm["full"].flops)
    assert [point for curve in by_arm["full"].curves for point in curve.updates] == [4, 8, 12] * 3


def test_a_study_half_done_says_so(folder: Path) -> None:
    half = analysed(tiny(seeds=5), folder)
    assert half.num_done == 30
    assert half.num_trials == 50
    assert all(result.missing == (3, 4) for result in half.arms)
    assert (
        half.detail[0]
        == "20 trials are missing; comparisons that need them are estimates yet, without verdicts."
    )


def test_one_seed_gives_no_interval_and_no_verdict(folder: Path) -> None:
    one = analysed(tiny(seeds=1), folder)
    for row in one.comparisons:
        assert (row.low_pp, row.high_pp) == (None, None)
        assert row.verdict == "not enough evidence"
    assert all(result.sd is None for result in one.arms)


def test_an_empty_store_gives_an_analysis_without_results(tmp_path: Path) -> None:
    nothing = analysed(tiny(), tmp_path / "empty")
    assert nothing.arms == ()
    assert nothing.comparisons == ()
    assert nothing.headline == "No transfer arm could be compared with the control yet."


def test_an_arm_compared_with_itself_under_another_name_is_called_identical(
    tmp_path: Path,
) -> None:
    twin = {"name": "twin", "start": "fresh", "strategy": "full"}
    loaded = tiny(arms=["scratch", twin], sizes=[20])
    run(loaded, RunOptions(store=tmp_path / "s", workers=1, device="cpu"), listen=lambda *_: None)
    row = analysed(loaded, tmp_path / "s").comparisons[0]
    assert row.verdict == "invalid"
    assert "arms identical" in row.why


def test_the_headline_names_the_arm_that_validation_prefers(given: Analysis) -> None:
    for size in ("20", "60"):
        transfer = ("probe", "full", "probe_then_full")
        rivals = {r.arm: r.validation_mean or 0.0 for r in given.arms if r.size == size}
        best = max(transfer, key=lambda arm: rivals[arm])
        assert re.search(rf"[Ww]ith {size} images[^(]*\({best}: ", given.headline)


def test_more_looks_are_held_to_a_stricter_level_and_said_so(given: Analysis, folder: Path) -> None:
    loaded = tiny()
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        study = loaded.study.model_copy(update={"looks": (len(loaded.study.seeds), 20, 40)})
        three = analyse(study, loaded.facts, plan, store)
    assert given.strictness == Strictness(level=0.04, family_size=6)
    assert three.strictness == Strictness(level=0.0164, looks_planned=3, family_size=6)
    for once, thrice in zip(given.comparisons, three.comparisons, strict=True):
        assert thrice.confidence > once.confidence
        assert thrice.low95_pp == once.low95_pp
    said = (
        "adjusted for the 6 comparisons of transfer arms (Holm; 1.64 % at each of 3 planned looks"
    )
    assert said in three.detail[-1]
    assert any(said in how for _, how in three.protocol)


def test_every_transfer_arm_has_a_sentence_on_what_its_gain_is_put_down_to(
    given: Analysis,
) -> None:
    cells = {(c.arm, c.size) for c in given.comparisons if c.in_family and c.verdict != "invalid"}
    assert {(note.arm, note.size) for note in given.attribution_notes} == cells
    assert {(row.role, row.arm, row.size) for row in given.attributions} == {
        ("random trunk", arm, size) for arm, size in cells
    }
