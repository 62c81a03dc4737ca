"""From a store to an Analysis: numbers by hand, and every gate broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.registry import GATES, run_gates
from headstart.analyse.records import OverlapRecord, Record, Records, gather, overlaps_of
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
        rivals = {r.arm: r.validation_mean or 0.0 for r in whole.arms if r.size == size}
        best = max(transfer, key=lambda arm: rivals[arm])
        assert f"with {size} images ({best}:" in whole.headline


# Gates: on records as they are, all pass but the caveats of this study; then one is broken a time.

Overlaps = dict[tuple[str, str], OverlapRecord]


@pytest.fixture(scope="module")
def records(folder: Path) -> Records:
    """The tiny study's finished trials."""
    loaded = tiny()
    with Store(folder) as store:
        return gather(make_plan(loaded.study, loaded.facts), store)


@pytest.fixture(scope="module")
def overlaps(folder: Path) -> Overlaps:
    """What the tiny study's source and target share."""
    loaded = tiny()
    with Store(folder) as store:
        return overlaps_of(make_plan(loaded.study, loaded.facts), store)


def seen(
    records: Records, loaded: Loaded | None = None, overlaps: Overlaps | None = None
) -> Evidence:
    loaded = loaded or tiny()
    return Evidence(
        study=loaded.study,
        facts=loaded.facts,
        records=records,
        overlaps=overlaps or {},
        choices={},
    )


def failed(
    records: Records, loaded: Loaded | None = None, overlaps: Overlaps | None = None
) -> dict[str, str]:
    gates, _ = run_gates(seen(records, loaded, overlaps))
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
            "the head of probe at 20 was not fresh: it had been trained before.",
        ),
        ("CHK-12", "full", with_result(num_images=21), "not trained on the number of images"),
        ("CHK-22", "full", with_result(finite=False), "full at 20 met numbers that are not finite"),
        (
            "CHK-08",
            "full",
            with_result(
                curve=[[4, 1.0, 1.0, 0.5, 0.5], [8, 1.0, 0.9, 0.5, 0.5], [12, 1.0, 0.5, 0.5, 0.5]]
            ),
            "validation loss still fell over the last 20% of the updates in ",
        ),
        (
            "CHK-22-range",
            "full",
            with_result(inputs={"min": -50.5, "max": 2.0}),
            "inputs of full at 20 reach beyond 50 in size: scale them",
        ),
        (
            "CHK-22-range",
            "full",
            lambda record: replace(record, test_inputs={"min": 0.0, "max": 51.0}),
            "inputs of full at 20 reach beyond 50 in size: scale them",
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

    assert failed(altered(records, "full", longer))["CHK-07"] == (
        "unequal budgets at 20: full has 99 updates on 20 images, where 12 updates on 20 images "
        "are the control's."
    )
    # One control that was trained longer puts all others in the wrong.
    others = failed(altered(records, "scratch", longer))["CHK-07"]
    for arm in ("full", "probe", "probe_then_full", "random_trunk"):
        assert f"{arm} has 12 updates on 20 images" in others
    assert others.endswith("where 99 updates on 20 images are the control's.")


def test_other_amounts_of_data_are_named(records: Records) -> None:
    def fewer(record: Record) -> Record:
        return replace(record, trial=replace(record.trial, num_images=14))

    less = {
        cell: {seed: fewer(record) for seed, record in by_seed.items()}
        if cell[2:] == ("20", "full")
        else by_seed
        for cell, by_seed in records.items()
    }
    said = failed(less)["CHK-07"]
    assert "full has 12 updates on 14 images, where 12 updates on 20 images" in said


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


def shared(**told: Any) -> Overlaps:
    """What an overlap step would have found of the tiny study; nothing shared unless told."""
    result = {
        "num_source": 4_400, "num_target": 4_800, "num_test": 1_000,
        "shared_train": 0, "shared_validation": 0, "leaked_from_source": 0,
        "leaked_from_target": 0, "label_function": False, "same_labels": False,
        "leaked_inexact": 0, "shared_train_inexact": 0, "own_validation": 0, "closeness": None,
    }  # fmt: skip
    leaked = told.pop("leaked", 0)
    found = OverlapRecord(result={**result, **told}, leaked=np.arange(leaked))
    return {("source", "target"): found}


@pytest.mark.parametrize(
    ("told", "gate", "says"),
    [
        (
            {"shared_train": 1_200, "label_function": True, "same_labels": True},
            "CHK-01",
            "source 'source' and target 'target' are the same task: 1,200 of the target's 4,800 "
            "training images are the source's, with the same classes. This is more training, not "
            "transfer.",
        ),
        (
            {"shared_train": 1_200, "label_function": True},
            "CHK-02",
            "'target' only renames the classes of 'source' on the same images (1,200 shared): this "
            "is relabelling, not transfer. Give source and target different images.",
        ),
        (
            {"leaked": 501, "leaked_from_target": 501},
            "CHK-01",
            "501 of 1,000 test images of 'target' were trained on.",
        ),
        (
            {"leaked": 500, "leaked_from_target": 400, "leaked_from_source": 100},
            "CHK-01-leaks",
            "500 of 1,000 test images of 'target' are also training images (100 of the source's, "
            "400 of the target's): left out of all scores.",
        ),
        (
            {"leaked": 9, "leaked_from_target": 9, "leaked_inexact": 4},
            "CHK-01-leaks",
            "9 of 1,000 test images of 'target' are also training images (0 of the source's, "
            "9 of the target's; 4 of them not byte for byte): left out of all scores.",
        ),
        (
            {"own_validation": 3},
            "CHK-01-leaks",
            "3 validation images of 'target' are, or all but are, among its training images: what "
            "is selected by validation looks too good.",
        ),
        (
            {"closeness": {"above": 0.012}},
            "CHK-01-leaks",
            "1.2 % of the other test images of 'target' are closer to a training image than 99.9 % "
            "of the training images are to each other: there may be copies that were not found.",
        ),
        (
            {"shared_validation": 7},
            "CHK-01-leaks",
            "7 validation images of 'target' are training images of 'source'.",
        ),
    ],
)
def test_shared_images_are_told(
    records: Records, overlaps: Overlaps, told: dict[str, Any], gate: str, says: str
) -> None:
    before = failed(records, overlaps=overlaps)
    assert before == failed(records, overlaps=shared())
    after = failed(records, overlaps=shared(**told))
    assert after.pop(gate) == says
    # A label function on shared images also asks for the label map as a control.
    if told.get("label_function"):
        assert after.pop("CHK-21") == (
            "no label-map control, though the target's labels follow from the source's."
        )
    assert after == before
    _, withheld = run_gates(seen(records, overlaps=shared(**told)))
    invalid = gate in {g.id for g in GATES if g.severity == "invalid"}
    assert withheld == ({cell: f"{gate}: {says}" for cell in records} if invalid else {})


@pytest.mark.parametrize(
    "told",
    [
        {"shared_train": 2_000},  # many, with labels of their own
        {"shared_train": 50, "label_function": True, "same_labels": True},  # a few duplicates
        {"shared_train": 50, "label_function": True},
    ],
)
def test_stray_shared_images_are_neither_the_same_task_nor_a_relabelling(
    records: Records, told: dict[str, Any]
) -> None:
    after = failed(records, overlaps=shared(**told))
    count = f"{told['shared_train']:,} training images of 'target'"
    assert after.pop("CHK-01-leaks") == f"{count} are also training images of 'source'."
    assert after == failed(records)


def test_training_images_that_are_only_alike_are_told_where_they_are_many(
    records: Records,
) -> None:
    few = failed(records, overlaps=shared(shared_train=50, shared_train_inexact=50))
    assert few == failed(records)
    many = failed(records, overlaps=shared(shared_train=2_000, shared_train_inexact=1_900))
    assert many["CHK-01-leaks"] == (
        "2,000 training images of 'target' are also training images of 'source'; 1,900 of them not "
        "byte for byte."
    )


def test_few_seeds_and_missing_controls_are_caveats(records: Records) -> None:
    kept = {cell: found for cell, found in records.items() if cell[3] in ("scratch", "full")}
    said = failed(kept, tiny(arms=["scratch", "full"]))
    assert "3 finished seeds where 5 are the least" in said["CHK-17"]
    assert "no random-trunk control" in said["CHK-21"]
    assert "CHK-21" not in failed(records)


def test_an_invalid_gate_withholds_the_verdicts_of_its_arm_only(records: Records) -> None:
    broken = altered(records, "full", with_result(finite=False))
    _, withheld = run_gates(seen(broken))
    assert {cell[2:] for cell in withheld} == {("20", "full")}
    assert "CHK-22" in next(iter(withheld.values()))


def test_more_looks_are_held_to_a_stricter_level_and_said_so(whole: Analysis, folder: Path) -> None:
    loaded = tiny()
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        record_look = analyse(loaded.study, loaded.facts, plan, store, looks=3)
    assert (whole.looks, whole.level, whole.family_size) == (1, 0.05, 6)
    assert (record_look.looks, record_look.level, record_look.family_size) == (3, 0.0221, 6)
    for once, thrice in zip(whole.comparisons, record_look.comparisons, strict=True):
        assert thrice.confidence > once.confidence
        assert thrice.low95_pp == once.low95_pp
    said = "adjusted for the 6 comparisons of transfer arms (Holm; 2.21 % at each of 3 looks"
    assert said in record_look.detail[-1]
    assert any(said in how for _, how in record_look.protocol)


def test_every_transfer_arm_has_a_sentence_on_what_its_gain_is_put_down_to(whole: Analysis) -> None:
    told = {(c.arm, c.size) for c in whole.comparisons if c.in_family and c.verdict != "invalid"}
    assert {(note.arm, note.size) for note in whole.attribution_notes} == told
    assert {(row.role, row.arm, row.size) for row in whole.attributions} == {
        ("random trunk", arm, size) for arm, size in told
    }
