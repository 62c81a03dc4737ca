"""Sentences on what explains a gain, never stronger than the intervals of the controls.

"No better than" requires an interval inside the margin, "worse than" one clear of 0; an interval
that merely contains 0 is "not shown to be better than".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from headstart.analyse.analysis import Attribution, Comparison, Role, Word
from headstart.analyse.cells import cell_of
from headstart.analyse.text import listed

State = Literal["not run", "not run in the same way", "not finished", "invalid"]
"""Reason why a control gives no answer."""

_CAUSES: dict[Role, tuple[str, str]] = {
    "label map": ("relabelling, not transfer", "relabelling is not ruled out"),
    "random trunk": (
        "the architecture, not what the source learnt",
        "the architecture alone is not ruled out",
    ),
    "shuffled weights": ("initial scale, not features", "initial scale alone is not ruled out"),
    "compute-matched scratch": (
        "a head start, not a better end point",
        "more than a head start is not shown",
    ),
    "selffer": ("longer training, not the source", "longer training alone is not ruled out"),
}
"""Conclusion where the arm is no better than the control, and where it is not shown to be."""

_ARMS: dict[Role, str] = {
    "label map": "label_map",
    "random trunk": "random_trunk",
    "shuffled weights": "shuffled",
    "compute-matched scratch": "scratch_long",
    "selffer": "selffer",
}
"""Arms by which a study gets these controls."""

_STANCES: dict[Word, str] = {
    "helps": "better than",
    "hurts": "worse than",
    "no measurable difference": "no better than",
    "not enough evidence": "not shown to be better than",
}
_NO_GAIN: dict[Word, str] = {
    "hurts": "there is no gain to put down to anything",
    "no measurable difference": "there is no gain to put down to anything",
    "not enough evidence": "there is no gain yet to put down to anything",
}
_STATES: dict[State, str] = {
    "not run": "not run; {remedy}",
    "not run in the same way": "not run in the same way",
    "not finished": "not finished",
    "invalid": "the protocol failed there",
}


def reading_of(
    comparison: Comparison, rows: Sequence[Attribution], silent: Mapping[Role, State]
) -> str:
    """Conclusion for a transfer arm from its verdict, its controls, and the missing controls."""
    decisive = _decisive(rows)
    verdict, control = comparison.verdict, comparison.control
    if verdict != "helps":
        lead = f"{_STANCES[verdict]} {control}: {_NO_GAIN[verdict]}"
        maps = [row for row in decisive if row.role == "label map" and _no_better(row)]
        return "; ".join([lead, *map(_objection, maps)])
    better = [control, *(row.control for row in decisive if row.verdict == "helps")]
    against = [row for row in decisive if row.verdict != "helps"]
    lead = f"{_STANCES['helps']} {listed(better, 'and')}"
    if not against and not silent:
        return f"{lead}, so the gain is put down to what the source learnt"
    return "; ".join([lead, *map(_objection, against), *_silences(silent)])


def objections(
    preferred: Iterable[Comparison], attributions: Iterable[Attribution], several_pairs: bool
) -> Iterator[str]:
    """Sentences for the headline where the preferred arm is no better than a control.

    A label map is an objection whatever the verdict, and also where it is merely not ruled out.
    """
    rows = list(attributions)
    sizes: dict[tuple[str, ...], list[str]] = {}
    for best in preferred:
        for row in _decisive([r for r in rows if cell_of(r) == cell_of(best)]):
            helps, is_map = best.verdict == "helps", row.role == "label map"
            unclear = row.verdict == "not enough evidence"
            if ((helps or is_map) and _no_better(row)) or (helps and is_map and unclear):
                lead = f"{best.source} to {best.target}: " if several_pairs else ""
                parts = (lead, best.arm, f"{_STANCES[row.verdict]} {_named(row)}", _cause(row))
                sizes.setdefault(parts, []).append(f"{best.num_images:,}")
    for (lead, arm, stance, cause), numbers in sizes.items():
        yield f"{lead}But {arm} is {stance} with {listed(numbers, 'and')} images: {cause}."


def _decisive(rows: Sequence[Attribution]) -> list[Attribution]:
    """The row of each role that counts: the control most like the arm, and of those the best.

    A control that was trained by another strategy differs from the arm in more than its role. Only
    a random trunk is conclusive then: even frozen random features do as well.
    """
    decisive = []
    for role in _CAUSES:
        able = [row for row in rows if row.role == role and row.verdict != "invalid"]
        able = [row for row in able if row.alike] or [
            row for row in able if role == "random trunk" and row.verdict != "helps"
        ]
        if able:
            decisive.append(min(able, key=lambda row: row.gain_pp))
    return decisive


def _no_better(row: Attribution) -> bool:
    return row.verdict in ("hurts", "no measurable difference")


def _objection(row: Attribution) -> str:
    return f"{_STANCES[row.verdict]} {_named(row)}: {_cause(row)}"


def _cause(row: Attribution) -> str:
    shown, possible = _CAUSES[row.role]
    return shown if _no_better(row) else possible


def _named(row: Attribution) -> str:
    """Name of the control, with its role where the name does not say it."""
    plain = row.control.replace("_", " ") in row.role
    return row.control if plain else f"{row.control} ({row.role})"


def _silences(silent: Mapping[Role, State]) -> Iterator[str]:
    for state, text in _STATES.items():
        roles = [role for role, its in silent.items() if its == state]
        if roles:
            yield f"cannot be told from {listed(roles, 'or')}: {text.format(remedy=remedy(roles))}"


def remedy(roles: Sequence[Role]) -> str:
    """Instruction that adds missing controls to a study."""
    arms = [_ARMS[role] for role in roles]
    return f"add the arm{'s' if len(arms) > 1 else ''} {listed(arms, 'and')}"
