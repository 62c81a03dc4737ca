"""Texts of study files: read whatever an editor made of them, or refused with a sentence."""

import codecs
import os
import random
import re
import sys
from pathlib import Path

import pytest

from headstart import flow
from headstart.core.errors import HeadstartError, SpecError
from headstart.study.load import read_toml
from headstart.study.recipes import recipes
from studies import tiny_table
from study_files import write_study

TEXT = '# größer\nname = "tiny"\nsizes = [\n  20,\n]\n'


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_editors_write_is_read(tmp_path: Path, encoding: str, ends: str) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    path = tmp_path / "study.toml"
    path.write_bytes(mark + TEXT.replace("\n", ends).encode(encoding))
    assert read_toml(path) == {"name": "tiny", "sizes": [20]}


def problems(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_toml(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("cp1252"), "is not text in UTF-8 (byte 5 is 0xf6)."),
        (b"\xff\xfen\x00a", "is not text in UTF-16"),
        (b'path = "C:\\Users\\me"', "write a path with '/' (\"C:/photos\") or in single quotes"),
        (b'path = "D:\\photos"', "write a path with '/' (\"C:/photos\") or in single quotes"),
        (b"a = " + b"[" * 5_000, "nested too deep."),
        (b"a = " + b"[" * 30 + b"]" * 30, "nested too deep."),
        (b"a = " + b"{a = " * 3_000, "nested too deep."),
        (b"a." * 20_000 + b"a = 1", "nested too deep."),
        (b"[" + b"a . " * 200_000 + b"a]", "nested too deep."),
        (b"[t]\n" + b"[t.t]" * 3, "is not TOML"),
        (b"# " + b"a" * 1_000_000 + b"\na = ", "is not TOML"),
        (b"seeds = " + b"9" * 5_000, "is a whole number of too many digits."),
        (b"a = [1, {b = " + b"9" * 30 + b"}]", "a[1].b: is a whole number of too many digits."),
        (b"# " + b"x" * (1 << 20), "has more than 1,048,576 bytes, and is no study file."),
        (b"name = 'a\x1b[2J'", "is not TOML: Found invalid character '\\x1b'"),
    ],
)
def test_what_no_study_is(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in problems(tmp_path, content)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no such device")
def test_a_device_is_not_read_for_ever() -> None:
    with pytest.raises(SpecError, match="has more than"):
        read_toml(Path("/dev/zero"))


SPELT = r"""[ ] { } " ' = . , # \ [[ ]] [a.b] "" nan inf -inf 1e400 1e-400 -1 0x 1_ 0 99999999999
1979-05-27 07:32:00 true {a={a={ ../ / name tasks \u0000 \ud800 \x00 C:\\ é 😀 [[[[[ [] {}"""
WORDS = (*SPELT.split(), "\n", "\x00", "\ufeff", "\x1b[2J", "9" * 30, "9" * 400, "a." * 40)
MANY = (pytest.mark.slow, pytest.mark.timeout(1_200))
NUMBERS, VALUES = re.compile(r"\d+(\.\d+)?"), re.compile(r"= *([^\n]+)")


def mutant(text: str, draw: random.Random) -> str:
    """The text with one to four changes, in its letters, words, lines or values."""
    for _ in range(draw.choice([1, 1, 2, 4])):
        first = draw.randrange(len(text) + 1)
        last = min(len(text), first + draw.choice([1, 2, 5, 20, 100]))
        kind = draw.randrange(7)
        if kind == 0:
            text = text[:first] + text[last:]
        elif kind == 1:
            text = text[:first] + draw.choice(WORDS) + text[first:]
        elif kind == 2:
            text = text[:first] + text[first:last] * draw.choice([2, 3, 50]) + text[last:]
        elif kind == 3:
            text = text[:first] + chr(draw.choice([0, 9, 127, 0x2028, 0x1F600])) + text[last:]
        elif kind == 4:
            lines = text.split("\n")
            draw.shuffle(lines)
            text = "\n".join(lines)
        else:
            places = list((NUMBERS if kind == 5 else VALUES).finditer(text))
            if places:
                place = draw.choice(places)
                group = 0 if kind == 5 else 1
                text = text[: place.start(group)] + draw.choice(WORDS) + text[place.end(group) :]
    return text


@pytest.mark.parametrize(
    "num", [pytest.param(60, id="some"), pytest.param(2_000, id="many", marks=MANY)]
)
def test_mutants_are_studies_or_refused(tmp_path: Path, num: int) -> None:
    draw = random.Random(num)
    tiny = write_study(tmp_path / "tiny.toml", tiny_table()).read_text(encoding="utf-8")
    written = [path.read_text("utf-8") for path in recipes().values()]
    texts = [tiny.replace(", ", ",\n"), *written]
    if num < 100:  # libraries of networks take seconds to import
        texts = [text for text in texts if "timm:" not in text]
    path = tmp_path / "mutant.toml"
    for _ in range(num):
        path.write_text(mutant(draw.choice(texts), draw), encoding="utf-8", errors="replace")
        try:
            flow.load(str(path))
        except HeadstartError:
            continue
        except BaseException:
            print(path.read_text(encoding="utf-8"), file=sys.stderr)
            raise
