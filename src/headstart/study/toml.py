"""A study as the text of its file."""

import json
from collections.abc import Mapping
from typing import Any

from headstart.study.arms import NAMED_ARMS
from headstart.study.base import Spec
from headstart.study.study import StudySpec
from headstart.study.training import OptimiserSpec


def toml_of(study: StudySpec) -> str:
    """The study file that gives this study: what it leaves to defaults is left out.

    Arms that are built in are written by their names, and sizes as a person would.
    """
    given = _given(study)
    if "arms" in given:
        given["arms"] = [
            arm.name if NAMED_ARMS.get(arm.name) == arm else _given(arm) for arm in study.arms
        ]
    if "sizes" in given:
        given["sizes"] = [size.label for size in study.sizes]
    lines = [f"{name} = {_value(one)}" for name, one in given.items() if not isinstance(one, dict)]
    for name, table in given.items():
        if isinstance(table, dict):
            lines += ["", *_section(name, table)]
    return "\n".join(lines) + "\n"


def _given(part: Any) -> Any:
    """A part of a study as tables, without what is as it would be anyway."""
    if isinstance(part, OptimiserSpec):  # its defaults are the library's, not those of its fields
        usual = OptimiserSpec(kind=part.kind, defaults=part.defaults, lr=part.lr)
        own = {
            name for name in type(part).model_fields if getattr(part, name) != getattr(usual, name)
        }
        named = {"kind", "lr", *(["defaults"] if part.defaults == "keras" else []), *own}
        return {name: value for name, value in part if name in named}
    if isinstance(part, Spec):
        return {
            name: _given(value)
            for name, field in type(part).model_fields.items()
            if (value := getattr(part, name)) is not None
            and (
                name == "kind"
                or field.is_required()
                or value != field.get_default(call_default_factory=True)
            )
        }
    if isinstance(part, Mapping):
        return {str(key): _given(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_given(value) for value in part]
    return part


def _section(name: str, table: Mapping[str, Any]) -> list[str]:
    """Lines of a table; of `tasks` and `sources`, of each table in it. Others are inline tables."""
    if name in ("tasks", "sources"):
        parts = [
            line
            for key, part in table.items()
            for line in ("", *_section(f"{name}.{_key(key)}", part))
        ]
        return parts[1:]
    return [f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # Texts, numbers and truth values of JSON are those of TOML, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else json.dumps(key, ensure_ascii=False)
