"""Registry of all gates and audits, and how they are run on a study."""

from headstart.analyse.analysis import Analysis
from headstart.analyse.gates import budgets, checkpoints, convergence, data, leaks, recorded, starts
from headstart.analyse.gates.gate import AuditSpec, Evidence, GateSpec
from headstart.analyse.gates.number_audits import NUMBER_AUDITS
from headstart.analyse.gates.outcome import Checked
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


def run_gates(evidence: Evidence) -> tuple[Checked, ...]:
    """Every gate, before anything is compared."""
    return tuple(Checked(spec=gate, findings=tuple(gate.check(evidence))) for gate in GATES)


def run_audits(analysis: Analysis, evidence: Evidence) -> tuple[Checked, ...]:
    """Every audit of a finished analysis."""
    return tuple(
        Checked(spec=audit, findings=tuple(audit.check(analysis, evidence))) for audit in AUDITS
    )
