"""JSON document: committed schema, missing values as null, every record of the study."""

import json
from dataclasses import replace
from importlib import resources

import pytest
from analyses import FAMILIES, FIGURES, SUMMARY, analysis
from benefits import with_benefits
from jsonschema import Draft202012Validator

from headstart.analyse.analysis import Analysis
from headstart.report.document import document, document_text, schema_text

CASES = {
    "plain": analysis(),
    "one seed": analysis(num_seeds=1),
    "gaps": analysis(missing=[("full", "50", seed) for seed in range(5)], failures=["full failed"]),
    "invalid": analysis(invalid=True),
    "no validation": analysis(validated=False),
    "sweep": analysis(swept=FAMILIES),
    "published": analysis(published=FIGURES),
    "worth": with_benefits(analysis()),
    "nothing": analysis(arms=[], pairs=[]),
}


def committed() -> str:
    return resources.files("headstart.report").joinpath("study.schema.json").read_text()


def test_committed_schema_is_that_of_the_types() -> None:
    assert committed() == schema_text(), "write schema_text() to study.schema.json"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_document_keeps_to_its_schema(case: Analysis) -> None:
    shown = json.loads(document_text(case, SUMMARY))
    Draft202012Validator(json.loads(committed())).validate(shown)


def test_document_holds_every_result_and_comparison() -> None:
    given = analysis()
    shown = document(given, SUMMARY)
    assert [(a["arm"], a["size"], tuple(a["test_accuracy"])) for a in shown["arms"]] == [
        (a.arm, a.size, a.test_accuracy) for a in given.arms
    ]
    assert [(c["gain_pp"], c["verdict"]) for c in shown["comparisons"]] == [
        (c.gain_pp, c.verdict) for c in given.comparisons
    ]
    assert shown["steps"] == {"run": 131, "reused": 24}


def test_document_holds_sources_published_figures_and_errors_gone() -> None:
    given = analysis(published=FIGURES)
    shown = document(given, SUMMARY)
    (source,) = shown["sources"]
    assert (source["source"], source["seeds"], source["updates"]) == ("letters", [*range(5)], 3000)
    assert tuple(source["test_accuracy"]) == given.sources[0].test_accuracy
    assert shown["published"][1] == {
        "figure": "parameters trained",
        "published": 600_165,
        "keras": None,
        "headstart": 600_165,
    }
    reductions = [c["error_reduction"] for c in shown["comparisons"]]
    assert reductions == [c.error_reduction for c in given.comparisons]
    missing = replace(given.comparisons[0], error_reduction=None)
    (part,) = document(replace(given, comparisons=(missing,)), SUMMARY)["comparisons"]
    assert part["error_reduction"] is None


def test_fields_of_floats_hold_no_whole_number() -> None:
    (figure,) = document(analysis(published=FIGURES[1:2]), SUMMARY)["published"]
    assert repr(figure["headstart"]) == "600165.0"
    first = document(CASES["worth"], SUMMARY)["worth"][1]["labels"]
    assert repr(first["at_least"]) == "4600.0"


def test_missing_values_are_null() -> None:
    one = document(analysis(num_seeds=1), SUMMARY)
    assert one["arms"][0]["sd"] is None
    assert one["comparisons"][0]["low_pp"] is None
    assert document(CASES["no validation"], SUMMARY)["arms"][0]["validation_mean"] is None
    gaps = document(CASES["gaps"], SUMMARY)
    empty = next(a for a in gaps["arms"] if (a["arm"], a["size"]) == ("full", "50"))
    assert (empty["mean"], empty["seconds"], empty["test_accuracy"]) == (None, None, [])
    assert empty["missing"] == [0, 1, 2, 3, 4]
    assert gaps["failures"] == ["full failed"]


def test_document_holds_the_benefit_of_transfer() -> None:
    given = CASES["worth"]
    shown = json.loads(document_text(given, SUMMARY))
    assert [(b["arm"], b["size"]) for b in shown["worth"]] == [(b.arm, b.size) for b in given.worth]
    first, second = shown["worth"][:2]
    assert first["labels"] == {
        "value": 430.2, "low": 300.1, "high": 610.9, "at_least": None, "at_most": None, "why": "",
    }  # fmt: skip
    assert (second["labels"]["at_least"], second["labels"]["high"]) == (4600, None)  # open
    assert len(shown["class_gains"]) == len(given.class_gains)
    assert len(shown["picks"]) == len(given.picks)
    assert shown["forgetting"][0]["forgotten_pp"]["value"] == 0.0
