"""Files as they come: magics, old formats, other languages, broken and large ones."""

import json
from pathlib import Path

import pytest
from exported import write_notebook

from headstart.audit.audit import audit_file
from headstart.audit.source import read_source
from headstart.core.errors import DataError

FIT = """
from tensorflow import keras
(x, y), (x_new, y_new) = keras.datasets.mnist.load_data()
net = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Dense(10)])
net.compile("adam", "mse")
net.fit(x, y)
net.evaluate(x, y)
"""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"x = 1", "neither a notebook (.ipynb) nor a script (.py)"),
        ("a.ipynb", b"{", "its JSON is broken (line 1)"),
        ("a.ipynb", b"", "its JSON is broken"),
        ("a.ipynb", b"[1, 2]", "it has no list of cells"),
        ("a.ipynb", b'{"cells": 3}', "it has no list of cells"),
        ("a.ipynb", b'{"worksheets": [1]}', "holds no code"),
        ("a.ipynb", b'{"cells": [4, {"cell_type": "code"}]}', "holds no code"),
        ("a.ipynb", b"\x89PNG\r\n\x1a\n\x00", "not text in UTF-8"),
        ("a.ipynb", b"[" * 100_000, "its JSON is broken"),
        ("a.py", b"\x00\x01\xff\xfe", "not text in UTF-8"),
        ("a.py", b"x = 1\x00", "not Python 3"),
        ("a.py", b"", "holds no code"),
        ("a.py", b"# nothing\n", "holds no code"),
        ("a.py", b"print 'two'\n", "not Python 3"),
        ("a.py", b"# -*- coding: nonsense -*-\nx = 1\n", "not text in UTF-8"),
        ("a.py", b"a = x" + b".y" * 5000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        audit_file(path)
    assert message in str(refused.value)
    assert name in str(refused.value)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    for name in ("folder.py", "missing.ipynb"):
        with pytest.raises(DataError, match="cannot be read"):
            audit_file(tmp_path / name)


def test_a_notebook_in_another_language_is_refused(tmp_path: Path) -> None:
    for language in ("R", "julia"):
        path = write_notebook(tmp_path / "a.ipynb", ["x <- 1"], kernelspec={"language": language})
        with pytest.raises(DataError, match=f"a notebook in {language.lower()}; only Python"):
            audit_file(path)


def test_a_cell_that_is_not_python_is_said_and_skipped(tmp_path: Path) -> None:
    cells = ["print 'two'", "%%bash\nls", FIT, "x = = 3"]
    audit = audit_file(write_notebook(tmp_path / "a.ipynb", cells))
    assert [finding.rule.id for finding in audit.slips] == ["trained-on-test"]
    assert audit.slips[0].found.place.cell == 3
    assert [unseen.place.cell for unseen in audit.unseen if unseen.place] == [1, 2, 4]
    assert "%%bash" in audit.unseen[1].why


def test_magics_are_left_out_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    cells = [f"%%time\n%matplotlib inline\n!pip install x\nfiles = !ls\nx?\n{FIT}"]
    audit = audit_file(write_notebook(tmp_path / "a.ipynb", cells))
    place = audit.slips[0].found.place
    assert (place.cell, place.line) == (1, 12)
    assert place.text == "net.evaluate(x, y)"
    assert not audit.unseen


def test_a_percent_sign_that_is_no_magic_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('print("%d"\n      % 3)\n' + FIT, encoding="utf-8")
    assert [finding.rule.id for finding in audit_file(path).slips] == ["trained-on-test"]


def test_notebooks_of_version_3_and_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    sheet = {"cells": [{"cell_type": "code", "input": FIT, "prompt_number": 4}]}
    path.write_text(json.dumps({"worksheets": [sheet]}), encoding="utf-8-sig")
    assert read_source(path).cells[0].run_as == 4
    assert len(audit_file(path).slips) == 1


def test_a_script_in_its_declared_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + FIT.encode())
    assert len(audit_file(path).slips) == 1


def test_large_outputs_are_no_matter(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", [FIT])
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["outputs"] = [{"data": {"image/png": "A" * 50_000_000}}]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert len(audit_file(path).slips) == 1


def test_cells_that_ran_in_another_order_are_noted(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "a.ipynb", [FIT, "x = 1", "x = 2"])
    document = json.loads(path.read_text(encoding="utf-8"))
    for cell, number in zip(document["cells"], (1, 9, 3), strict=True):
        cell["execution_count"] = number
    path.write_text(json.dumps(document), encoding="utf-8")
    audit = audit_file(path)
    assert [finding.rule.id for finding in audit.notes] == ["cells-out-of-order"]
    assert audit.notes[0].found.place.cell == 3
