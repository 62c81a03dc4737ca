"""HTML page: one file that loads nothing, is well-formed and escapes hostile names."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from analyses import SUMMARY, analysis
from pages import CASES, page_of

from headstart.analyse.analysis import Analysis
from headstart.report.html.page import page, write_html
from headstart.report.notes import FROM_PYTHON

VOID = {"meta", "br", "hr", "img", "wbr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, ids and loads of a page, and checks that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "srcset"):
                self.loads.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_page_is_whole_and_loads_nothing(case: Analysis) -> None:
    text = page_of(case)
    read = Reader(text)
    assert len(read.ids) == len(set(read.ids))
    assert not read.tags & {"script", "link", "iframe", "object", "image"}
    allowed = ("#", "data:image/png;base64,", "data:image/jpeg;base64,")
    assert all(load.startswith(allowed) for load in read.loads)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "NaN" not in text.replace("NonFinite", "")


def test_names_are_escaped() -> None:
    for text in (page_of(CASES["hostile"]), page_of(CASES["hostile cuts"])):
        assert "&lt;script&gt;" in text
        assert "<script" not in text
        assert "{{ 7*7 }}" in text


def test_same_analysis_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_html(analysis(), SUMMARY, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


PARTS = (
    "Verdicts",
    "What it is worth",
    "How sure it is",
    "Why",
    "What could be wrong",
    "Protocol, and how to repeat it",
)


@pytest.mark.parametrize("case", ["plain", "full", "several pairs", "nothing"])
def test_sections_are_in_order(case: str) -> None:
    given = CASES[case]
    text = page_of(given)
    assert re.findall(r"<h2>(.*?)</h2>", text) == list(PARTS)
    parts = [given.question, given.headline, *(f"<h2>{title}<" for title in PARTS)]
    parts.append(f"<code>{SUMMARY.command}")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_a_study_run_from_python_has_no_command_to_copy() -> None:
    text = page(analysis(), replace(SUMMARY, command=""))
    assert f"<p>{FROM_PYTHON}</p>" in text
    assert '<pre class="command">' not in text


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, headstart.report.html.page\n"
        "import headstart.report.terminal.study, headstart.report.figures.gain_by_size\n"
        "heavy = {'torch', 'jinja2', 'rich', 'pandas', 'scipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_page_of_the_same_analysis_is_left_alone_and_of_another_is_drawn_anew(
    tmp_path: Path,
) -> None:
    path = tmp_path / "page.html"
    shown, done = analysis(), SUMMARY
    write_html(shown, done, path)
    first = path.read_bytes()
    kept = path.stat().st_mtime_ns
    again = replace(done, steps_run=0, seconds=0.1)
    write_html(shown, again, path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, kept)
    write_html(replace(shown, headline="Another."), again, path)
    assert b"Another." in path.read_bytes()
    path.write_text("torn", encoding="utf-8")
    write_html(shown, done, path)
    assert path.read_bytes() == first
