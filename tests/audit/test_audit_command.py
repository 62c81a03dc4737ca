"""`headstart audit`: what is printed, as text and JSON, and the exit status."""

import json
from pathlib import Path

import pytest
from cases import CLEAN, SLIPS, as_file
from exported import write_notebook

from commands import Call, refused


def case(name: str, folder: Path) -> Path:
    """A case by its name, as a file."""
    found = next(path for path in (*SLIPS, *CLEAN) if path.name == f"{name}.py.txt")
    return as_file(found, folder)


def test_a_slip_is_shown_with_its_line_its_reason_and_what_settles_it(
    call: Call, tmp_path: Path
) -> None:
    ended = call("audit", case("torch_best_on_test", tmp_path))
    assert (ended.status, ended.err) == (1, "")
    for part in (
        "1 slip (1 training, 1 score read)",
        "Test images used as validation images [test-as-validation]",
        "line 23: if acc > best_acc:",
        "Why: What is chosen by the test images",
        "To settle it: Validate on a part of the training images",
        "Cannot be seen from here:",
        "what the pretrained weights are worth: nothing is trained here without them",
    ):
        assert part in " ".join(ended.out.split()), part


def test_a_clean_file_is_status_0_and_says_what_was_read(call: Call, tmp_path: Path) -> None:
    ended = call("audit", case("14_francais", tmp_path))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith("14_francais.py: nothing found (1 training, 1 score read)\n")


def test_notes_alone_are_status_0(call: Call, tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    code = case("13_deutsch", tmp_path).read_text(encoding="utf-8")
    script.write_text(code.replace("with torch.no_grad():", "if True:"), encoding="utf-8")
    ended = call("audit", script)
    assert ended.status == 0
    assert "no slip, 1 note" in ended.out
    assert "Note: Scored with gradients on [no-no-grad]" in ended.out


def test_several_files_at_once_and_one_that_cannot_be_read(call: Call, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{", encoding="utf-8")
    files = [case("parity", tmp_path), broken, case("04_torch_loop_main", tmp_path)]
    ended = call("audit", *files)
    assert ended.status == 2
    assert "parity.ipynb: 3 slips" in ended.out
    assert "04_torch_loop_main.py: nothing found" in ended.out
    assert "headstart: " in ended.err
    assert "its JSON is broken" in ended.err


def test_json_holds_the_same(call: Call, tmp_path: Path) -> None:
    missing = tmp_path / "missing.py"
    ended = call("audit", case("parity", tmp_path), missing, "--json")
    assert ended.status == 2
    document = json.loads(ended.out)
    assert [one["rule"] for one in document["files"][0]["slips"]] == [
        "same-images",
        "test-unused",
        "one-seed",
    ]
    slip = document["files"][0]["slips"][0]
    assert slip["at"] == {
        "cell": 5,
        "line": 7,
        "code": "reused.fit(rest, odd, epochs=6, validation_data=(held, held_odd))",
    }
    assert slip["also_at"][0]["cell"] == 3
    assert slip["settles"]
    assert document["not_read"][0]["file"] == str(missing)


def test_json_alone_is_status_1_where_there_are_slips(call: Call, tmp_path: Path) -> None:
    assert call("audit", case("halves", tmp_path), "--json").status == 1


def test_only_files_that_cannot_be_read_print_nothing(call: Call, tmp_path: Path) -> None:
    refused(call("audit", tmp_path / "no.ipynb"), "cannot be read")


def test_nothing_in_a_file_steers_the_terminal(call: Call, tmp_path: Path) -> None:
    code = (
        "from tensorflow import keras\n(x, y), _ = keras.datasets.mnist.load_data()\n"
        "net = keras.models.load_model('a')\nnet.fit(x, y)\nnet.evaluate(x, y)  # \x1b[31m\u202e\n"
    )
    ended = call("audit", write_notebook(tmp_path / "a.ipynb", [code]))
    assert ended.status == 1
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out


def test_help_says_the_exit_codes(call: Call) -> None:
    ended = call("audit", "--help")
    assert ended.status == 0
    text = " ".join(ended.out.split())
    assert "0: no slip" in text
    assert "1: slips" in text
    assert "2: a file cannot be read" in text


EXAMPLE = """from tensorflow import keras

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x / 255.0, x_test / 255.0
net = keras.Sequential([keras.layers.Dense(64), keras.layers.Dense(5)])
net.compile("adam", "mse")
net.fit(x[y < 5], y[y < 5], epochs=3)
twin = keras.models.clone_model(net)
twin.pop()
twin.add(keras.layers.Dense(5))
twin.compile("adam", "mse")
twin.fit(x[y >= 5], y[y >= 5] - 5, epochs=3, validation_split=0.1)
twin.evaluate(x_test[y_test >= 5], y_test[y_test >= 5] - 5)
"""


def test_the_example_of_the_page_is_what_is_printed(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    Path("ex.py").write_text(EXAMPLE, encoding="utf-8")
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert f"```text\n{call('audit', 'ex.py').out}```" in page


def test_code_of_other_files_is_listed_as_unseen(call: Call) -> None:
    code = (
        "import torchvision\nfrom helpers import loaders, learn\n"
        "net = torchvision.models.resnet18(weights='DEFAULT')\nlearn(net, *loaders('photos'))\n"
    )
    Path("script.py").write_text(code, encoding="utf-8")
    ended = call("audit", "script.py")
    assert ended.status == 0
    assert "script.py: no training is recognised, so nothing could be audited" in ended.out
    assert "- what `helpers.learn` does with `net`" in ended.out
    assert "line 4: learn(net, *loaders('photos'))" in ended.out


def test_long_lines_are_cut_to_the_width(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    ended = call("audit", case("clothes", tmp_path))
    assert ended.status == 1
    assert all(len(line) <= 72 for line in ended.out.splitlines()[1:])
