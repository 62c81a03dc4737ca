"""Variants of a study: sections of its file that change it, chosen on the command line."""

from collections.abc import Iterable
from typing import Any

from headstart.core.errors import Problem

VARIANTS = ("thorough", "as_published", "quick")
"""In the order in which they are laid over the study."""


def with_variants(
    table: dict[str, Any], chosen: Iterable[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The study with the chosen sections laid over it, and a problem for each that it lacks.

    Tables are merged key by key, all else is replaced; the study's name says what was chosen.
    """
    study = {key: value for key, value in table.items() if key not in VARIANTS}
    problems = []
    for variant in sorted(chosen, key=VARIANTS.index):
        if variant not in table:
            problems.append(_absent(variant, [name for name in VARIANTS if name in table]))
            continue
        if not isinstance(table[variant], dict):
            problems.append(
                Problem(
                    where=variant,
                    message=f"got {table[variant]!r}; it must be a table.",
                    fix=f"Write [{variant}] with the sections that it changes.",
                )
            )
            continue
        named = variant_name(str(study.get("name", "")), variant)
        study = {**_merged(study, table[variant]), "name": named}
    return study, problems


def variant_name(study: str, variant: str) -> str:
    """What a study is called with a variant."""
    return f"{study}-{variant.replace('_', '-')}"


def _absent(variant: str, present: list[str]) -> Problem:
    return Problem(
        where=variant,
        message=f"this study has no section [{variant}].",
        allowed=f"It has: {', '.join(present)}." if present else "It has no variants.",
        fix=f"Leave --{variant.replace('_', '-')} out, or write a section [{variant}] with what it "
        "changes in a copy of the study's file (docs/study-file.md, Variants).",
    )


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _merged(below, value) if both and below is not None else value
    return merged
