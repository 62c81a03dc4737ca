"""No character and no encoding of a stream costs a run, and no name steers a terminal."""

import io
import json
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.cli import main
from headstart.cli.streams import print_json, print_toml, unbreakable_streams
from headstart.core.printable import printable, printable_name
from headstart.report.terminal.messages import say
from studies import tiny_table
from study_files import write_study

ENCODINGS = ("ascii", "cp1252", "cp437", "utf-8")


def redirected(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """Both streams to one file in some encoding, as strict as Python makes it."""
    file = io.BytesIO()
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(file, encoding=encoding, write_through=True)
        monkeypatch.setattr(sys, name, stream)
    return file


def done() -> None:
    """The command line that `sys.argv` holds, without an error."""
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_whole_run_in_an_encoding_that_lacks_its_characters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    wide = {"name": "größer 犬 😀", "start": "source", "strategy": "full"}
    changes = {"arms": ["scratch", wide], "sizes": [20], "seeds": 1}
    study = write_study(tmp_path / "tiny.toml", tiny_table(**changes))
    file = redirected(monkeypatch, encoding)
    command = ["headstart", "run", str(study), "--store", str(tmp_path / "s"), "--workers", "1"]
    monkeypatch.setattr(sys, "argv", command)
    done()
    shown = file.getvalue().decode(encoding)
    assert ("größer 犬 😀" in shown) == (encoding == "utf-8")
    assert ("\\u72ac \\U0001f600" in "".join(shown.split("\n"))) == (encoding != "utf-8")
    assert sys.stdout.errors == "strict"  # as before

    file.truncate(0)
    file.seek(0)
    monkeypatch.setattr(sys, "argv", ["headstart", "report", *command[2:5], "--json"])
    done()
    document = json.loads(file.getvalue().decode(encoding))
    assert document["arms"][1]["arm"] == "größer 犬 😀"


def test_marks_have_plain_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    file = redirected(monkeypatch, "ascii")
    with unbreakable_streams():
        print("54.2 ± 7.2, 29 → 40, \u2013 and …, ≤ 3")
        print("caf\udce9 犬", file=sys.stderr)
    assert file.getvalue() == b"54.2 +- 7.2, 29 -> 40, - and ..., <= 3\ncaf\\xe9 \\u72ac\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_documents_mean_the_same_in_every_encoding(encoding: str, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        file = redirected(patch, encoding)
        print_json(json.dumps({"name": text}, ensure_ascii=False))
        assert json.loads(file.getvalue().decode(encoding)) == {"name": text}
    plain = text.replace("\x7f", "")
    with pytest.MonkeyPatch.context() as patch:
        file = redirected(patch, encoding)
        print_toml(f"name = {json.dumps(plain, ensure_ascii=False)}")
        assert tomllib.loads(file.getvalue().decode(encoding)) == {"name": plain}


def test_messages_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(["cat\x1b[2J\x07\u202e is\nwrong"])
    assert capsys.readouterr().err == "headstart: cat\\x1b[2J\\x07\\u202e is\nwrong\n"


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).encode().isascii() or not text.isascii()
    assert "\n" not in printable_name(text)
    assert printable(printable(text)) == printable(text)
    if text.isprintable():
        assert printable_name(text) == text


def test_what_scripts_of_the_world_need_stays() -> None:
    for name in ("kočka", "犬\u3000柴", "👩\u200d🔬", "\u0645\u06cc\u200c\u062e", "a\xa0b"):
        assert printable_name(name) == name
    assert printable_name("a\tb\udcff\u2028") == "a\\x09b\\xff\\u2028"
