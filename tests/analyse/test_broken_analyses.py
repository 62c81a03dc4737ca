"""Every audit on an analysis whose numbers or sentences are wrong, of a study that is sound."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from faults import PLACE
from sound_study import Sound, failed, run_sound

from headstart.analyse import build, compare, headline, results
from headstart.analyse.analysis import Analysis
from headstart.analyse.benefit.model_selection import select_models
from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import gates_of, withheld_by
from headstart.analyse.gates.registry import AUDITS, run_audits
from headstart.analyse.records import Record


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    yield from run_sound(tmp_path_factory)


def audited(analysis: Analysis, evidence: Evidence) -> tuple[dict[str, str], set[Cell]]:
    """Messages of the audits that fail, and the cells whose verdicts are withheld for it."""
    ran = run_audits(analysis, evidence)
    messages = {gate.id: gate.message for gate in gates_of(ran, ()) if not gate.passed}
    return messages, set(withheld_by(ran, evidence.records))


def over_the_new_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        compare, "relative_error_reduction", lambda arm, control: (arm - control) / (1 - arm)
    )


def changed_means(change: Callable[[list[Record], dict[str, Any]], dict[str, Any]]) -> Any:
    true = results._metric_means

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            results,
            "_metric_means",
            lambda records: {**true(records), **change(records, true(records))},
        )

    return mutate


def running_accuracy(records: list[Record], _: dict[str, Any]) -> dict[str, Any]:
    """What training saw on the way, instead of what the weights that count answer."""
    last = [r.train_rows[-1].result["curve"][-1][4] for r in records if r.train_rows]
    return {"train_mean": float(np.mean(last)) - 0.001}


def without_source_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    true = select_models
    monkeypatch.setattr(
        build,
        "select_models",
        lambda study, arms, _: true(study, [arm for arm in arms if arm.arm == "probe"], {}),
    )


def praised(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (headline.LEAD_WORDS, headline.OTHER_WORDS):
        for word in words:
            claim = "there is no valid verdict" if word == "invalid" else f"it {CLAIMED[word]}"
            monkeypatch.setitem(words, word, claim)


CLAIMED = {
    "helps": "hurts",
    "hurts": "helps",
    "no measurable difference": "helps",
    "not enough evidence": "helps",
    "unfinished": "helps",
}

MUTANTS: list[tuple[str, Callable[[pytest.MonkeyPatch], None]]] = [
    ("CHK-14-gap", changed_means(running_accuracy)),
    ("CHK-15", over_the_new_error),
    ("CHK-19", praised),
    ("CHK-20", without_source_cost),
    (
        "CHK-24",
        changed_means(lambda _, means: {"balanced_accuracy": 100 * means["balanced_accuracy"]}),
    ),
]


def test_every_audit_is_broken_somewhere() -> None:
    assert {audit for audit, _ in MUTANTS} == {spec.id for spec in AUDITS}


@pytest.mark.parametrize(("audit", "mutate"), MUTANTS)
def test_a_wrong_number_is_found_by_its_audit_and_withholds_the_verdict(
    sound: Sound, audit: str, mutate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(c.verdict != "invalid" for c in sound.analysed().comparisons)
    mutate(monkeypatch)
    analysis = sound.analysed()
    assert set(failed(analysis)) == {audit}
    probe = next(c for c in analysis.comparisons if c.arm == "probe")
    assert (probe.verdict, probe.why.partition(":")[0]) == ("invalid", audit)
    assert "there is no valid verdict" in analysis.headline
    assert any(line.startswith("Invalid: ") for line in analysis.detail)


@pytest.mark.parametrize(
    ("audit", "changes"),
    [
        ("CHK-24", {"gains_pp": (0.1, 0.2, 0.3, 0.4, 0.5)}),
        ("CHK-15", {"error_reduction": 0.123}),
        ("CHK-19", {"verdict": "helps"}),
        ("CHK-19", {"verdict": "no measurable difference"}),
        ("CHK-19", {"why": "gain +55.00 pp"}),
    ],
)
def test_an_altered_comparison_is_found_out(
    sound: Sound, audit: str, changes: dict[str, Any]
) -> None:
    analysis = sound.analysed()
    comparisons = tuple(
        replace(changed, **changes) if changed.arm == "long" else changed
        for changed in analysis.comparisons
    )
    messages, withheld = audited(replace(analysis, comparisons=comparisons), sound.evidence)
    assert set(messages) == {audit}
    assert withheld == {(*PLACE, "long")}


def test_a_headline_that_no_comparison_bears_out_is_found_out(sound: Sound) -> None:
    analysis = sound.analysed()
    changed = replace(analysis, headline="It helps with 60 images (probe: +9.9 points).")
    messages, withheld = audited(changed, sound.evidence)
    assert list(messages.values()) == [
        "the headline says 'with 60 images (probe: +9.9 points)', which no comparison does."
    ]
    assert withheld == set(sound.evidence.records)


def test_times_in_a_hundred_that_no_result_bears_out_are_found_out(sound: Sound) -> None:
    analysis = sound.analysed()
    right = re.compile(r"is right [\d.]+ times in 100")
    assert right.search(analysis.headline)
    changed = replace(analysis, headline=right.sub("is right 12 times in 100", analysis.headline))
    messages, _ = audited(changed, sound.evidence)
    (message,) = messages.values()
    assert message.startswith("the headline says 'is right 12 times in 100, training from nothing")
