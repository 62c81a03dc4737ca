"""Every gate broken on purpose, one fault at a time: the gate that says so, and no other."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faults import (
    KEPT,
    LONG,
    PLACE,
    PROBE,
    RATES,
    SOURCE,
    SPLIT_BY_TEST,
    TARGET,
    TRAINING,
    Break,
    arms,
    at_chance,
    choice,
    cut_test,
    each_record,
    falling,
    first_four,
    grouped,
    hardly_moving,
    longer,
    made,
    most_leaked,
    mostly_one_class,
    of_probe,
    of_sources,
    other_test,
    own_rows,
    pair_counts,
    result,
    source_rows,
    spec,
    tuned,
    two_labels,
    wide_head,
    with_environment,
    with_payload,
    with_result,
    without_threes,
)
from sound_study import EVERY, Sound, failed, run_sound

from headstart.analyse.build import evidence_of
from headstart.analyse.gates.convergence import learnt, still_improving
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.registry import GATES
from headstart.analyse.records import Record
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.flow.engine import plan_of
from headstart.plan.steps import Score
from headstart.store.store import Store
from headstart.study.dataset_facts import GroupFacts
from studies import tiny, tiny_table


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    yield from run_sound(tmp_path_factory)


def test_the_sound_study_passes_every_gate_and_audit(sound: Sound) -> None:
    analysis = sound.analysed()
    assert failed(analysis) == {}
    assert {gate.id for gate in analysis.gates} == {spec.id for spec in EVERY}


SMALL_BATCHES = [
    "scratch",
    "random_trunk",
    {
        "name": "probe",
        "start": "source",
        "strategy": "probe",
        "training": {**TRAINING, "rates": RATES, "batch_size": 8},
    },
    LONG,
]

BROKEN: list[tuple[str, Break, str]] = [
    ("CHK-01", most_leaked, "test images of 'target' are also training images"),
    ("CHK-01-alike", pair_counts(alike_test=60), "no more than the images of a fixed camera"),
    (
        "CHK-01-classes",
        spec(tasks={"source": {**SOURCE, "classes": [4, 5, 6, 7, 8]}, "target": TARGET}),
        "has images of 1 of the 5 classes of target 'target' (4): for these what is measured",
    ),
    ("CHK-01-labels", two_labels, "3 images of 'target' under two labels: "),
    ("CHK-01-leaks", pair_counts(shared_validation=7), "7 validation images of 'target'"),
    ("CHK-03", result(start={**KEPT, "fresh": ["dense1", "head"]}), "are not those of the start"),
    ("CHK-04", result(frozen_after="other"), "frozen weights or buffers of probe at 60 moved"),
    ("CHK-04", result(trained_moved=False), "what probe at 60 were to train did not move"),
    (
        "CHK-06-same",
        spec(**arms({"name": "again", "start": "source", "strategy": "probe"})),
        "probe and again are the same training under several names: one comparison, counted",
    ),
    ("CHK-07", of_probe(longer), "unequal budgets at 60: probe has 999 updates"),
    ("CHK-07-training", spec(arms=SMALL_BATCHES), "probe at 60 had other settings than scratch:"),
    ("CHK-08", of_probe(falling, 1), "in probe at 60 (by more than 1%, or 5% of all"),
    ("CHK-08", of_probe(hardly_moving, 1), "in probe at 60 (by more than 1%, or 5% of all"),
    ("CHK-08-learns", of_probe(at_chance, 1), "probe at 60 did not learn"),
    ("CHK-08-learns", of_sources(at_chance), "'source' was not learnt in 5 of 5 source runs"),
    ("CHK-08-source", of_sources(falling), "source not converged: the validation loss of 'source'"),
    ("CHK-08-source", of_sources(hardly_moving), "at the end of 5 of 5 source runs"),
    ("CHK-09", spec(training=TRAINING), "not tuned: one fixed learning rate (0.3)"),
    ("CHK-09", choice(edges={"probe": "high"}), "of probe at 60 is 0.3, the largest tried"),
    (
        "CHK-09",
        choice(scores={"scratch": (Score(rate=1, accuracy=0, loss=0),) * 2, "probe": ()}),
        "learning rates were not searched alike: probe 0 of 2 tried.",
    ),
    (
        "CHK-11",
        spec(preprocessing={"standardise": "channel", "statistics": "own"}),
        "but the trunk of probe has learnt on the source's statistics",
    ),
    ("CHK-12", result(num_images=59), "were not trained on the number of images planned"),
    ("CHK-12", result(num_validation=199), "or not validated on it"),
    (
        "CHK-12",
        lambda evidence: replace(evidence, records=each_record(evidence.records, cut_test)),
        "were not tested on the number of images planned",
    ),
    (
        "CHK-12-bursts",
        pair_counts(bursts={"num_next": 20, "num_alike": 5, "example": ["a/1.jpg", "a/2.jpg"]}),
        "5 of 20 test images of 'target' are more like the training image with the next number",
    ),
    (
        "CHK-12-groups",
        grouped(GroupFacts(name="patient", num=90, num_crossing=12)),
        "a column 'patient', which is not used: 12 of its 90 groups have images both",
    ),
    ("CHK-13-labels", of_probe(wide_head), "the labels or answers of probe at 60"),
    ("CHK-14", of_probe(lambda record: replace(record, fit=None), 1), "the accuracy of probe at"),
    ("CHK-16", of_probe(other_test, 1), "probe at 60 were scored on other test images."),
    ("CHK-17", first_four, "4 finished seeds where 5 are the least"),
    (
        "CHK-17-images",
        lambda evidence: replace(evidence, margins={PLACE: 0.05}),
        "more than the margin of 0.05. Only more test images measure finer.",
    ),
    ("CHK-17-paired", of_probe(lambda r: with_payload(r, seed=7), 1), "the seeds are not paired"),
    ("CHK-18", made(own_rows, intact=False), "were changed after they were written"),
    (
        "CHK-18-alike",
        made(own_rows, otherwise={"processor": "Another", "torch": "2.13", "device": "cpu"}),
        "computed once more on Another (torch 2.13): the machines do not compute alike",
    ),
    ("CHK-18-trace", made(own_rows), "are no longer in the store; run the same command again"),
    ("CHK-18-trace", made(own_rows, environment={}), "do not say which version of headstart"),
    ("CHK-18-trace", made(own_rows, finished_at="1999"), "before any study had been planned"),
    ("CHK-20-source", made(source_rows), "source runs on 'source' behind probe at 60"),
    (
        "CHK-21",
        spec(
            arms=[
                "scratch",
                {**LONG, "name": "random_trunk", "compute_of": "scratch"},
                "probe",
                LONG,
            ]
        ),
        "no random-trunk control",
    ),
    (
        "CHK-21-thorough",
        spec(arms=["scratch", "random_trunk", "probe", {**LONG, "strategy": "probe"}]),
        "no compute-matched scratch beside probe",
    ),
    ("CHK-22", result(finite=False), "probe at 60 met numbers that are not finite"),
    (
        "CHK-22",
        of_sources(lambda record: with_result(record, finite=False)),
        "the source 'source' diverged: 5 of 5 source runs met numbers that are not finite. What",
    ),
    ("CHK-22-range", result(inputs={"min": -50.5, "max": 2.0}), "reach beyond 50 in size"),
    ("CHK-22-range", result(inputs={"min": float("nan"), "max": 2.0}), "reach beyond 50 in size"),
    ("ENV", of_probe(lambda r: with_environment(r, torch="9.9")), "with different torch."),
    ("ENV", of_sources(lambda r: with_environment(r, torch="9.9")), "with different torch."),
]
BESIDE = {
    "CHK-02", "CHK-05", "CHK-06", "CHK-07-learns", "CHK-07-solver", "CHK-10", "CHK-12-classes",
    "CHK-13", "CHK-23", "CHK-27",
}  # fmt: skip
"""Gates whose fault cannot come alone, or not without a run of its own: below, and in slips."""

OF_CHECKPOINTS = {"CHK-25-loaded", "CHK-25-seen", "CHK-26"}
"""Gates that only a study with a pretrained source can break: `execute/test_pretrained.py`."""


@pytest.mark.parametrize(("gate", "broken", "says"), BROKEN)
def test_a_fault_is_found_by_its_gate_and_by_no_other(
    sound: Sound, gate: str, broken: Break, says: str
) -> None:
    analysis = sound.analysed(broken(sound.evidence))
    messages = failed(analysis)
    assert set(messages) == {gate}
    assert says in messages[gate]
    severity = next(spec.severity for spec in GATES if spec.id == gate)
    withheld = {c.arm for c in analysis.comparisons if c.verdict == "invalid"}
    assert ("probe" in withheld) == (severity == "invalid")


@pytest.mark.parametrize(
    ("gate", "broken", "also"),
    [
        (
            "CHK-01",
            pair_counts(shared_train=2_000, label_function=True, same_labels=True),
            {"CHK-21"},
        ),
        ("CHK-02", pair_counts(shared_train=2_000, label_function=True), {"CHK-21"}),
        ("CHK-05", result(start={"fresh": [], "taken": [*KEPT["taken"], "head"]}), {"CHK-03"}),
        (
            "CHK-07-learns",
            lambda evidence: of_probe(at_chance)(spec(arms=SMALL_BATCHES)(evidence)),
            {"CHK-07-training", "CHK-08-learns"},
        ),
        ("CHK-10", spec(tasks=SPLIT_BY_TEST), {"CHK-12"}),
        (
            "CHK-12-classes",
            lambda evidence: replace(
                evidence, records=each_record(evidence.records, without_threes)
            ),
            {"CHK-08-learns"},
        ),
        (
            "CHK-13",
            spec(tasks={**SPLIT_BY_TEST, "target": {**TARGET, "labels": "original"}}),
            {"CHK-13-labels"},
        ),
        ("CHK-27", mostly_one_class, {"CHK-08-learns"}),
    ],
)
def test_a_fault_that_is_several_faults_is_found_as_all_of_them(
    sound: Sound, gate: str, broken: Break, also: set[str]
) -> None:
    assert set(failed(sound.analysed(broken(sound.evidence)))) == {gate} | also


def test_the_commonest_class_is_named_unless_all_classes_count_alike(sound: Sound) -> None:
    one = mostly_one_class(sound.evidence)
    message = failed(sound.analysed(one))["CHK-27"]
    assert message.startswith("84% of the test images of 'target' are of class '0': always")
    assert 'Use metric = "balanced_accuracy"' in message
    balanced = replace(one, study=one.study.model_copy(update={"metric": "balanced_accuracy"}))
    (gate,) = (gate for gate in GATES if gate.id == "CHK-27")
    assert not list(gate.check(balanced))


def test_faults_of_the_arms_named_are_found_without_a_trial(sound: Sound) -> None:
    """Gates that read the study and not its records."""
    probed = {"name": "on", "start": "probe", "strategy": "full"}
    live = {"name": "live", "start": "source", "strategy": "probe", "frozen": "train"}
    stages = [*tiny_table()["network"]["stages"]]
    stages[1] = {**stages[1], "layers": [*stages[1]["layers"], {"kind": "dropout", "rate": 0.3}]}
    for gate, changes in (
        ("CHK-06", arms(probed)),
        ("CHK-23", {**arms(live), "network": {"stages": stages}}),
    ):
        (checked,) = (spec for spec in GATES if spec.id == gate)
        assert not list(checked.check(sound.evidence))
        assert list(checked.check(replace(sound.evidence, study=tuned(**changes).study)))


def test_every_gate_is_broken_somewhere() -> None:
    assert {gate for gate, _, _ in BROKEN} | BESIDE | OF_CHECKPOINTS == {spec.id for spec in GATES}


def test_a_row_changed_in_the_store_is_found_out(tmp_path: Path) -> None:
    loaded = tiny(arms=["scratch", "probe"], sizes=[20], seeds=1)
    options = RunOptions(store=tmp_path / "s", workers=1, device="cpu")
    run(loaded, options, listen=lambda *_: None)

    def reread() -> Evidence:
        with Store(tmp_path / "s") as store:
            return evidence_of(loaded.study, loaded.facts, plan_of(loaded, store), store)

    assert all(row.intact for row in reread().lineage.made.values())
    connection = sqlite3.connect(tmp_path / "s" / "headstart.db")
    connection.execute(
        """UPDATE steps SET payload = replace(payload, '"batch_size":16', '"x":1')"""
    )
    connection.commit()
    connection.close()
    evidence = reread()
    (gate,) = (spec for spec in GATES if spec.id == "CHK-18")
    (finding,) = gate.check(evidence)
    assert finding.cells == frozenset(evidence.records)


def test_rows_of_another_study_are_no_fault(tmp_path: Path) -> None:
    """What an earlier study has computed is taken over; that is no reason to doubt it."""
    options = RunOptions(store=tmp_path / "s", workers=1, device="cpu")
    run(tiny(arms=["scratch", "probe"], sizes=[20], seeds=1), options, listen=lambda *_: None)
    later = tiny(name="later", arms=["scratch", "probe"], sizes=[20], seeds=2)
    analysis = run(later, options, listen=lambda *_: None).analysis
    assert not {"CHK-18", "CHK-18-trace", "CHK-20-source"} & set(failed(analysis))


def test_another_pair_may_have_other_test_images_left_out(sound: Sound) -> None:
    def fewer(record: Record) -> Record:
        left = {**record.tested_on, "left_out": 1}
        return replace(record, labels=record.labels[1:], classes=record.classes[1:], tested_on=left)

    other = {
        ("other", *cell[1:]): by for cell, by in each_record(sound.evidence.records, fewer).items()
    }
    (gate,) = (spec for spec in GATES if spec.id == "CHK-16")
    both = replace(sound.evidence, records={**sound.evidence.records, **other})
    assert not list(gate.check(both))


def test_hardly_moving_is_not_settled(sound: Sound) -> None:
    record = sound.evidence.records[PROBE][0]
    assert not still_improving(record)
    assert still_improving(hardly_moving(record))
    assert learnt(record)
    assert not learnt(at_chance(record))
