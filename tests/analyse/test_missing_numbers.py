"""What has no number is said in words: no report holds nan or inf, and nothing warns."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import pytest
from altered import CASES, TWIN, Change, as_it_is, few
from faults import each_record
from rich.console import Console

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analysis_of, evidence_of
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import Records
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.flow.engine import plan_of
from headstart.metrics import METRICS
from headstart.plan.steps import Plan
from headstart.report.csv_tables import tables
from headstart.report.document import document_text
from headstart.report.html.page import page
from headstart.report.run_summary import RunSummary
from headstart.report.terminal.study import print_report
from headstart.store.store import Store
from headstart.study.training import MetricName
from studies import tiny

SUMMARY = RunSummary(steps_run=1, steps_reused=2, seconds=3.0, command="headstart run tiny.toml")
NOT_A_NUMBER = re.compile(r"(?<![\w-])[+\u2212-]?(nan|inf|infinity)(?![\w-])", re.IGNORECASE)
CUTS = {"size": "20", "families": ["AnB"], "at": ["dense1"]}


@dataclass(frozen=True)
class Ran:
    """A small study with a cut sweep, its source run on record."""

    evidence: Evidence
    plan: Plan
    store: Store

    def analysed(self, change: Change, metric: MetricName, *, sources: bool) -> Analysis:
        """The study as it would be with other records."""
        study = self.evidence.study.model_copy(update={"metric": metric})

        def changed(records: Records, change: Change) -> Records:
            scored = each_record(records, lambda r: replace(few(r), metric=METRICS[metric]))
            return {
                cell: {
                    seed: new for seed, old in by_seed.items() if (new := change(old)) is not None
                }
                for cell, by_seed in scored.items()
            }

        evidence = replace(
            self.evidence,
            study=study,
            records=changed(self.evidence.records, change),
            sources=changed(self.evidence.sources, change if sources else as_it_is),
        )
        return analysis_of(evidence, self.plan, self.store)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    loaded = tiny(arms=["scratch", "probe", "full", TWIN, "label_map"], cuts=CUTS)
    folder = tmp_path_factory.mktemp("missing") / "store"
    run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    with Store(folder) as store:
        plan = plan_of(loaded, store)
        yield Ran(evidence_of(loaded.study, loaded.facts, plan, store), plan, store)


def shown(analysis: Analysis) -> dict[str, str]:
    """Everything that a report can be, by its form; figures are part of the page."""
    terminal = io.StringIO()
    print_report(analysis, SUMMARY, Console(file=terminal, width=120), Path("page.html"))
    csv = [
        (name, column, value)
        for name, (_, rows) in tables(analysis).items()
        for row in rows
        for column, value in row.items()
    ]
    return {
        "terminal": terminal.getvalue(),
        "json": document_text(analysis, SUMMARY),
        "csv": "\n".join(f"{name} {column}: {value}" for name, column, value in csv),
        "page": re.sub(r"<style>.*?</style>", "", page(analysis, SUMMARY), flags=re.DOTALL),
    }


def unbounded(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Numbers in percentage points beyond 100 in a JSON document."""
    if isinstance(value, dict):
        # An estimate's ends are numbers of the field that it is in.
        yield from chain.from_iterable(
            unbounded(inner, own if own not in ("value", "low", "high") else name)
            for own, inner in value.items()
        )
    elif isinstance(value, list):
        yield from chain.from_iterable(unbounded(inner, name) for inner in value)
    elif isinstance(value, int | float) and name.endswith("_pp") and abs(value) > 100:
        yield name, value


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", CASES)
def test_no_report_prints_what_is_no_number(ran: Ran, case: str, metric: MetricName) -> None:
    analysis = ran.analysed(CASES[case], metric, sources=case != "no trial")
    for form, text in shown(analysis).items():
        found = NOT_A_NUMBER.search(text)
        assert not found, f"{form}: {text[max(found.start() - 80, 0) : found.end() + 80]}"
    assert not list(unbounded(json.loads(document_text(analysis, SUMMARY))))
    audits = ("CHK-14-gap", "CHK-15", "CHK-19", "CHK-24")
    assert not [gate for gate in analysis.gates if not gate.passed and gate.id in audits]


def test_without_a_test_image_the_headline_says_so(ran: Ran) -> None:
    analysis = ran.analysed(CASES["every test image leaked"], "accuracy", sources=True)
    assert analysis.headline == (
        "There is no verdict: no test image is left that was not trained on."
    )
    assert analysis.comparisons == ()
    assert all(result.mean is None and result.test_accuracy == () for result in analysis.arms)
    assert all(w.error_reduction.value is None for w in analysis.worth)


def test_one_test_image_gives_no_interval_and_says_why(ran: Ran) -> None:
    analysis = ran.analysed(CASES["one test image"], "accuracy", sources=True)
    assert all(c.low_pp is None for c in analysis.comparisons)
    differing = [c for c in analysis.comparisons if c.gain_pp]
    assert all("no interval, for there is only one test image" in c.why for c in differing)


def test_all_right_says_that_the_test_part_cannot_tell(ran: Ran) -> None:
    analysis = ran.analysed(CASES["all right"], "accuracy", sources=True)
    twin = {c.verdict for c in analysis.comparisons if c.arm == "twin"}
    assert twin == {"invalid"}
    assert {c.verdict for c in analysis.preferred} == {"no measurable difference"}
    assert "it makes no measurable difference, as both are right on every test image" in (
        analysis.headline
    )
