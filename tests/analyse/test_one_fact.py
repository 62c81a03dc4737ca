"""One fact, one value: no two sentences of a report contradict each other, on a grid of studies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from altered import (
    TWIN,
    Change,
    all_right,
    answered,
    as_it_is,
    diverged,
    few,
    of_images,
    unvalidated,
)
from claims import BOTH, CHOSEN, COPIES, claims, contradictions, untrue
from faults import LONG, SPLIT_BY_TEST, each_record, with_result

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analysis_of, evidence_of
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, check
from headstart.analyse.gates.outcome import Checked, gates_of, withheld_by
from headstart.analyse.gates.registry import GATES, run_gates
from headstart.analyse.records import OverlapRecord, Record
from headstart.execute.options import RunOptions
from headstart.flow import run, with_facts
from headstart.flow.engine import plan_of
from headstart.plan.steps import Plan
from headstart.report.notes import interval_note, warnings_of
from headstart.store.records import FailureRow
from headstart.store.store import Store
from headstart.study.study import StudySpec
from studies import tiny, tiny_table

ARMS: list[Any] = ["scratch", "random_trunk", "probe", "full", TWIN]
LONGER: list[Any] = [
    "scratch", "full", "shuffled", "selffer", {**LONG, "compute_of": "full"},
]  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """A store with all trials that a study of the grid may have."""

    store: Store

    def case(self, change: Change = as_it_is, leaks: "Leaks | None" = None, **study: Any) -> "Case":
        """A study of the stored trials, with its records and copies changed."""
        loaded = tiny(**{"arms": ARMS, "sizes": [20, 60], **study})
        plan = plan_of(loaded, self.store)
        evidence = evidence_of(loaded.study, loaded.facts, plan, self.store)
        changed = each_record(evidence.records, few)
        if leaks is not None:
            evidence, left = leaks(evidence)
            changed = each_record(changed, left)
        records = {
            cell: {seed: new for seed, old in by.items() if (new := change(old)) is not None}
            for cell, by in changed.items()
        }
        return Case(replace(evidence, records=records), plan, self.store)


@dataclass(frozen=True)
class Case:
    """Evidence with what it is analysed with."""

    evidence: Evidence
    plan: Plan
    store: Store

    def analysed(self) -> Analysis:
        return analysis_of(self.evidence, self.plan, self.store)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    folder = tmp_path_factory.mktemp("one_fact") / "store"
    for loaded in (tiny(arms=ARMS, seeds=5), tiny(arms=LONGER, sizes=[20], seeds=3)):
        run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    with Store(folder) as store:
        yield Stored(store)


# -- how a study may end ------------------------------------------------------------------------


def only(wanted: Callable[[Record], bool]) -> Change:
    return lambda record: record if wanted(record) else None


def helped(record: Record) -> Record:
    """The transfer arm that trains everything is right far more often than all others."""
    rate = 0.95 if record.trial.arm == "full" else 0.6
    drawn = np.random.default_rng([record.trial.seed, *record.trial.arm.encode()])
    right = drawn.random(len(record.labels)) < rate
    return answered(record, record.labels, np.where(right, record.labels, (record.labels + 1) % 5))


OUTCOMES: dict[str, Change] = {
    "as it is": as_it_is,
    "transfer helps": helped,
    "nothing finished": only(lambda r: False),
    "one seed finished": only(lambda r: r.trial.seed == 0),
    "an arm unfinished": only(lambda r: r.trial.seed == 0 or r.trial.arm != "full"),
    "one seed diverged": lambda r: diverged(r) if r.trial.seed == 0 else r,
    "all diverged": diverged,
    "withheld": lambda r: with_result(r, trained_moved=False) if r.trial.arm != "scratch" else r,
    "all right": all_right,
    "identical": lambda r: replace(r, classes=(r.labels + r.trial.seed % 2) % 5),
    "not validated": unvalidated,
}

Leaks = Callable[[Evidence], tuple[Evidence, Callable[[Record], Record]]]
"""Other copies of a study, and the records without the test images that are left out for it."""


def leaking(share: float, **counts: Any) -> Leaks:
    """A share of the test images are copies, and what else the search found."""

    def leak(evidence: Evidence) -> tuple[Evidence, Callable[[Record], Record]]:
        overlaps: dict[tuple[str, str], OverlapRecord] = {}
        for pair, overlap in evidence.overlaps.items():
            number = round(share * overlap.result["num_test"])
            found = {"leaked_from_target": number, **counts}
            if found.pop("near", False):
                found |= {"leaked_near": number, "near": 0.99}
            result = {**overlap.result, **found}
            overlaps[pair] = replace(overlap, result=result, leaked=np.arange(number))
        left = of_images(lambda r: np.arange(len(r.labels)) >= round(share * len(r.labels)))
        return replace(evidence, overlaps=overlaps), cast(Callable[[Record], Record], left)

    return leak


LEAKS: dict[str, Leaks] = {
    "some": leaking(0.1),
    "some, alike": leaking(0.1, near=True),
    "most": leaking(0.9),
    "most, alike": leaking(0.9, near=True),
    "all": leaking(1.0),
    "the same task": leaking(0, shared_train=4_000, label_function=True, same_labels=True),
    "relabelled": leaking(0, shared_train=4_000, label_function=True),
    "some trained on": leaking(0, shared_train=4_000),
    "validation images": leaking(0.1, leaked_from_validation=30, own_validation=9),
}


def assert_one_value_for_each_fact(case: Case, *, pages: bool = False) -> None:
    analysis = case.analysed()
    assert contradictions(analysis, pages=pages) == []
    assert untrue(case.evidence, analysis) == []


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_two_sentences_contradict_each_other(stored: Stored, outcome: str, seeds: int) -> None:
    several = stored.case(OUTCOMES[outcome], seeds=seeds)
    assert_one_value_for_each_fact(several, pages=seeds == 3)
    one = stored.case(OUTCOMES[outcome], seeds=seeds, sizes=[20], arms=["scratch", "full"])
    assert_one_value_for_each_fact(one, pages=seeds == 1)


def test_one_finished_seed_of_several_is_one_seed(stored: Stored) -> None:
    analysis = stored.case(OUTCOMES["one seed finished"], seeds=3, sizes=[20]).analysed()
    assert "One seed only: nothing here says how much of a gain is luck." in warnings_of(analysis)
    assert interval_note(analysis) == "There is no interval yet: trials are missing."
    finished = stored.case(seeds=3, sizes=[20], arms=["scratch", TWIN]).analysed()
    assert interval_note(finished) == "There is no interval: every verdict says why."


@pytest.mark.parametrize("leaks", LEAKS)
def test_copies_have_one_number(stored: Stored, leaks: str) -> None:
    for outcome, seeds in (
        ("as it is", 1), ("as it is", 3), ("one seed finished", 3), ("nothing finished", 3),
    ):  # fmt: skip
        case = stored.case(OUTCOMES[outcome], LEAKS[leaks], seeds=seeds, sizes=[20])
        assert_one_value_for_each_fact(case, pages=(outcome, seeds) == ("as it is", 3))


DESIGNS: dict[str, dict[str, Any]] = {
    "every control but a random trunk": {"arms": LONGER, "sizes": [20]},
    "transfer for a control": {"arms": ["scratch", "random_trunk", "full"], "control": "full"},
    "a frozen control": {"arms": ["random_trunk", "full"], "control": "random_trunk"},
}


@pytest.mark.parametrize("outcome", ["as it is", "transfer helps"])
@pytest.mark.parametrize("design", DESIGNS)
def test_other_designs_do_not_contradict_themselves(
    stored: Stored, design: str, outcome: str
) -> None:
    case = stored.case(OUTCOMES[outcome], seeds=3, **DESIGNS[design])
    assert_one_value_for_each_fact(case, pages=True)
    if outcome == "transfer helps" and design == "every control but a random trunk":
        (note,) = case.analysed().attribution_notes
        assert "so the gain is put down to what the source learnt" in note.reading


def test_what_validates_on_its_test_images_shares_them(stored: Stored) -> None:
    case = stored.case(seeds=3)
    study = case.evidence.study.model_copy(update={"tasks": tiny(tasks=SPLIT_BY_TEST).study.tasks})
    case = replace(case, evidence=replace(case.evidence, study=study))
    assert_one_value_for_each_fact(case)
    gates = {gate.id: gate for gate in case.analysed().gates}
    assert gates["CHK-01-leaks"].message == (
        "'No shared images' does not hold: see 'Nothing is chosen on test images' (CHK-10)."
    )


@dataclass(frozen=True)
class Failing:
    """A store in which some steps have failed."""

    store: Store
    failed: frozenset[str]

    def failures(self, keys: Any) -> dict[str, FailureRow]:
        failed = self.failed & set(keys)
        return {k: FailureRow(key=k, label="probe", error="Error: no.") for k in failed}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize("also_unfinished", [False, True])
def test_trials_that_failed_leave_verdicts_on_fewer_seeds(
    stored: Stored, also_unfinished: bool
) -> None:
    def gone(record: Record) -> Record | None:
        failed = record.trial.arm == "probe" and record.trial.seed == 0
        waits = record.trial.arm == "full" and record.trial.seed == 1
        return None if failed or (also_unfinished and waits) else record

    case = stored.case(gone, seeds=5, arms=["scratch", "probe", "full"])
    keys = {t.train_keys[0] for t in case.plan.trials if (t.arm, t.seed) == ("probe", 0)}
    case = replace(case, store=cast(Store, Failing(case.store, frozenset(keys))))
    assert_one_value_for_each_fact(case)
    rest = "verdicts rest on the seeds that are there, at least 4 seeds."
    estimates = "comparisons that need them are estimates yet, without verdicts; "
    assert case.analysed().detail[0] == (
        f"4 trials are missing; {estimates}{rest}"
        if also_unfinished
        else f"2 trials are missing; {rest}"
    )


def test_a_test_part_for_each_seed(tmp_path: Path) -> None:
    split = {"test": "repeated", "validation": 0.25}
    target = {"dataset": small_set(tmp_path / "target.npz", 1), "split": split}
    tasks = {"source": {"dataset": small_set(tmp_path / "source.npz", 0)}, "target": target}
    training = {"updates": 12, "batch_size": 16, "validations": 3, "rates": [0.1, 0.3]}
    loaded = with_facts(
        StudySpec(**tiny_table(tasks=tasks, training=training, seeds=3, sizes=[12], arms=ARMS[:4]))
    )
    options = RunOptions(store=tmp_path / "store", workers=1, device="cpu")
    run(loaded, options, listen=lambda *_: None)
    with Store(tmp_path / "store") as store:
        plan = plan_of(loaded, store)
        case = Case(evidence_of(loaded.study, loaded.facts, plan, store), plan, store)
        assert_one_value_for_each_fact(case, pages=True)
        protocol, gates = dict(case.analysed().protocol), case.analysed().gates
    assert "each seed settles its learning rates" in protocol["Pilot"]
    assert not [g for g in gates if g.passed and "seeds that do not test" in g.message]


def small_set(path: Path, key: int) -> str:
    drawn, labels = np.random.default_rng(key), np.arange(60) % 3
    pixels = drawn.normal(70 + 40 * labels[:, None, None], 60, (60, 8, 8)).clip(0, 255)
    pixels = pixels.astype(np.uint8)
    np.savez(path, x_train=pixels[:40], y_train=labels[:40], x_test=pixels[40:], y_test=labels[40:])
    return str(path)


# -- what checks declare ------------------------------------------------------------------------


@pytest.mark.parametrize("leaks", LEAKS)
def test_what_a_check_declares_is_true_of_the_evidence(stored: Stored, leaks: str) -> None:
    case = stored.case(as_it_is, LEAKS[leaks], seeds=1, sizes=[20])
    ((pair, overlap),) = case.evidence.overlaps.items()
    true = {
        COPIES: len(overlap.leaked),
        BOTH: overlap.result["shared_train"],
        CHOSEN: case.evidence.study.tasks[pair[1]].split.by == "test",
    }
    ran = run_gates(case.evidence)
    passed = {gate.id for gate in gates_of(ran, ()) if gate.passed}
    for one in ran:
        said = [finding.asserts for finding in one.findings]
        said += [one.spec.asserts] if one.spec.id in passed else []
        for asserts in said:
            assert all(true[fact] == value for fact, value in asserts.items()), one.spec.id


def test_most_test_images_are_said_to_be_copies_once_and_denied_nowhere(stored: Stored) -> None:
    """The sentence that started it: 270 of 300 were copies, and no test image was one."""
    analysis = stored.case(as_it_is, LEAKS["most"], seeds=3, sizes=[20]).analysed()
    gates = {gate.id: gate for gate in analysis.gates}
    assert gates["CHK-01"].message.startswith("924 of 1,027 test images of 'target' are also")
    assert not gates["CHK-01-leaks"].passed
    assert gates["CHK-01-leaks"].message == (
        "'No shared images' does not hold: see 'Source and target are not the same data' (CHK-01)."
    )


def test_a_check_does_not_pass_against_the_finding_of_another() -> None:
    @check("A", "caveat", "Finds")
    def finds(evidence: Evidence) -> Iterator[Finding]:
        """Nothing was found."""
        yield Finding(message="three were found.", asserts={"test images with a copy": 3})

    @check("B", "invalid", "Passes", asserts={"test images with a copy": 0})
    def passes(evidence: Evidence) -> Iterator[Finding]:
        """There are none."""
        yield from ()

    @check("C", "invalid", "Agrees", asserts={"test images with a copy": 3})
    def agrees(evidence: Evidence) -> Iterator[Finding]:
        """There are three."""
        yield from ()

    ran = [Checked(spec=spec, findings=tuple(spec.check(NOTHING))) for spec in (agrees, passes)]
    assert [gate.passed for gate in gates_of(ran, ())] == [True, True]
    ran.append(Checked(spec=finds, findings=tuple(finds.check(NOTHING))))
    found, passing, agreeing = gates_of(ran, ())
    assert (found.passed, passing.passed, agreeing.passed) == (False, False, True)
    assert passing.message == "'Passes' does not hold: see 'Finds' (A)."
    assert agreeing.message == "There are three."
    assert withheld_by(ran, [CELL]) == {}


NOTHING = cast(Evidence, None)
CELL = ("source", "target", "20", "probe")


# -- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("could_turn", "cells", "answered", "weighs"),
    [
        (True, {CELL}, {CELL}, True),
        (True, set(), {CELL}, True),  # of the whole study
        (True, {(*CELL[:3], "other")}, {CELL}, False),
        (True, set(), set(), False),  # nothing was answered that could turn
        (False, {CELL}, {CELL}, False),
    ],
)
def test_a_caveat_weighs_where_it_could_turn_a_verdict_of_the_headline(
    could_turn: bool, cells: set[Cell], answered: set[Cell], weighs: bool
) -> None:
    @check("A", "caveat", "Finds", could_turn=could_turn)
    def finds(evidence: Evidence) -> Iterator[Finding]:
        """Nothing was found."""
        yield Finding(message="it was found.", cells=frozenset(cells))

    ran = [Checked(spec=finds, findings=tuple(finds.check(NOTHING)))]
    (gate,) = gates_of(ran, answered)
    assert gate.could_turn == weighs


def test_caveats_that_could_turn_the_headline_come_first(stored: Stored) -> None:
    study: dict[str, Any] = {"seeds": 3, "sizes": [20], "arms": ["scratch", "full"]}
    analysis = stored.case(**study).analysed()
    caveats = analysis.failed_gates("caveat")
    weights = [gate.could_turn for gate in caveats]
    assert weights == sorted(weights, reverse=True)
    assert {"CHK-09", "CHK-17"} <= {gate.id for gate in caveats if gate.could_turn}
    assert {"CHK-21", "CHK-21-thorough"} <= {gate.id for gate in caveats if not gate.could_turn}
    shown = [line.removeprefix("Caveat: ") for line in analysis.detail if line[:7] == "Caveat:"]
    assert shown == [gate.message for gate in caveats]
    withheld = stored.case(OUTCOMES["withheld"], **study).analysed()
    assert withheld.failed_gates("caveat")
    assert not any(gate.could_turn for gate in withheld.gates)


def test_only_caveats_are_weighed() -> None:
    assert all(gate.severity == "caveat" for gate in GATES if gate.could_turn)


def test_contradictions_are_seen(stored: Stored) -> None:
    """The reader of sentences reads: without it this file would pass on anything."""
    analysis = stored.case(seeds=3).analysed()
    denied = replace(analysis, headline="One seed only: nothing here says how much is luck.")
    (found, *_) = contradictions(denied, pages=True)
    assert found.startswith("several seeds (): False by 'headline: One seed only")
    facts = {fact for _, _, (fact, _, _) in claims(analysis, pages=True)}
    assert {"several seeds", "any interval", "interval", "still falling", COPIES} <= facts
