"""Executes the notebooks of examples/, in full with their outputs written, or in a quick form.

    python scripts/run_notebooks.py            # all, in full: their files get the new outputs
    python scripts/run_notebooks.py --quick    # in seconds: an error ends it
    python scripts/run_notebooks.py photos     # one of them

The cell that is tagged `parameters` says in its metadata what the quick form has in its place.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"
CELL_SECONDS = 3600


def run(path: Path, *, quick: bool) -> Any:
    """The executed notebook. Its outputs name the folder that it ran in `.`.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell has failed.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if quick and "parameters" in cell.metadata.get("tags", ()):
            cell.source = cell.metadata["headstart"]["quick"]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        client.execute()
    return nbformat.reads(nbformat.writes(notebook).replace(folder, "."), as_version=4)


def main() -> None:
    """Execute the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="of notebooks; left out, all")
    parser.add_argument("--quick", action="store_true", help="in seconds, and nothing is written")
    given = parser.parse_args()
    # `!headstart ...` in a cell is the one of this environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    known = {path.stem: path for path in sorted(EXAMPLES.glob("*.ipynb"))}
    unknown = sorted(set(given.names) - set(known))
    if unknown:
        parser.error(f"no notebook {', '.join(unknown)}. There are: {', '.join(known)}")
    for name in given.names or known:
        started = time.perf_counter()
        notebook = run(known[name], quick=given.quick)
        if not given.quick:
            nbformat.write(notebook, known[name])
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
