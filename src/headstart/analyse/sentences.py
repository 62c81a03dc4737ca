"""What controls say of a gain, in words that are never stronger than their intervals.

"No better than" takes an interval inside the margin, "worse than" one clear of 0; an interval that
only holds 0 is "not shown to be better than".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from headstart.analyse.analysis import Attribution, Comparison, Role, Word
from headstart.analyse.text import listed

State = Literal["not run", "not run in the same way", "not finished", "invalid"]
"""Why a control says nothing."""

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
"""What follows where the arm is no better than the control, and where it is not shown to be."""

_ARMS: dict[Role, str] = {
    "label map": "label_map",
    "random trunk": "random_trunk",
    "shuffled weights": "shuffled",
    "compute-matched scratch": "scratch_long",
    "selffer": "selffer",
}
"""The arms that a study may name to have them."""

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


def reading_of(told: Comparison, rows: Sequence[Attribution], silent: Mapping[Role, State]) -> str:
    """What follows for a transfer arm from its verdict, its controls, and those that are silent."""
    telling = _telling(rows)
    if told.verdict != "helps":
        lead = f"{_STANCES[told.verdict]} {told.control}: {_NO_GAIN[told.verdict]}"
        maps = [row for row in telling if row.role == "label map" and _no_better(row)]
        return "; ".join([lead, *map(_objection, maps)])
    better = [told.control, *(row.control for row in telling if row.verdict == "helps")]
    against = [row for row in telling if row.verdict != "helps"]
    lead = f"{_STANCES['helps']} {listed(better, 'and')}"
    if not against and not silent:
        return f"{lead}, so the gain is put down to what the source learnt"
    return "; ".join([lead, *map(_objection, against), *_silences(silent)])


def objections(
    preferred: Iterable[Comparison], attributions: Iterable[Attribution], several_pairs: bool
) -> Iterator[str]:
    """Sentences for the headline: where the arm told of is no better than a control.

    A label map objects whatever the verdict, and also where it is only not ruled out.
    """
    rows = list(attributions)
    found: dict[tuple[str, ...], list[str]] = {}
    for best in preferred:
        place = (best.source, best.target, best.size, best.arm)
        own = [r for r in rows if (r.source, r.target, r.size, r.arm) == place]
        for row in _telling(own):
            helps, is_map = best.verdict == "helps", row.role == "label map"
            unclear = row.verdict == "not enough evidence"
            if ((helps or is_map) and _no_better(row)) or (helps and is_map and unclear):
                lead = f"{best.source} to {best.target}: " if several_pairs else ""
                said = (lead, best.arm, f"{_STANCES[row.verdict]} {_named(row)}", _cause(row))
                found.setdefault(said, []).append(f"{best.num_images:,}")
    for (lead, arm, stance, cause), sizes in found.items():
        yield f"{lead}But {arm} is {stance} with {listed(sizes, 'and')} images: {cause}."


def _telling(rows: Sequence[Attribution]) -> list[Attribution]:
    """The row of each role that counts: the control most like the arm, and of those the best.

    A control that was trained by another strategy differs from the arm in more than its role. Only
    a random trunk still tells something then: that even frozen random features do as well.
    """
    found = []
    for role in _CAUSES:
        able = [row for row in rows if row.role == role and row.verdict != "invalid"]
        able = [row for row in able if row.alike] or [
            row for row in able if role == "random trunk" and row.verdict != "helps"
        ]
        if able:
            found.append(min(able, key=lambda row: row.gain_pp))
    return found


def _no_better(row: Attribution) -> bool:
    return row.verdict in ("hurts", "no measurable difference")


def _objection(row: Attribution) -> str:
    return f"{_STANCES[row.verdict]} {_named(row)}: {_cause(row)}"


def _cause(row: Attribution) -> str:
    shown, possible = _CAUSES[row.role]
    return shown if _no_better(row) else possible


def _named(row: Attribution) -> str:
    """The control's name, with what it is where the name does not say it."""
    plain = row.control.replace("_", " ") in row.role
    return row.control if plain else f"{row.control} ({row.role})"


def _silences(silent: Mapping[Role, State]) -> Iterator[str]:
    for state, said in _STATES.items():
        roles = [role for role, its in silent.items() if its == state]
        if roles:
            yield f"cannot be told from {listed(roles, 'or')}: {said.format(remedy=remedy(roles))}"


def remedy(roles: Sequence[Role]) -> str:
    """How a study gets controls that it lacks."""
    arms = [_ARMS[role] for role in roles]
    return f"add the arm{'s' if len(arms) > 1 else ''} {listed(arms, 'and')}"
