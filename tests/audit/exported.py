"""Notebooks made of text: of an export with `In [n]:` lines, or of cells."""

import ast
import json
import re
from collections.abc import Iterable
from pathlib import Path

_CELL = re.compile(r"^In \[(\d*|None)\]:\s*$", flags=re.MULTILINE)


def write_notebook(path: Path, cells: Iterable[str], **metadata: object) -> Path:
    """A notebook with these code cells."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": metadata,
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": cell.splitlines(keepends=True),
            }
            for cell in cells
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def cells_of_export(text: str) -> list[str]:
    """Code of the cells of an export, whose outputs and prose stand between them."""
    pieces = _CELL.split(text)[1:]
    return [_code_of(body) for body in pieces[1::2]]


def _code_of(body: str) -> str:
    """The paragraphs from the first on that are Python together; outputs are not."""
    code: list[str] = []
    paragraphs = re.split(r"\n\s*\n", body.strip("\n"))
    for count in range(1, len(paragraphs) + 1):
        attempt = "\n\n".join(paragraphs[:count])
        lines = [line for line in attempt.splitlines() if not line.startswith("%")]
        if _is_code("\n".join(lines)):
            code = paragraphs[:count]
    return "\n\n".join(code)


def _is_code(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
