"""Words of an audit: lines for a terminal, and one JSON document."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from headstart.audit.audit import Audit, Finding
from headstart.audit.source import Place
from headstart.core.printable import printable, printable_name


def lines_of(audit: Audit, width: int) -> Iterator[str]:
    """What was found in one file, as lines: the slips first, one paragraph for each rule."""
    yield f"{printable_name(str(audit.path))}: {_summary(audit)}"
    by_rule: dict[str, list[Finding]] = {}
    for finding in (*audit.slips, *audit.notes):
        by_rule.setdefault(finding.rule.id, []).append(finding)
    for findings in by_rule.values():
        yield ""
        yield from _of_rule(findings, width)
    if audit.unseen:
        yield ""
        yield "  Cannot be seen from here:"
        for unseen in audit.unseen:
            yield from _wrapped(f"- {printable(unseen.why)}", width, 4)
            if unseen.place is not None:
                yield f"        {_code(unseen.place, width)}"


def _summary(audit: Audit) -> str:
    """How much was found."""
    slips, notes = len(audit.slips), len(audit.notes)
    read = f"{_count(audit.trainings, 'training')}, {_count(audit.scores, 'score')} read"
    if not audit.trainings and not audit.findings:
        return "no training is recognised, so nothing could be audited"
    if not slips and not notes:
        return f"nothing found ({read})"
    found = [_count(slips, "slip") if slips else "no slip"]
    if notes:
        found.append(_count(notes, "note"))
    return f"{', '.join(found)} ({read})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _of_rule(findings: list[Finding], width: int) -> Iterator[str]:
    """All findings of one rule, and once why it matters and what would settle it."""
    rule = findings[0].rule
    mark = "Note: " if rule.level == "note" else ""
    yield from _wrapped(f"{mark}{_sentence(rule.title)} [{rule.id}]", width, 2)
    said = ""
    for finding in findings:
        found = finding.found
        yield f"    {_code(found.place, width)}"
        if found.says != said:
            yield from _wrapped(f"{_sentence(found.says)}.", width, 8)
        said = found.says
        for place in found.also:
            if place != found.place:
                yield f"        {_code(place, width)}"
    yield from _wrapped(f"Why: {rule.why}", width, 4)
    yield from _wrapped(f"To settle it: {rule.settles}", width, 4)


def _sentence(text: str) -> str:
    safe = printable(text)
    return safe if safe.startswith("`") else safe[:1].upper() + safe[1:]


def _code(place: Place, width: int) -> str:
    """Place and its line of code, cut to the width."""
    text = printable_name(f"{place}: {place.text}")
    most = max(width, 40) - 12
    return text if len(text) <= most else f"{text[:most]} ..."


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    space = " " * indent
    return textwrap.wrap(
        text,
        width=max(width, 40),
        initial_indent=space,
        subsequent_indent=space,
        break_long_words=False,
        break_on_hyphens=False,
    )


def document(audits: Iterable[Audit], failed: dict[str, str]) -> str:
    """All audits as one JSON document."""
    values = {
        "files": [_values(audit) for audit in audits],
        "not_read": [{"file": name, "why": why} for name, why in failed.items()],
    }
    return json.dumps(values, indent=2) + "\n"


def _values(audit: Audit) -> dict[str, Any]:
    return {
        "file": printable_name(str(audit.path)),
        "trainings": audit.trainings,
        "scores": audit.scores,
        "slips": [_as_json(finding) for finding in audit.slips],
        "notes": [_as_json(finding) for finding in audit.notes],
        "cannot_be_seen": [
            {"why": unseen.why, "at": _place(unseen.place) if unseen.place else None}
            for unseen in audit.unseen
        ],
    }


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "at": _place(finding.found.place),
        "also_at": [_place(place) for place in finding.found.also],
        "says": finding.found.says,
        "why": finding.rule.why,
        "settles": finding.rule.settles,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"cell": place.cell or None, "line": place.line, "code": place.text}
