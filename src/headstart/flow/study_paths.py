"""Paths in a study file: relative ones are from the folder of that file, wherever one stands."""

import os
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

from headstart.data.catalogue import KNOWN
from headstart.data.find import is_path

Table = dict[str, Any]
Moved = Callable[[str], str]

# Kinds of networks that are named by a file, and what may stand before its name.
_FILES = ("keras", "keras-on-torch", "module")
_LOCAL = "local-dir:"


def from_here(table: Table, folder: Path) -> Table:
    """The tables of a study file whose relative paths are from the current folder.

    They stay as they are where that is the folder of the file, so that the study is the same to the
    letter; else they become absolute. What is no path or no table is left to the checks.

    Args:
        table: of the study file, its variants applied.
        folder: of the study file.
    """
    folder = folder.resolve()
    if folder == Path.cwd().resolve():
        return table
    changed = dict(table)
    for name, section in (("tasks", _task), ("sources", _source)):
        if isinstance(table.get(name), dict):
            changed[name] = {key: section(given, folder) for key, given in table[name].items()}
    if "network" in table:
        changed["network"] = _network(table["network"], folder)
    return changed


def _task(task: Any, folder: Path) -> Any:
    file = {"file": lambda text: _table(text, folder)}
    moved = _with(
        task,
        {
            "dataset": lambda text: _dataset(text, folder),
            "labels": lambda text: _table(text, folder),
        },
    )
    if isinstance(moved, dict) and isinstance(moved.get("labels"), dict):
        return {**moved, "labels": _with(moved["labels"], file)}
    return moved


def _source(source: Any, folder: Path) -> Any:
    moved = _with(
        source,
        {
            "weights": lambda text: _joined(text, folder),
            "seen": lambda text: _dataset(text, folder),
        },
    )
    if isinstance(moved, dict) and "pretrained" in moved:
        return {**moved, "pretrained": _network(moved["pretrained"], folder)}
    return moved


def _with(table: Any, changes: dict[str, Moved]) -> Any:
    """A table with some of its texts changed."""
    if not isinstance(table, dict):
        return table
    return {
        key: changes[key](value) if key in changes and isinstance(value, str) else value
        for key, value in table.items()
    }


def _dataset(text: str, folder: Path) -> str:
    """A data set by its path; a known name stays one beside a folder of that name."""
    if text in KNOWN or not (is_path(text) or (folder / text).is_dir()):
        return text
    return _joined(text, folder)


def _table(text: str, folder: Path) -> str:
    """A table of labels; what is no file beside the study file may lie inside the data set."""
    return _joined(text, folder) if text and (folder / text).is_file() else text


def _network(given: Any, folder: Path) -> Any:
    """A network that is named by a file or a folder, as `kind:name` or as a table."""
    if isinstance(given, str):
        kind, colon, name = given.partition(":")
        return f"{kind}{colon}{_file_of(kind, name, folder)}"
    if isinstance(given, dict) and isinstance(given.get("name"), str):
        return {**given, "name": _file_of(str(given.get("kind")), given["name"], folder)}
    return given


def _file_of(kind: str, name: str, folder: Path) -> str:
    if kind in _FILES:
        return _joined(name, folder)
    if kind == "timm" and name.startswith(_LOCAL):
        return f"{_LOCAL}{_joined(name.removeprefix(_LOCAL), folder)}"
    # A name on the hub looks like a path.
    return _joined(name, folder) if kind == "hf" and (folder / name).is_dir() else name


def _joined(text: str, folder: Path) -> str:
    path = os.path.expanduser(text)
    if not text or os.path.isabs(path) or PureWindowsPath(path).drive:
        return text
    return str(folder / path)
