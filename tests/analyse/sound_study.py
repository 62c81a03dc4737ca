"""A study that passes every check, run for the tests of gates and audits, which break it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from faults import SOUND, each_record, levelled, tuned

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analysis_of, evidence_of
from headstart.analyse.gates.gate import AuditSpec, Evidence, GateSpec
from headstart.analyse.gates.registry import AUDITS, GATES
from headstart.execute.options import RunOptions
from headstart.flow import run
from headstart.flow.engine import plan_of
from headstart.plan.steps import Plan
from headstart.store.store import Store
from studies import tiny

EVERY: tuple[GateSpec | AuditSpec, ...] = (*GATES, *AUDITS)


@dataclass(frozen=True)
class Sound:
    """A study that passes every check, with all that it was analysed from."""

    evidence: Evidence
    plan: Plan
    store: Store

    def analysed(self, evidence: Evidence | None = None) -> Analysis:
        return analysis_of(evidence or self.evidence, self.plan, self.store)


def run_sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    """Run at one rate and said to be tuned; its curves are levelled off at their ends."""
    loaded = tiny(**SOUND)
    folder = tmp_path_factory.mktemp("gates") / "store"
    run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    with Store(folder) as store:
        plan = plan_of(loaded, store)
        evidence = evidence_of(tuned().study, loaded.facts, plan, store)
        yield Sound(
            replace(
                evidence,
                records=each_record(evidence.records, levelled),
                sources=each_record(evidence.sources, levelled),
            ),
            plan,
            store,
        )


def failed(analysis: Analysis) -> dict[str, str]:
    """Messages of checks with a finding; others that do not hold for it only name its check."""
    return {
        gate.id: gate.message
        for gate in analysis.gates
        if not gate.passed and not gate.message.startswith(f"'{gate.title}' does not hold: see ")
    }
