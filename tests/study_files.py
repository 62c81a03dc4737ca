"""Study files for tests, written from the same tables that `studies` gives to Python."""

import json
from pathlib import Path
from typing import Any


def write_study(path: Path, table: dict[str, Any]) -> Path:
    """Write `table` as a TOML file; what is None is left out."""
    lines = [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
