"""Trainings that blew up or learnt nothing: who is to blame, and what is advised."""

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any

import pytest
from faults import each_record, falling, with_result
from tiny_study import run_tiny

from headstart.analyse.build import evidence_of
from headstart.analyse.gates.convergence import diverged
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import gates_of, withheld_by
from headstart.analyse.gates.registry import run_gates
from headstart.analyse.records import Record, Records
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny, tiny_table

FROM_SOURCE = {"probe", "full", "probe_then_full"}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """The tiny study, every training of which has learnt and has settled."""
    folder, loaded = run_tiny(tmp_path_factory), tiny()
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        found = evidence_of(loaded.study, loaded.facts, plan, store)
    return replace(
        found,
        records=each_record(found.records, settled),
        sources=each_record(found.sources, settled),
    )


def curve(record: Record, change: Callable[[list[Any]], list[Any]]) -> Record:
    """The record with every measurement of all its phases changed."""
    rows = tuple(
        replace(
            row,
            result={**row.result, "curve": [change(list(p)) for p in row.result["curve"]]},
        )
        for row in record.train_rows
    )
    return replace(record, train_rows=rows)


def settled(record: Record) -> Record:
    return curve(record, lambda point: [*point[:2], 0.5, 0.9, *point[4:]])


def loud(record: Record) -> Record:
    """The loss falls, from a million to 1.6e5, and validation is at chance."""
    losses = iter((1e6, 4e5, 1.6e5))
    return curve(record, lambda point: [*point[:2], next(losses), 0.2, *point[4:]])


def guessing(record: Record) -> Record:
    """Validation is at chance."""
    return curve(record, lambda point: [*point[:3], 0.2, *point[4:]])


def not_finite(record: Record) -> Record:
    return with_result(record, finite=False)


def of_seeds(records: Records, change: Callable[[Record], Record], *seeds: int) -> Records:
    return {
        cell: {seed: change(r) if seed in seeds else r for seed, r in by_seed.items()}
        for cell, by_seed in records.items()
    }


def of_arms(records: Records, change: Callable[[Record], Record], *arms: str) -> Records:
    return {
        cell: {s: change(r) for s, r in by.items()} if cell[3] in arms else by
        for cell, by in records.items()
    }


def failed(evidence: Evidence) -> dict[str, str]:
    return {gate.id: gate.message for gate in gates_of(run_gates(evidence), ()) if not gate.passed}


def learning(evidence: Evidence) -> dict[str, str]:
    """Messages of the gates of learning."""
    names = ("CHK-08", "CHK-08-learns", "CHK-08-source", "CHK-22")
    return {name: text for name, text in failed(evidence).items() if name in names}


def test_a_study_that_learns_is_not_blamed(evidence: Evidence) -> None:
    assert learning(evidence) == {}


def test_a_source_that_is_not_finite_is_blamed_and_not_the_arms_that_start_from_it(
    evidence: Evidence,
) -> None:
    broken = replace(
        evidence,
        sources=of_seeds(evidence.sources, not_finite, 0, 2),
        records=of_arms(
            of_seeds(evidence.records, not_finite, 0, 2), settled_again, "scratch", "random_trunk"
        ),
    )
    said = learning(broken)
    assert set(said) == {"CHK-22"}
    assert said["CHK-22"].startswith(
        "the source 'source' diverged: 2 of 3 source runs met numbers that are not finite. What "
        "starts from it has no verdict (full at 20, full at 60, probe at 20, "
    )
    assert said["CHK-22"].endswith("). Lower the learning rate of its training (source_training).")
    withheld = withheld_by(run_gates(broken), broken.records)
    assert {cell[3] for cell, why in withheld.items() if "CHK-22" in why} == FROM_SOURCE


def settled_again(record: Record) -> Record:
    return with_result(record, finite=True)


def test_an_arm_that_breaks_by_itself_is_blamed_itself(evidence: Evidence) -> None:
    broken = replace(
        evidence,
        sources=of_seeds(evidence.sources, not_finite, 0),
        records=of_arms(evidence.records, not_finite, "full"),
    )
    said = learning(broken)["CHK-22"]
    assert said.startswith("full at 20, full at 60 met numbers that are not finite; lower")
    assert "; the source 'source' diverged: 1 of 3 source runs met numbers" in said


def test_a_source_of_a_huge_loss_diverged_and_is_not_called_still_falling(
    evidence: Evidence,
) -> None:
    broken = replace(
        evidence,
        sources=of_seeds(evidence.sources, loud, 0, 1),
        records=of_arms(evidence.records, guessing, "full"),
    )
    said = learning(broken)
    assert "CHK-08-source" not in said
    learns = said["CHK-08-learns"]
    assert (
        "the source 'source' diverged in 2 of 3 source runs (validation loss up to 1e+06, "
        "where a guess has 1.6): there is little to transfer. Lower the learning rate of its "
        "training (source_training)."
    ) in learns
    # The third run was sound, and the arm at chance all the same.
    assert learns.startswith("full at 20, full at 60 did not learn: ")


def test_arms_behind_a_diverged_source_are_not_told_to_train_longer(evidence: Evidence) -> None:
    broken = replace(
        evidence,
        sources=each_record(evidence.sources, loud),
        records=of_arms(evidence.records, loud, *FROM_SOURCE),
    )
    said = learning(broken)
    assert set(said) == {"CHK-08-learns"}
    assert said["CHK-08-learns"].startswith("the source 'source' diverged in 3 of 3 source runs")


def test_an_arm_behind_a_source_that_was_not_learnt_is_not_told_to_train_longer(
    evidence: Evidence,
) -> None:
    broken = replace(
        evidence,
        sources=each_record(evidence.sources, guessing),
        records=of_arms(evidence.records, guessing, "probe"),
    )
    assert learning(broken) == {
        "CHK-08-learns": "the source 'source' was not learnt in 3 of 3 source runs: there is "
        "little to transfer."
    }


def test_an_arm_of_a_huge_loss_diverged_too(evidence: Evidence) -> None:
    said = learning(replace(evidence, records=of_arms(evidence.records, loud, "full")))
    assert said == {
        "CHK-08-learns": "full at 20, full at 60 diverged (validation loss up to 1e+06, "
        "where a guess has 1.6): lower the learning rate."
    }


def test_an_arm_that_learnt_has_not_diverged_whatever_its_loss(evidence: Evidence) -> None:
    """A head on large features is right more often than a guess, and far too sure."""

    def too_sure(record: Record) -> Record:
        return curve(record, lambda point: [*point[:2], 70.0, *point[3:]])

    said = learning(replace(evidence, records=of_arms(evidence.records, too_sure, "full")))
    assert said == {
        "CHK-08-learns": "full at 20, full at 60 learnt, but answer far too surely at the end "
        "(validation loss up to 70, where a guess has 1.6): a lower learning rate may do better."
    }


def test_a_source_that_still_learns_is_still_called_so(evidence: Evidence) -> None:
    said = learning(replace(evidence, sources=each_record(evidence.sources, falling)))
    assert said["CHK-08-source"].startswith("source not converged: the validation loss of 'source'")


def test_what_diverged_is_known_by_its_end(evidence: Evidence) -> None:
    record = next(iter(next(iter(evidence.records.values())).values()))
    assert not diverged(record)
    assert diverged(loud(record))
    assert diverged(not_finite(record))
    assert diverged(curve(record, lambda point: [*point[:2], None, *point[3:]]))
    unmeasured = curve(record, lambda point: [*point[:2], None, None, *point[4:]])
    assert not diverged(unmeasured)
    overfitted = curve(record, lambda point: [*point[:2], 4 * log(5), *point[3:]])
    assert not diverged(overfitted)
    losses = (1e6, 1e3, 1.6)
    fell, back = iter(losses), iter(losses)
    assert not diverged(curve(record, lambda point: [*point[:2], next(fell), *point[3:]]))
    # A loss that the schedule brought down again, at chance: what was learnt is gone.
    assert diverged(guessing(curve(record, lambda point: [*point[:2], next(back), *point[3:]])))


def fitted(accuracy: float) -> Callable[[Record], Record]:
    """At chance on validation, with an accuracy on the training images."""

    def change(record: Record) -> Record:
        return replace(guessing(record), fit={"images": 60, "accuracy": accuracy, "loss": 1.0})

    return change


def test_where_no_arm_learns_the_labels_are_doubted_and_not_the_updates(
    evidence: Evidence,
) -> None:
    by_heart = replace(evidence, records=each_record(evidence.records, fitted(0.97)))
    said = learning(by_heart)["CHK-08-learns"]
    assert said.endswith(
        " did not learn: in most runs of every arm, the control included, validation accuracy was "
        "never clearly above that of always giving one answer, though up to 97% of the training "
        "images are answered correctly. The labels may not belong to these images: look at some "
        "(headstart data show mnist-mini). Or the images are too few to learn from."
    )
    not_even = replace(evidence, records=each_record(evidence.records, fitted(0.2)))
    said = learning(not_even)["CHK-08-learns"]
    assert said.endswith(
        "The labels may not belong to these images: look at some (headstart data show mnist-mini). "
        "If they do, another learning rate is needed."
    )
    assert "updates" not in said


def test_labels_that_were_shuffled_on_purpose_are_said_to_be(evidence: Evidence) -> None:
    tasks = tiny_table()["tasks"]
    tasks["target"] = {**tasks["target"], "alter": ["shuffled_labels"]}
    shuffled = replace(
        evidence,
        study=tiny(tasks=tasks).study,
        records=each_record(evidence.records, fitted(0.97)),
    )
    assert learning(shuffled)["CHK-08-learns"].endswith(
        "the labels of 'target' are shuffled on purpose, so there is nothing to learn."
    )


def test_labels_that_a_larger_size_learns_are_not_doubted(evidence: Evidence) -> None:
    few = {
        cell: {seed: fitted(0.97)(r) for seed, r in by.items()} if cell[2] == "20" else by
        for cell, by in evidence.records.items()
    }
    said = learning(replace(evidence, records=few))["CHK-08-learns"]
    assert said.endswith("More updates or another learning rate are needed.")


def test_where_one_arm_learns_the_others_lack_updates_or_a_rate(evidence: Evidence) -> None:
    but_one = replace(
        evidence, records=of_arms(evidence.records, guessing, "scratch", "random_trunk", "full")
    )
    said = learning(but_one)["CHK-08-learns"]
    assert said.endswith("More updates or another learning rate are needed.")
    assert "labels" not in said
