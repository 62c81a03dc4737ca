"""Registry of all gates and audits, and how they are run on a study."""

from collections.abc import Iterable
from typing import Any

from headstart.analyse.analysis import Analysis
from headstart.analyse.evidence import AnswerEvidence
from headstart.analyse.gates import (
    budgets,
    checkpoints,
    controls,
    convergence,
    data,
    leaks,
    recorded,
    starts,
)
from headstart.analyse.gates.gate import (
    AnswerAuditSpec,
    AnswerGateSpec,
    AuditSpec,
    CheckSpec,
    GateSpec,
)
from headstart.analyse.gates.number_audits import NUMBER_AUDITS
from headstart.analyse.gates.outcome import Checked
from headstart.analyse.gates.sentence_audits import SENTENCE_AUDITS

GATES: tuple[GateSpec | AnswerGateSpec, ...] = tuple(
    sorted(
        (
            *leaks.GATES,
            *data.GATES,
            *starts.GATES,
            *budgets.GATES,
            *checkpoints.GATES,
            *controls.GATES,
            *convergence.GATES,
            *recorded.GATES,
        ),
        key=lambda gate: gate.id,
    )
)
AUDITS: tuple[AuditSpec | AnswerAuditSpec, ...] = tuple(
    sorted((*NUMBER_AUDITS, *SENTENCE_AUDITS), key=lambda audit: audit.id)
)


def run_gates(evidence: AnswerEvidence) -> tuple[Checked, ...]:
    """Every gate, before anything is compared."""
    return carried_out(GATES, evidence, evidence)


def run_audits(analysis: Analysis, evidence: AnswerEvidence) -> tuple[Checked, ...]:
    """Every audit of a finished analysis."""
    return carried_out(AUDITS, evidence, analysis, evidence)


def carried_out(
    specs: Iterable[CheckSpec[Any]], evidence: AnswerEvidence, *inputs: Any
) -> tuple[Checked, ...]:
    """Checks with their inputs; one that needs a fact that is not known is not carried out."""
    return tuple(
        Checked(spec=spec, findings=tuple(spec.check(*inputs)))
        if spec.needs in evidence.known
        else Checked(spec=spec, findings=(), known=False)
        for spec in specs
    )
