"""Every gate and every audit, and what they say of a study."""

from collections.abc import Iterable

from headstart.analyse.analysis import Analysis, Gate
from headstart.analyse.cells import Cell
from headstart.analyse.gates.audits import NUMBER_AUDITS
from headstart.analyse.gates.convergence import CONVERGENCE_GATES
from headstart.analyse.gates.data import DATA_GATES
from headstart.analyse.gates.gate import AuditSpec, Evidence, Finding, GateSpec
from headstart.analyse.gates.recorded import RECORDED_GATES
from headstart.analyse.gates.training import TRAINING_GATES
from headstart.analyse.gates.wording_audits import SENTENCE_AUDITS

GATES: tuple[GateSpec, ...] = tuple(
    sorted(
        (*DATA_GATES, *TRAINING_GATES, *CONVERGENCE_GATES, *RECORDED_GATES),
        key=lambda gate: gate.id,
    )
)
AUDITS: tuple[AuditSpec, ...] = tuple(
    sorted((*NUMBER_AUDITS, *SENTENCE_AUDITS), key=lambda audit: audit.id)
)

Outcome = tuple[tuple[Gate, ...], dict[Cell, str]]
"""What was found, and for each cell whose verdict is withheld the reason."""


def run_gates(seen: Evidence) -> Outcome:
    """Every gate's outcome: before anything is compared."""
    return _outcome(seen, ((gate, gate.look(seen)) for gate in GATES))


def run_audits(analysis: Analysis, seen: Evidence) -> Outcome:
    """Every audit's outcome: of the numbers and sentences of a finished analysis."""
    return _outcome(seen, ((audit, audit.look(analysis, seen)) for audit in AUDITS))


def _outcome(
    seen: Evidence, record_look: Iterable[tuple[GateSpec | AuditSpec, Iterable[Finding]]]
) -> Outcome:
    outcomes: list[Gate] = []
    withheld: dict[Cell, str] = {}
    for spec, found in record_look:
        findings = list(found)
        outcomes.append(
            Gate(
                id=spec.id,
                title=spec.title,
                passed=not findings,
                severity=spec.severity,
                message=_told(findings) or spec.good,
            )
        )
        if spec.severity == "invalid":
            for finding in findings:
                for cell in finding.cells or seen.records:
                    withheld.setdefault(cell, f"{spec.id}: {finding.message}")
    return tuple(outcomes), withheld


def _told(findings: list[Finding]) -> str:
    """All findings as one sentence, for each starts in small letters; empty where there is none."""
    return "; ".join(
        [f.message.removesuffix(".") for f in findings[:-1]] + [f.message for f in findings[-1:]]
    )
