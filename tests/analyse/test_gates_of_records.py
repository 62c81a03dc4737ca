"""Gates on the records of the tiny study: all pass but its caveats, until one fault is made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_study import run_tiny

from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import gates_of, withheld_by
from headstart.analyse.gates.registry import GATES, run_gates
from headstart.analyse.records import OverlapRecord, Record, Records, gather, overlaps_of
from headstart.data.leaks.overlap import CHANGED, SEEN, SOURCE_VALIDATION, TARGET_TRAIN
from headstart.execute.environment import processor
from headstart.flow import Loaded
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny

Overlaps = dict[tuple[str, str], OverlapRecord]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store with the tiny study."""
    return run_tiny(tmp_path_factory)


@pytest.fixture(scope="module")
def records(folder: Path) -> Records:
    """Finished trials of the tiny study."""
    loaded = tiny()
    with Store(folder) as store:
        return gather(make_plan(loaded.study, loaded.facts), store)


@pytest.fixture(scope="module")
def overlaps(folder: Path) -> Overlaps:
    """Images that the tiny study's source and target share."""
    loaded = tiny()
    with Store(folder) as store:
        return overlaps_of(make_plan(loaded.study, loaded.facts), store)


def evidence(
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
    gates = gates_of(run_gates(evidence(records, loaded, overlaps)), ())
    return {
        gate.id: gate.message
        for gate in gates
        if not gate.passed and not gate.message.startswith(f"'{gate.title}' does not hold: see ")
    }


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


def test_kinds_of_device_are_named_and_hosts_are_not(records: Records) -> None:
    def said_of(**changes: str) -> str:
        def elsewhere(record: Record) -> Record:
            row = record.train_rows[0]
            changed = replace(row, environment={**row.environment, **changes})
            return replace(record, train_rows=(changed, *record.train_rows[1:]))

        return failed(altered(records, "full", elsewhere)).get("ENV", "")

    assert said_of(device="A GPU") == (
        f"results were computed with different device: A GPU and {processor()}."
    )
    assert f"the GPU of {processor()}" in said_of(device="mps")
    assert "different processor: " in said_of(processor="Another")
    assert said_of(host="another") == ""


def shared(**counts: Any) -> Overlaps:
    """Overlap record of the tiny study, with nothing shared but the given counts."""
    result = {
        "num_source": 4_400, "num_target": 4_800, "num_test": 1_000,
        "shared_train": 0, "shared_validation": 0, "leaked_from_source": 0,
        "leaked_from_target": 0, "label_function": False, "same_labels": False,
        "leaked_from_validation": 0, "leaked_near": 0, "leaked_changed": 0, "alike_test": 0,
        "shared_train_near": 0,
        "own_validation": 0, "source_two_labels": 0, "target_two_labels": 0, "two_labels": (),
        "closeness": None,
    }  # fmt: skip
    leaked = counts.pop("leaked", 0)
    overlap = OverlapRecord(result={**result, **counts}, leaked=np.arange(leaked))
    return {("source", "target"): overlap}


@pytest.mark.parametrize(
    ("counts", "gate", "says"),
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
            "501 of 1,000 test images of 'target' are also training images (0 of the source's, 501 "
            "of the target's).",
        ),
        (
            {"leaked": 500, "leaked_from_target": 400, "leaked_from_source": 100},
            "CHK-01-leaks",
            "500 of 1,000 test images of 'target' are also training images (100 of the source's, "
            "400 of the target's): left out of all scores.",
        ),
        (
            {"leaked": 9, "leaked_from_target": 9, "leaked_changed": 2},
            "CHK-01-leaks",
            "9 of 1,000 test images of 'target' are also training images (0 of the source's, "
            "9 of the target's): left out of all scores; turned, inverted or shifted: 2 of them.",
        ),
        (
            {"leaked": 9, "leaked_from_target": 9, "leaked_near": 4},
            "CHK-01-leaks",
            "9 of 1,000 test images of 'target' are also training images (0 of the source's, "
            "9 of the target's): left out of all scores; not equal but alike: 4 of them (if the "
            'pairs in the report are other images, write `leaks = { near = "off" }`).',
        ),
        (
            {"leaked": 5, "leaked_from_target": 3, "leaked_from_validation": 2},
            "CHK-01-leaks",
            "5 of 1,000 test images of 'target' are also training or validation images (0 of the "
            "source's, 3 of the target's, 2 validation images): left out of all scores.",
        ),
        (
            {"alike_test": 60},
            "CHK-01-alike",
            "60 of 1,000 test images of 'target' look like training images, but no more than the "
            "images of a fixed camera or a long series do: they count as no copies and are "
            "scored. Look at the pairs in the report. If they are frames of one film or shots of "
            "one burst, keep each film in one part; if they are fine, write "
            '`leaks = { near = "off" }`.',
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
def test_shared_images_are_reported(
    records: Records, overlaps: Overlaps, counts: dict[str, Any], gate: str, says: str
) -> None:
    before = failed(records, overlaps=overlaps)
    assert before == failed(records, overlaps=shared())
    after = failed(records, overlaps=shared(**counts))
    assert after.pop(gate) == says
    # A label function on shared images also asks for the label map as a control.
    if counts.get("label_function"):
        assert after.pop("CHK-21") == (
            "no label-map control, though the target's labels follow from the source's."
        )
    assert after == before
    withheld = withheld_by(run_gates(evidence(records, overlaps=shared(**counts))), records)
    invalid = gate in {g.id for g in GATES if g.severity == "invalid"}
    assert withheld == ({cell: f"{gate}: {says}" for cell in records} if invalid else {})


@pytest.mark.parametrize(
    "counts",
    [
        {"shared_train": 2_000},  # many, with labels of their own
        {"shared_train": 50, "label_function": True, "same_labels": True},  # a few duplicates
        {"shared_train": 50, "label_function": True},
    ],
)
def test_stray_shared_images_are_neither_the_same_task_nor_a_relabelling(
    records: Records, counts: dict[str, Any]
) -> None:
    after = failed(records, overlaps=shared(**counts))
    number = f"{counts['shared_train']:,} training images of 'target'"
    assert after.pop("CHK-01-leaks") == f"{number} are also training images of 'source'."
    assert after == failed(records)


def test_training_images_that_are_only_alike_are_reported_where_they_are_many(
    records: Records,
) -> None:
    few = failed(records, overlaps=shared(shared_train=50, shared_train_near=50))
    assert few == failed(records)
    many = failed(records, overlaps=shared(shared_train=2_000, shared_train_near=1_900))
    assert many["CHK-01-leaks"] == (
        "2,000 training images of 'target' are also training images of 'source'; not equal but "
        "alike: 1,900 of them (if the pairs in the report are other images, write "
        '`leaks = { near = "off" }`).'
    )


def test_images_under_two_labels_are_named_with_both(records: Records) -> None:
    """Files by their names, other images by their places; only the first few."""
    first = {
        "part": "target training", "other": "target test", "index": 7, "other_index": 3,
        "label": 0, "other_label": 2, "name": "train/0/a.png", "other_name": "test/2/b.png",
    }  # fmt: skip
    second = {**first, "index": 9, "name": "", "other_name": ""}
    found = shared(target_two_labels=8, two_labels=[first, second, first, first])
    ((pair, overlap),) = found.items()
    pictures = np.zeros((4, 2, 2, 1), np.uint8)
    said = failed(records, overlaps={pair: replace(overlap, two_labels=pictures)})
    assert said["CHK-01-labels"] == (
        "8 images of 'target' under two labels: train/0/a.png (0) is test/2/b.png (2); target "
        "training image 9 (0) is target test image 3 (2); train/0/a.png (0) is test/2/b.png (2); "
        "and 5 more. Correct the labels, or take the images out."
    )


def test_few_seeds_and_missing_controls_are_caveats(records: Records) -> None:
    kept = {cell: by_seed for cell, by_seed in records.items() if cell[3] in ("scratch", "full")}
    said = failed(kept, tiny(arms=["scratch", "full"]))
    assert "3 finished seeds where 5 are the least" in said["CHK-17"]
    assert "no random-trunk control" in said["CHK-21"]
    assert "CHK-21" not in failed(records)


def test_an_invalid_gate_withholds_the_verdicts_of_its_arm_only(records: Records) -> None:
    broken = altered(records, "full", with_result(finite=False))
    withheld = withheld_by(run_gates(evidence(broken)), broken)
    assert {cell[2:] for cell in withheld} == {("20", "full")}
    assert "CHK-22" in next(iter(withheld.values()))


def test_a_search_without_copies_is_said_to_be_what_it_was() -> None:
    (good,) = (gate.good for gate in GATES if gate.id == "CHK-01-leaks")
    assert SOURCE_VALIDATION not in SEEN
    assert "among training images and the target's validation images" in good
    assert TARGET_TRAIN not in CHANGED  # is not sought turned, inverted or shifted
    assert "was found among the source's, equal or mirrored, nor a tenth of them nearly" in good
