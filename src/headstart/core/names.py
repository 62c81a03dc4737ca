"""Names in a row for a person: numbers in them count as numbers, and long lists are cut short."""

import re
from collections.abc import Iterable, Sequence

_MOST = 30  # names that are all shown
_FIRST = 10  # of more than that


def natural_order(names: Iterable[str]) -> list[str]:
    """Names sorted as a person would: 1, 2, 10 and img2, img10."""
    return sorted(names, key=lambda name: (_pieces(name), name))


def _pieces(name: str) -> list[tuple[bool, int, str]]:
    """Runs of digits as numbers, which come before text, and the text between them."""
    runs = re.split(r"([0-9]{1,18})", name)
    return [(not run.isdecimal(), int(run) if run.isdecimal() else 0, run) for run in runs if run]


def quoted(names: Iterable[str]) -> list[str]:
    """Names in quotes, as they stand in a sentence."""
    return [f"'{name}'" for name in names]


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names of a list that is an example, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def in_a_row(names: Sequence[str]) -> str:
    """All names, or the first ten of more than thirty and how many more there are."""
    if len(names) <= _MOST:
        return ", ".join(names)
    return few(names, _FIRST)
