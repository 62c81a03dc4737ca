"""Documents of runs without what is not the same each time."""

import json
from typing import Any


def untimed(text: str) -> Any:
    """The document of a run without what is not the same each time: times, and steps run again."""
    document = json.loads(text)
    for name in ("command", "environment", "steps"):
        document.pop(name, None)
    return _without_seconds(document)


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_seconds(inner)
            for name, inner in value.items()
            if "seconds" not in name and name not in ("command", "report", "store")
        }
    if isinstance(value, list):
        return [_without_seconds(inner) for inner in value]
    return value
