"""The JSON document keeps its contract: schema committed, gaps as null, everything of the study."""

import json
from dataclasses import replace
from importlib import resources

import pytest
from analyses import FAMILIES, FIGURES, SUMMARY, analysis
from jsonschema import Draft202012Validator
from worthy import worthy

from headstart.analyse.analysis import Analysis
from headstart.report.document import document, schema_text

CASES = {
    "plain": analysis(),
    "one seed": analysis(num_seeds=1),
    "gaps": analysis(missing=[("full", "50", seed) for seed in range(5)], failures=["full failed"]),
    "invalid": analysis(invalid=True),
    "no validation": analysis(validated=False),
    "sweep": analysis(swept=FAMILIES),
    "published": analysis(published=FIGURES),
    "worth": worthy(analysis()),
    "nothing": analysis(arms=[], pairs=[]),
}


def committed() -> str:
    return resources.files("headstart.report").joinpath("study.schema.json").read_text()


def test_committed_schema_is_that_of_the_model() -> None:
    assert committed() == schema_text(), "write schema_text() to study.schema.json"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_document_keeps_to_its_schema(case: Analysis) -> None:
    shown = json.loads(document(case, SUMMARY).model_dump_json())
    Draft202012Validator(json.loads(committed())).validate(shown)


def test_document_holds_every_result_and_comparison() -> None:
    given = analysis()
    shown = document(given, SUMMARY)
    assert [(a.arm, a.size, a.test_accuracy) for a in shown.arms] == [
        (a.arm, a.size, a.test_accuracy) for a in given.arms
    ]
    assert [(c.gain_pp, c.verdict) for c in shown.comparisons] == [
        (c.gain_pp, c.verdict) for c in given.comparisons
    ]
    assert (shown.steps.run, shown.steps.reused) == (131, 24)


def test_document_holds_sources_published_figures_and_errors_gone() -> None:
    given = analysis(published=FIGURES)
    shown = document(given, SUMMARY)
    (source,) = shown.sources
    assert (source.source, source.seeds, source.updates) == ("letters", (0, 1, 2, 3, 4), 3000)
    assert source.test_accuracy == given.sources[0].test_accuracy
    assert shown.published[1].model_dump() == {
        "figure": "parameters trained",
        "published": 600_165,
        "keras": None,
        "headstart": 600_165,
    }
    found = [c.error_reduction for c in shown.comparisons]
    assert found == [c.error_reduction for c in given.comparisons]
    untold = replace(given.comparisons[0], error_reduction=None)
    (part,) = document(replace(given, comparisons=(untold,)), SUMMARY).comparisons
    assert part.error_reduction is None


def test_what_cannot_be_told_is_null() -> None:
    one = document(analysis(num_seeds=1), SUMMARY)
    assert one.arms[0].sd is None
    assert one.comparisons[0].low_pp is None
    assert document(CASES["no validation"], SUMMARY).arms[0].validation_mean is None
    gaps = document(CASES["gaps"], SUMMARY)
    empty = next(a for a in gaps.arms if (a.arm, a.size) == ("full", "50"))
    assert (empty.mean, empty.test_accuracy, empty.missing) == (None, (), (0, 1, 2, 3, 4))
    assert gaps.failures == ("full failed",)


def test_document_holds_what_transfer_is_worth() -> None:
    given = CASES["worth"]
    shown = json.loads(document(given, SUMMARY).model_dump_json())
    assert [(w["arm"], w["size"]) for w in shown["worth"]] == [(w.arm, w.size) for w in given.worth]
    first, second = shown["worth"][:2]
    assert first["labels"] == {
        "value": 430.2, "low": 300.1, "high": 610.9, "at_least": None, "at_most": None, "why": "",
    }  # fmt: skip
    assert (second["labels"]["at_least"], second["labels"]["high"]) == (4600, None)  # open
    assert len(shown["class_gains"]) == len(given.class_gains)
    assert len(shown["picks"]) == len(given.picks)
    assert shown["forgetting"][0]["forgotten_pp"]["value"] == 0.0
