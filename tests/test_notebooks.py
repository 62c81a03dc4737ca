"""The notebooks of examples/: complete, with outputs, and without what only one machine has."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))


def test_each_is_on_the_page_of_notebooks() -> None:
    page = (Path(__file__).parent.parent / "docs" / "notebooks.md").read_text(encoding="utf-8")
    listed = re.findall(r"\(\.\./examples/([\w-]+)\.ipynb\)", page)
    assert sorted(listed) == [path.stem for path in NOTEBOOKS]
    assert len(listed) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_outputs_of_one_full_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("text/html" in output.get("data", {}) for output in outputs)
    (parameters,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    compile(parameters.metadata["headstart"]["quick"], path.name, "exec")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_asks_nothing_of_anyone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert "<script" not in text
    assert not re.search(r"(src|href)=\\?[\"']https?:", text)
    assert not re.search(r"/(work|tmp|root)/", text)
