"""Caveats by weight: those to read with the answer, and those that are folded away."""

from headstart.analyse.analysis import Analysis, Gate

CHECKS = "What could be wrong"  # section of the page with every check
TURNING = "What could change this answer"  # title of the caveats to read with the answer


def turning(analysis: Analysis) -> tuple[Gate, ...]:
    """Caveats that could turn a verdict of the headline around, to read with it."""
    return tuple(gate for gate in analysis.failed_gates("caveat") if gate.could_turn)


def lesser(analysis: Analysis) -> tuple[Gate, ...]:
    """Caveats that could not, or that concern no verdict of the headline."""
    return tuple(gate for gate in analysis.failed_gates("caveat") if not gate.could_turn)


def lesser_title(analysis: Analysis) -> str:
    """Number of caveats that are not read with the headline."""
    number = len(lesser(analysis))
    more = "more " if turning(analysis) else ""
    return f"{number} {more}{'caveat' if number == 1 else 'caveats'} of less weight"
