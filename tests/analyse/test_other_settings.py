"""An arm that was trained with other settings than the control is named, in every place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults import at_chance
from pydantic import TypeAdapter
from tiny_study import analysed

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analysis_of, evidence_of
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import gates_of, withheld_by
from headstart.analyse.gates.registry import GATES, run_gates
from headstart.analyse.records import Record
from headstart.analyse.trainings import other_settings
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, run
from headstart.flow.engine import plan_of
from headstart.report.notes import arm_notes
from headstart.store.store import Store
from headstart.study.study import StudySpec
from headstart.study.training import TrainingSpec
from studies import tiny, tiny_table

TRAINING: dict[str, Any] = {
    "updates": 12,
    "batch_size": 16,
    "validations": 3,
    "optimiser": {"kind": "sgd", "lr": 0.05, "momentum": 0.9},
    "schedule": "constant",
}


def other(**training: Any) -> dict[str, Any]:
    """An arm like `full`, trained otherwise."""
    return {
        "name": "other",
        "start": "source",
        "strategy": "full",
        "training": {**TRAINING, **training},
    }


def study_with(arm: dict[str, Any], **training: Any) -> StudySpec:
    table = tiny_table(
        arms=["scratch", "random_trunk", "full", arm], training={**TRAINING, **training}
    )
    return StudySpec(**table)


def settings(arm: dict[str, Any], num_images: int | None = None, **training: Any) -> str:
    study = study_with(arm, **training)
    return other_settings(study, study.arm(arm["name"]), num_images)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"batch_size": 64}, "batch size 64 (scratch: 16)"),
        (
            {"optimiser": {"kind": "sgd", "lr": 5, "momentum": 0.5, "nesterov": True}},
            "learning rate 5 (scratch: 0.05), momentum 0.5 (scratch: 0.9), Nesterov momentum yes "
            "(scratch: no)",
        ),
        (
            {"optimiser": {"kind": "adam", "lr": 0.05}},
            "optimiser adam (scratch: sgd)",
        ),
        (
            {"optimiser": {"kind": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-4}},
            "weight decay 0.0001 (scratch: 0)",
        ),
        (
            {"schedule": {"kind": "cosine", "warmup": 0.1}},
            "schedule cosine (scratch: constant), warm-up 0.1 (scratch: 0)",
        ),
        ({"keep": "last"}, "weights that count last (scratch: best of 3 measurements)"),
        (
            {"validations": 6},
            "weights that count best of 6 measurements (scratch: best of 3 measurements)",
        ),
        ({"precision": "bfloat16"}, "precision bfloat16 (scratch: float32)"),
        ({"class_weights": "balanced"}, "class weights balanced (scratch: equal)"),
        ({"augment": ["flip"]}, "augmentation flip (vertical no, p 0.5) (scratch: none)"),
        # The budget is held to be equal by CHK-07; another way to write it is no difference.
        ({"updates": 24}, ""),
    ],
)
def test_settings_are_compared_field_by_field(changes: dict[str, Any], said: str) -> None:
    assert settings(other(**changes)) == said


def test_no_setting_of_a_training_is_forgotten() -> None:
    """A field that comes to the spec later must be compared too, or be a part of the budget."""
    changes: dict[str, Any] = {
        "batch_size": 8, "optimiser": "adam", "schedule": "cosine", "validations": 2,
        "keep": "last", "rates": [0.1, 0.2], "precision": "bfloat16", "augment": ["flip"],
        "class_weights": "balanced",
    }  # fmt: skip
    budget = {"epochs", "min_updates", "updates"}
    assert {*changes} | budget == set(TrainingSpec.model_fields)
    study, adapter = study_with(other()), TypeAdapter(TrainingSpec)
    for name, value in changes.items():
        changed = adapter.validate_python({**TRAINING, name: value})
        arm = study.arm("other").model_copy(update={"training": changed})
        assert other_settings(study, arm) != "", name


def test_no_batch_is_larger_than_the_images() -> None:
    assert settings(other(batch_size=64), 16) == ""
    assert settings(other(batch_size=64), 20) == "batch size 20 (scratch: 16)"


def test_a_given_rate_beside_one_that_is_chosen() -> None:
    assert settings(other(), rates=[0.02, 0.05]) == (
        "learning rate 0.05 (scratch: the best of 0.02, 0.05)"
    )
    assert settings(other(rates=[0.02, 0.05]), rates=[0.02, 0.05]) == ""


def test_arms_without_a_rate_have_no_settings() -> None:
    solved = {**other(), "strategy": {"kind": "probe", "solver": "converged"}}
    assert settings({**solved, "training": {**TRAINING, "batch_size": 4}}) == ""
    assert settings({"name": "map", **_LABEL_MAP}) == ""


_LABEL_MAP = {"start": {"origin": "source", "last": "head"}, "strategy": "label_map"}


# -- a study with one such arm, run ------------------------------------------------------------

LOW = other(updates=150, batch_size=4, optimiser={"kind": "sgd", "lr": 1e-6})
SAID = "learning rate 1e-06 (scratch: 0.05), momentum 0 (scratch: 0.9), batch size 4 (scratch: 16)"


def with_low() -> Loaded:
    return tiny(
        arms=["scratch", "random_trunk", LOW],
        sizes=[60],
        training={**TRAINING, "updates": 150},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("settings") / "store"
    run(with_low(), RunOptions(store=place, workers=1, device="cpu"), listen=lambda *_: None)
    return place


@pytest.fixture(scope="module")
def given(folder: Path) -> Analysis:
    return analysed(with_low(), folder)


def message(analysis: Analysis, gate: str) -> str:
    (found,) = (g for g in analysis.gates if g.id == gate)
    return "" if found.passed else found.message


def test_the_arm_is_named_in_a_caveat_and_beside_its_name(given: Analysis) -> None:
    assert message(given, "CHK-07-training") == (
        f"other at 60 had other settings than scratch: {SAID}. What sets them apart may be that, "
        "and not the source."
    )
    notes = dict(arm_notes(given))
    assert notes["other"].endswith(f"from the pretrained weights (with {SAID})")
    assert notes["scratch"] == "everything is trained, from nothing"
    assert any(rule == "Training of other" for rule, _ in given.protocol)


def test_a_rate_is_not_said_to_be_that_of_all_arms(given: Analysis) -> None:
    assert message(given, "CHK-09") == (
        "not tuned: fixed learning rates at all sizes, 0.05 for all arms but these: other 1e-06; "
        "an arm that needs another one is at a disadvantage."
    )


def test_an_arm_that_its_settings_left_untrained_has_no_verdict(given: Analysis) -> None:
    assert message(given, "CHK-07-learns") == (
        f"other at 60 did not learn and scratch did, with other settings: other had {SAID}. That "
        "says nothing of the source."
    )
    verdicts = {c.arm: c.verdict for c in given.comparisons}
    assert verdicts["other"] == "invalid"
    assert verdicts["random_trunk"] != "invalid"
    assert "there is no valid verdict" in given.headline


def with_learning(folder: Path, wrong: Callable[[Evidence], Evidence]) -> Analysis:
    loaded = with_low()
    with Store(folder) as store:
        plan = plan_of(loaded, store)
        found = evidence_of(loaded.study, loaded.facts, plan, store)
        return analysis_of(wrong(found), plan, store)


def test_an_arm_with_other_settings_that_learns_keeps_its_verdict_with_a_reservation(
    folder: Path,
) -> None:
    def taught(evidence: Evidence) -> Evidence:
        """The arm learns as the control does."""
        records = dict(evidence.records)
        cells = {cell[3]: cell for cell in records}
        records[cells["other"]] = {
            seed: replace(record, train_rows=_curves_of(record, records[cells["scratch"]][seed]))
            for seed, record in records[cells["other"]].items()
        }
        return replace(evidence, records=records)

    analysis = with_learning(folder, taught)
    assert message(analysis, "CHK-07-learns") == ""
    assert f"But other had other settings than scratch, {SAID}: what sets" in analysis.headline
    assert message(analysis, "CHK-19") == ""


def _curves_of(record: Record, control: Record) -> tuple[Any, ...]:
    (row,), (other_row,) = record.train_rows, control.train_rows
    return (replace(row, result={**row.result, "curve": other_row.result["curve"]}),)


def test_a_control_that_its_settings_left_untrained_withholds_as_well(folder: Path) -> None:
    def swapped(evidence: Evidence) -> Evidence:
        records = dict(evidence.records)
        cells = {cell[3]: cell for cell in records}
        good, bad = records[cells["scratch"]], records[cells["other"]]
        records[cells["other"]] = {
            s: replace(r, train_rows=_curves_of(r, good[s])) for s, r in bad.items()
        }
        records[cells["scratch"]] = {s: at_chance(r) for s, r in good.items()}
        return replace(evidence, records=records)

    said = message(with_learning(folder, swapped), "CHK-07-learns")
    assert said.startswith("scratch at 60 did not learn and other did, with other settings: other")


def test_settings_of_several_sizes_are_said_once(folder: Path) -> None:
    loaded = with_low()
    with Store(folder) as store:
        found = evidence_of(loaded.study, loaded.facts, plan_of(loaded, store), store)
    smaller = {(*cell[:2], "20", cell[3]): by_seed for cell, by_seed in found.records.items()}
    (gate,) = (spec for spec in GATES if spec.id == "CHK-07-learns")
    (finding,) = gate.check(replace(found, records={**found.records, **smaller}))
    assert finding.message.startswith("other at 20, other at 60 did not learn and scratch did, ")
    assert finding.message.count(SAID) == 1
    assert {cell[2:] for cell in finding.cells} == {("20", "other"), ("60", "other")}


def test_without_a_control_that_is_done_nothing_is_withheld(folder: Path) -> None:
    def without(evidence: Evidence) -> Evidence:
        records = {c: {} if c[3] == "scratch" else by for c, by in evidence.records.items()}
        return replace(evidence, records=records)

    loaded = with_low()
    with Store(folder) as store:
        found = without(evidence_of(loaded.study, loaded.facts, plan_of(loaded, store), store))
    ran = run_gates(found)
    gates, withheld = gates_of(ran, ()), withheld_by(ran, found.records)
    assert next(gate for gate in gates if gate.id == "CHK-07-learns").passed
    assert not any("CHK-07-learns" in reason for reason in withheld.values())


def test_sentences_that_pass_are_true_of_arms_that_are_excepted() -> None:
    """What is said of all arms must not be said where some are left out."""
    passing = {spec.id: spec.good for spec in GATES}
    assert "but for those that train nothing, are solved to convergence" in passing["CHK-07"]
    assert passing["CHK-09"].startswith("Every arm that has a learning rate chose it by validation")
    assert passing["CHK-06-same"].endswith("the control and the points of a cut sweep aside.")
