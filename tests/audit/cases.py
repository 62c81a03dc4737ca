"""The files of tests/audit/clean, slips and mended as the audit reads them."""

from pathlib import Path

from exported import write_notebook

HERE = Path(__file__).parent
CLEAN = sorted((HERE / "clean").glob("*.py.txt"))
SLIPS = sorted((HERE / "slips").glob("*.py.txt"))
MENDED = sorted((HERE / "mended").glob("*.py.txt"))
_CELL = "# %% cell\n"


def as_file(case: Path, folder: Path) -> Path:
    """A case as a script, or as a notebook if it is marked up in cells."""
    text = case.read_text(encoding="utf-8")
    name = case.name.removesuffix(".py.txt")
    if _CELL in text:
        return write_notebook(folder / f"{name}.ipynb", text.split(_CELL)[1:])
    script = folder / f"{name}.py"
    script.write_text(text, encoding="utf-8")
    return script
