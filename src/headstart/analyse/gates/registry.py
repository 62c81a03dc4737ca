"""Every gate, and what they say of a study."""

from headstart.analyse.analysis import Gate
from headstart.analyse.gates.data import DATA_GATES
from headstart.analyse.gates.kinds import GateSpec, Seen
from headstart.analyse.gates.training import TRAINING_GATES
from headstart.analyse.records import Cell

GATES: tuple[GateSpec, ...] = tuple(
    sorted((*DATA_GATES, *TRAINING_GATES), key=lambda gate: gate.id)
)


def run_gates(seen: Seen) -> tuple[tuple[Gate, ...], dict[Cell, str]]:
    """Every gate's outcome, and for each cell whose verdict is withheld the reason."""
    outcomes: list[Gate] = []
    withheld: dict[Cell, str] = {}
    for gate in GATES:
        findings = list(gate.look(seen))
        outcomes.append(
            Gate(
                id=gate.id,
                title=gate.title,
                passed=not findings,
                severity=gate.severity,
                message=" ".join(f.message for f in findings) or gate.good,
            )
        )
        if gate.severity == "invalid":
            for finding in findings:
                for cell in finding.cells or seen.records:
                    withheld.setdefault(cell, f"{gate.id}: {finding.message}")
    return tuple(outcomes), withheld
