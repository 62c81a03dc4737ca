"""Registry of all gates and audits, and their outcome for a study."""

from collections.abc import Iterable

from headstart.analyse.analysis import Analysis, Gate
from headstart.analyse.cells import Cell
from headstart.analyse.gates import budgets, checkpoints, convergence, data, leaks, recorded, starts
from headstart.analyse.gates.gate import AuditSpec, Evidence, Finding, GateSpec
from headstart.analyse.gates.number_audits import NUMBER_AUDITS
from headstart.analyse.gates.sentence_audits import SENTENCE_AUDITS

GATES: tuple[GateSpec, ...] = tuple(
    sorted(
        (
            *leaks.GATES,
            *data.GATES,
            *starts.GATES,
            *budgets.GATES,
            *checkpoints.GATES,
            *convergence.GATES,
            *recorded.GATES,
        ),
        key=lambda gate: gate.id,
    )
)
AUDITS: tuple[AuditSpec, ...] = tuple(
    sorted((*NUMBER_AUDITS, *SENTENCE_AUDITS), key=lambda audit: audit.id)
)

Outcome = tuple[tuple[Gate, ...], dict[Cell, str]]
"""Gates with their messages, and the reason for each cell whose verdict is withheld."""


def run_gates(evidence: Evidence) -> Outcome:
    """Outcome of every gate, before anything is compared."""
    return _outcome(evidence, ((gate, gate.check(evidence)) for gate in GATES))


def run_audits(analysis: Analysis, evidence: Evidence) -> Outcome:
    """Outcome of every audit of a finished analysis."""
    return _outcome(evidence, ((audit, audit.check(analysis, evidence)) for audit in AUDITS))


def _outcome(
    evidence: Evidence, checked: Iterable[tuple[GateSpec | AuditSpec, Iterable[Finding]]]
) -> Outcome:
    gates: list[Gate] = []
    withheld: dict[Cell, str] = {}
    for spec, result in checked:
        findings = list(result)
        gates.append(
            Gate(
                id=spec.id,
                title=spec.title,
                passed=not findings,
                severity=spec.severity,
                message=_joined(findings) or spec.good,
            )
        )
        if spec.severity == "invalid":
            for finding in findings:
                for cell in finding.cells or evidence.records:
                    withheld.setdefault(cell, f"{spec.id}: {finding.message}")
    return tuple(gates), withheld


def _joined(findings: list[Finding]) -> str:
    """All findings as one sentence, since each begins in lower case; empty without one."""
    return "; ".join(
        [f.message.removesuffix(".") for f in findings[:-1]] + [f.message for f in findings[-1:]]
    )
