"""Notebooks and their kernels, for tests."""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

TESTS = Path(__file__).parent
TINY = "\n".join(
    [
        "import sys",
        f"sys.path.insert(0, {str(TESTS)!r})",
        "import headstart as hs",
        "from studies import tiny_table",
        "table = tiny_table(seeds=1, arms=['scratch', 'full'], sizes=[20])",
        "study = hs.Study(**table)",
    ]
)
"""Code that makes `study`, a tiny one."""


def executed(folder: Path, *cells: str) -> list[list[dict[str, Any]]]:
    """Outputs of the cells of a notebook that a real kernel has run in a folder."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    client = NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return [cell.outputs for cell in notebook.cells]
