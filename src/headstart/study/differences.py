"""What two studies ask differently, field by field, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headstart.study.study import StudySpec

NOT_THERE = "not there"
_NAMED = ("arms", "published")  # lists whose items have names


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that two studies have otherwise, with the value in each."""

    field: str
    first: str
    second: str


def differences(first: StudySpec, second: StudySpec) -> tuple[Difference, ...]:
    """The fields of two studies that differ, but for their names; in the order of the study."""
    return tuple(_between(_table(first), _table(second), ""))


def _table(study: StudySpec) -> dict[str, Any]:
    """A study as nested tables: lists of named things as tables by name."""
    table = study.model_dump(mode="json", exclude={"name"})
    for field in _NAMED:
        table[field] = {_name(one): one for one in table[field]}
    table["sizes"] = [size.label for size in study.sizes]
    table["pairs"] = [f"{pair.source} to {pair.target}" for pair in study.pairs]
    return table


def _name(item: Mapping[str, Any]) -> str:
    return next(str(item[name]) for name in ("name", "figure") if name in item)


def _between(first: Any, second: Any, field: str) -> Iterator[Difference]:
    """Differences of two values; of tables those of their entries."""
    if first == second:
        return
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys((*first, *second)):
            name = key if field in (*_NAMED, "tasks", "sources") else key.replace("_", " ")
            inside = f"{field}, {name}" if field else name
            if key in first and key in second:
                yield from _between(first[key], second[key], inside)
            else:
                there = [_there(table, key) for table in (first, second)]
                yield Difference(field=inside, first=there[0], second=there[1])
    else:
        yield Difference(field=field, first=_text(first), second=_text(second))


def _there(table: Mapping[str, Any], key: str) -> str:
    """An entry that only one of two tables has."""
    if key not in table:
        return NOT_THERE
    return "there" if isinstance(table[key], dict) else _text(table[key])


def _text(value: Any) -> str:
    """A value in words."""
    match value:
        case None:
            return "not given"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.12g}"
        case [int(), *_] if value == list(range(value[0], value[0] + len(value))) and value[1:]:
            return f"{value[0]} to {value[-1]}"
        case []:
            return "none"
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{key.replace('_', ' ')} {_text(one)}" for key, one in value.items())
    return str(value) or "empty"
