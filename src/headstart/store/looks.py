"""Looks at comparisons, as the store remembers them."""

import json
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one comparison: what was shown, and what it was held to.

    Attributes:
        question: names the comparison whatever its seeds are (`plan.questions`).
        tested: names the test images; comparisons on the same ones are one family.
        study: whose report showed it.
        seeds: those that were compared, in ascending order.
        in_family: whether it is about transfer, and so in the family of those on its test images.
        planned: whether the study had planned the look, before its first.
        level: error level of the look, before any adjustment for other comparisons.
        margin_pp: difference that mattered, in percentage points.
        p_value: of the verdict's own test; None where it had none.
        verdict: the word that was shown.
    """

    question: str
    tested: str
    study: str
    seeds: tuple[int, ...]
    planned: bool
    in_family: bool
    level: float
    margin_pp: float
    p_value: float | None
    verdict: str


def to_row(look: Look) -> tuple[str | float | None, ...]:
    """A look as the values of its columns."""
    return (
        look.question,
        json.dumps(look.seeds),
        look.tested,
        look.study,
        int(look.planned),
        int(look.in_family),
        look.level,
        look.margin_pp,
        look.p_value,
        look.verdict,
    )


def from_row(row: sqlite3.Row) -> Look:
    """A look from its row."""
    return Look(
        question=row["question"],
        tested=row["tested"],
        study=row["study"],
        seeds=tuple(json.loads(row["seeds"])),
        planned=bool(row["planned"]),
        in_family=bool(row["in_family"]),
        level=row["level"],
        margin_pp=row["margin_pp"],
        p_value=row["p_value"],
        verdict=row["verdict"],
    )
