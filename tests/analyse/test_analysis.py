"""From a store to an Analysis: numbers by hand, and every gate broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse
from headstart.analyse.gates import GATES, Seen, run_gates
from headstart.analyse.records import Cell, Record, gather
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, run
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny


def silent(*_: object) -> None:
    """Listen to nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the tiny study."""
    place = tmp_path_factory.mktemp("analysis") / "store"
    run(tiny(), RunOptions(store=place, workers=1, device="cpu"), listen=silent)
    return place


def analysed(loaded: Loaded, folder: Path) -> Analysis:
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        return analyse(loaded.study, loaded.facts, plan, store)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Analysis:
    """The tiny study analysed."""
    return analysed(tiny(), folder)


def test_numbers_are_those_of_the_stored_predictions(whole: Analysis, folder: Path) -> None:
    loaded = tiny()
    plan = make_plan(loaded.study, loaded.facts)
    with Store(folder) as store:
        right = {}
        for trial in plan.trials:
            assert trial.predict_key is not None
            arrays = store.arrays(trial.predict_key)
            right[trial.arm, trial.size, trial.seed] = arrays["labels"] == arrays["classes"]
            np.testing.assert_array_equal(arrays["probabilities"].argmax(1), arrays["classes"])
    for result in whole.arms:
        scores = [right[result.arm, result.size, seed].mean() for seed in (0, 1, 2)]
        assert result.test_accuracy == pytest.approx(scores)
        assert result.mean == pytest.approx(np.mean(scores))
        assert result.sd == pytest.approx(np.std(scores, ddof=1))
        assert (result.lowest, result.highest) == (min(scores), max(scores))
    for told in whole.comparisons:
        gains = [
            100 * (right[told.arm, told.size, s].mean() - right["scratch", told.size, s].mean())
            for s in (0, 1, 2)
        ]
        assert told.gains_pp == pytest.approx(gains)
        assert told.gain_pp == pytest.approx(np.mean(gains))
        assert told.low_pp is not None
        assert told.high_pp is not None
        assert told.low_pp < told.gain_pp < told.high_pp


def test_every_arm_but_the_control_is_compared_at_every_size(whole: Analysis) -> None:
    assert [(c.arm, c.size) for c in whole.comparisons] == [
        (arm, size)
        for size in ("20", "60")
        for arm in ("random_trunk", "probe", "full", "probe_then_full")
    ]
    assert {c.control for c in whole.comparisons} == {"scratch"}


def test_counts_and_budgets(whole: Analysis) -> None:
    by_arm = {r.arm: r for r in whole.arms if r.size == "60"}
    assert {r.updates for r in by_arm.values()} == {12}
    assert {r.total_parameters for r in by_arm.values()} == {49 * 12 + 12 + 12 * 8 + 8 + 8 * 5 + 5}
    assert by_arm["probe"].trainable_parameters == 45
    assert by_arm["full"].trainable_parameters == by_arm["full"].total_parameters
    assert by_arm["probe"].flops < by_arm["full"].flops
    assert [point for curve in by_arm["full"].curves for point in curve.updates] == [4, 8, 12] * 3


def test_a_study_half_done_says_so(folder: Path) -> None:
    half = analysed(tiny(seeds=5), folder)
    assert half.num_done == 30
    assert half.num_trials == 50
    assert all(result.missing == (3, 4) for result in half.arms)
    assert half.detail[0] == "20 trials are missing; what follows rests on the others."


def test_one_seed_gives_no_interval_and_no_verdict(folder: Path) -> None:
    one = analysed(tiny(seeds=1), folder)
    for told in one.comparisons:
        assert (told.low_pp, told.high_pp) == (None, None)
        assert told.verdict == "not enough evidence"
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
    run(loaded, RunOptions(store=tmp_path / "s", workers=1, device="cpu"), listen=silent)
    told = analysed(loaded, tmp_path / "s").comparisons[0]
    assert told.verdict == "invalid"
    assert "arms identical" in told.why


def test_the_headline_names_the_arm_that_validation_prefers(whole: Analysis) -> None:
    for size in ("20", "60"):
        transfer = ("probe", "full", "probe_then_full")
        rivals = {r.arm: r.validation_mean for r in whole.arms if r.size == size}
        best = max(transfer, key=lambda arm: rivals[arm])
        assert f"with {size} images ({best}:" in whole.headline


# Gates: on records as they are, all pass but the caveats of this study; then one is broken a time.

Records = dict[Cell, dict[int, Record]]


@pytest.fixture(scope="module")
def records(folder: Path) -> Records:
    """The tiny study's finished trials."""
    loaded = tiny()
    with Store(folder) as store:
        return gather(make_plan(loaded.study, loaded.facts), store)


def failed(records: Records, loaded: Loaded | None = None) -> dict[str, str]:
    loaded = loaded or tiny()
    gates, _ = run_gates(Seen(study=loaded.study, facts=loaded.facts, records=records))
    return {gate.id: gate.message for gate in gates if not gate.passed}


def altered(records: Records, arm: str, change: Callable[[Record], Record]) -> Records:
    """The records with those of one arm at size 20 and seed 1 changed."""
    result = {cell: dict(by_seed) for cell, by_seed in records.items()}
    for cell, by_seed in result.items():
        if cell[2:] == ("20", arm):
            by_seed[1] = change(by_seed[1])
    return result


def with_result(**changes: Any) -> Callable[[Record], Record]:
    def change(record: Record) -> Record:
        row = record.train_rows[0]
        changed = replace(row, result={**row.result, **changes})
        return replace(record, train_rows=(changed, *record.train_rows[1:]))

    return change


def test_a_sound_study_fails_no_invalid_gate(records: Records) -> None:
    severities = {gate.id: gate.severity for gate in GATES}
    assert {severities[name] for name in failed(records)} <= {"caveat"}
    assert "CHK-09" in failed(records)  # one fixed learning rate


@pytest.mark.parametrize(
    ("gate", "arm", "change", "says"),
    [
        (
            "CHK-03",
            "full",
            with_result(start={"fresh": ["dense1", "dense2", "head"], "taken": []}),
            "the first weights of full at 20 are not those of the start named",
        ),
        (
            "CHK-03",
            "scratch",
            with_result(start={"fresh": ["dense1", "head"], "taken": ["dense2"]}),
            "the first weights of scratch at 20",
        ),
        (
            "CHK-04",
            "probe",
            with_result(frozen_after="other"),
            "frozen weights or buffers of probe at 20 moved.",
        ),
        (
            "CHK-04",
            "full",
            with_result(trained_moved=False),
            "what full at 20 were to train did not move.",
        ),
        (
            "CHK-05",
            "probe",
            with_result(start={"fresh": [], "taken": ["dense1", "dense2", "head"]}),
            "the head of probe at 20 was not fresh.",
        ),
        ("CHK-12", "full", with_result(num_images=21), "not trained on the number of images"),
        ("CHK-22", "full", with_result(finite=False), "full at 20 met numbers that are not finite"),
        (
            "CHK-08",
            "full",
            with_result(curve=[[4, 1.0, 1.0, 0.5], [8, 1.0, 0.9, 0.5], [12, 1.0, 0.5, 0.5]]),
            "validation loss still fell by more than 1% over the last 20%",
        ),
    ],
)
def test_a_gate_fires_on_exactly_its_fault(
    records: Records, gate: str, arm: str, change: Callable[[Record], Record], says: str
) -> None:
    before = failed(records)
    after = failed(altered(records, arm, change))
    assert says in after[gate]
    severity = next(g.severity for g in GATES if g.id == gate)
    if severity == "invalid":
        assert gate not in before
        invalid = {g.id for g in GATES if g.severity == "invalid"}
        # A head that was taken is also a start that is not the one named.
        assert set(after) & invalid <= {gate, "CHK-03"}


def test_unequal_budgets_are_named(records: Records) -> None:
    def longer(record: Record) -> Record:
        step = record.steps[0]
        phase = {**step.payload["phase"], "updates": 99}
        changed = replace(step, payload={**step.payload, "phase": phase})
        return replace(record, steps=(changed, *record.steps[1:]))

    said = failed(altered(records, "full", longer))["CHK-07"]
    assert "unequal budgets at 20" in said
    assert "99 updates: full" in said


def test_other_test_images_are_named(records: Records) -> None:
    def other(record: Record) -> Record:
        return replace(record, labels=record.labels[::-1])

    assert (
        "full at 20 were scored on other test images"
        in failed(altered(records, "full", other))["CHK-16"]
    )


def test_mixed_environments_are_named(records: Records) -> None:
    def elsewhere(record: Record) -> Record:
        row = record.train_rows[0]
        changed = replace(row, environment={**row.environment, "torch": "9.9"})
        return replace(record, train_rows=(changed, *record.train_rows[1:]))

    said = failed(altered(records, "full", elsewhere))["ENV"]
    assert said == "results were computed with different torch."


def test_the_same_task_twice_is_invalid(records: Records) -> None:
    loaded = tiny(
        tasks={
            "source": {"dataset": "mnist-mini", "classes": [0, 1, 2]},
            "target": {"dataset": "mnist-mini", "classes": [2, 3, 4], "split": {"validation": 9}},
        },
        sizes=[20],
    )
    said = failed(records, loaded)["CHK-01"]
    assert "trained on the same images" in said
    assert "(2)" in said


def test_few_seeds_and_missing_controls_are_caveats(records: Records) -> None:
    said = failed(records, tiny(arms=["scratch", "full"]))
    assert "3 finished seeds where 5 are the least" in said["CHK-17"]
    assert "no random-trunk control" in said["CHK-21"]
    assert "CHK-21" not in failed(records)


def test_an_invalid_gate_withholds_the_verdicts_of_its_arm_only(records: Records) -> None:
    loaded = tiny()
    broken = altered(records, "full", with_result(finite=False))
    _, withheld = run_gates(Seen(study=loaded.study, facts=loaded.facts, records=broken))
    assert {cell[2:] for cell in withheld} == {("20", "full")}
    assert "CHK-22" in next(iter(withheld.values()))
