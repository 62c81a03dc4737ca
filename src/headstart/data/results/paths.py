"""Paths of results: one file, or a pattern such as 'runs/{arm}_seed{seed}/predictions.csv'."""

import re
from collections.abc import Iterator, Mapping
from glob import escape, glob, has_magic
from pathlib import Path

from headstart.core.errors import DataError, Problem, nearest
from headstart.core.names import few, natural_order, quoted
from headstart.data.results.roles import NUMBERS, ROLES, Role

PARTS: tuple[Role, ...] = tuple(
    r for r in ROLES if r not in NUMBERS and r not in ("label", "answer")
)
_PART = re.compile(r"\{([^{}]*)\}")


def files_of(given: str) -> list[tuple[Path, Mapping[Role, str]]]:
    """Files of a path or a pattern, each with what its path says, in natural order.

    Raises:
        DataError: a part in braces is not known, or no file fits.
    """
    if not _PART.search(given) and not has_magic(given):
        return [(Path(given), {})]
    _require_known(given)
    expression = re.compile(_expression(given))
    wide = "*".join(_escaped(piece) for piece in _PART.split(given)[::2])
    paths = natural_order(glob(wide, recursive=True))
    found = [
        (Path(path), match.groupdict())
        for path in paths
        if (match := expression.fullmatch(path)) and Path(path).is_file()
    ]
    if not found:
        raise DataError(_nothing(given, wide, paths))
    return [(path, dict(_roles(parts))) for path, parts in found]


def _roles(parts: Mapping[str, str]) -> Iterator[tuple[Role, str]]:
    for role in PARTS:
        if role in parts:
            yield role, parts[role]


def _require_known(given: str) -> None:
    unknown = [name for name in _PART.findall(given) if name not in PARTS]
    if unknown:
        raise DataError(
            str(
                Problem(
                    where=given,
                    message=f"the pattern has {{{unknown[0]}}}.",
                    allowed=f"Known parts: {', '.join(f'{{{name}}}' for name in PARTS)}.",
                    fix=nearest(unknown[0], PARTS),
                )
            )
        )


def _expression(given: str) -> str:
    """Regular expression of a pattern; a part that comes twice must be the same."""
    seen: set[str] = set()
    pieces = _PART.split(given)
    text = []
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            text.append("".join(_wild(one) for one in re.split(r"(\*\*/?|\*|\?)", piece)))
        elif piece in seen:
            text.append(f"(?P={piece})")
        else:
            seen.add(piece)
            text.append(f"(?P<{piece}>[^/]+)")
    return "".join(text)


def _wild(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return known.get(piece) or re.escape(piece)


def _escaped(piece: str) -> str:
    """A piece of a path for `glob`; stars and question marks in it are meant."""
    return "".join(
        one if one in ("*", "**", "?") else escape(one) for one in re.split(r"(\*+|\?)", piece)
    )


def _nothing(given: str, wide: str, near: list[str]) -> str:
    if near:
        return str(
            Problem(
                where=given,
                message=f"no file fits the pattern; near it are {few(quoted(near))}.",
                fix="Every part in braces stands for text without a slash.",
            )
        )
    folder = Path(wide.split("*")[0] or ".")
    while not folder.is_dir():
        folder = folder.parent
    there = natural_order(path.name for path in list(folder.iterdir())[:1000])
    return str(
        Problem(
            where=given,
            message="no file fits the pattern.",
            allowed=f"In {folder} there is: {few(there, 8) or 'nothing'}.",
            fix="Put the pattern in quotes, so that the shell leaves it alone.",
        )
    )
