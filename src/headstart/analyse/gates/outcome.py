"""Outcomes of checks: states without contradictions, withheld verdicts, and weights of caveats."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from headstart.analyse.analysis import Analysis, Gate
from headstart.analyse.cells import Cell, beside, cell_of
from headstart.analyse.gates.gate import CheckSpec, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A check that was carried out; without a finding it passes, unless another contradicts it.

    It is not `known` to pass where the evidence lacks a fact that it needs.
    """

    spec: CheckSpec[Any]
    findings: tuple[Finding, ...]
    known: bool = True


def withheld_by(checked: Iterable[Checked], cells: Collection[Cell]) -> dict[Cell, str]:
    """Reason for each cell whose verdict is withheld, of all `cells`."""
    withheld: dict[Cell, str] = {}
    for one in checked:
        if one.spec.severity == "invalid":
            for finding in one.findings:
                for cell in finding.cells or cells:
                    withheld.setdefault(cell, f"{one.spec.id}: {finding.message}")
    return withheld


def answered_by(analysis: Analysis) -> frozenset[Cell]:
    """Cells behind the verdicts of the headline: the arms that it names, and the control."""
    judged = [c for c in analysis.preferred if c.verdict not in ("invalid", "unfinished")]
    return frozenset(cell for c in judged for cell in (cell_of(c), beside(cell_of(c), c.control)))


def gates_of(checked: Collection[Checked], answered: Collection[Cell]) -> tuple[Gate, ...]:
    """State of every check, by id; `answered` are the cells behind the verdicts of the headline.

    A caveat could turn the answer around where its check says so and one of its findings concerns
    such a cell.
    """
    return tuple(
        _gate(one, _contradicting(one, checked), frozenset(answered))
        for one in sorted(checked, key=lambda one: one.spec.id)
    )


def _gate(one: Checked, other: CheckSpec[Any] | None, answered: frozenset[Cell]) -> Gate:
    spec = one.spec
    if not one.known:
        return _not_known(spec)
    message = _joined(one.findings) or spec.good
    if not one.findings and other is not None:
        message = f"'{spec.title}' does not hold: see '{other.title}' ({other.id})."
    return Gate(
        id=spec.id,
        title=spec.title,
        passed=not one.findings and other is None,
        severity=spec.severity,
        message=message,
        could_turn=spec.could_turn
        and any(answered & (finding.cells or answered) for finding in one.findings),
    )


def _not_known(spec: CheckSpec[Any]) -> Gate:
    """A check of what these results do not say."""
    return Gate(
        id=spec.id,
        title=spec.title,
        passed=False,
        severity="caveat",
        message=f"not known whether this holds: {spec.good}",
        known=False,
    )


def _contradicting(one: Checked, checked: Iterable[Checked]) -> CheckSpec[Any] | None:
    """Check with a finding that gives another value to a fact that this one asserts, if any."""
    asserted = one.spec.asserts
    return next(
        (
            other.spec
            for other in checked
            for finding in other.findings
            for fact, value in finding.asserts.items()
            if fact in asserted and asserted[fact] != value
        ),
        None,
    )


def _joined(findings: Collection[Finding]) -> str:
    """All findings as one sentence, since each begins in lower case; empty without one."""
    *before, last = [finding.message for finding in findings] or [""]
    return "; ".join([*(message.removesuffix(".") for message in before), last])
