"""The page is one file that loads nothing, lies about nothing and survives hostile names."""

import base64
import io
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from analyses import ARMS, CUTS, FAMILIES, FIGURES, SIZES, SUMMARY, analysis
from leak_reports import LEAKS, NO_LEAKS, SHADES
from PIL import Image

from headstart.analyse.analysis import Analysis
from headstart.report.html import page, write_html

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)>{{ 7*7 }}'
VOID = {"meta", "br", "hr", "img", "wbr", "link", "input"}

CASES = {
    "plain": analysis(),
    "one seed": analysis(num_seeds=1),
    "gaps": analysis(
        missing=[("full", "50", seed) for seed in range(5)],
        absent=[("probe", "10%"), ("scratch", "100")],
    ),
    "invalid": analysis(invalid=True),
    "no comparison": analysis(compared=False),
    "one arm": analysis(arms=["scratch"]),
    "many arms": analysis(arms=[*ARMS, *(f"freeze_{cut}" for cut in range(9))], sizes=SIZES[:2]),
    "several pairs": analysis(pairs=[("letters", "digits"), ("fashion", "digits")]),
    "hostile": analysis(
        arms=["scratch", HOSTILE, "e" + HOSTILE],
        pairs=[(HOSTILE, "digits")],
        sizes=[(HOSTILE, 50)],
        study=HOSTILE,
        question=HOSTILE,
        failures=[HOSTILE],
    ),
    "full": analysis(
        arms=[*ARMS, "label_map"],
        swept=FAMILIES,
        published=FIGURES,
        note="Cut from the training part.",
    ),
    "sweep with gaps": analysis(
        num_seeds=1,
        swept=("AnB", "BnB"),
        swept_at=("50", "100"),
        absent=[("AnB@stem", "50")],
        pairs=[("letters", "digits"), ("fashion", "digits")],
    ),
    "hostile cuts": analysis(swept=("AnB",), cuts=[HOSTILE, HOSTILE + "2"], note=HOSTILE),
    "no validation": analysis(validated=False, sizes=SIZES[:1]),
    "nothing": analysis(arms=[], pairs=[]),
    "leaks": replace(analysis(), leaks=(LEAKS,)),
    "no leaks": replace(analysis(), leaks=(NO_LEAKS,)),
    "hostile leaks": replace(
        analysis(),
        leaks=(replace(LEAKS, source=HOSTILE, common_classes=(HOSTILE,)), NO_LEAKS),
    ),
}


@cache  # drawing takes about a second
def page_of(given: Analysis) -> str:
    return page(given, SUMMARY)


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
    assert all(load.startswith(("#", "data:image/png;base64,")) for load in read.loads)
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


def test_verdict_stands_before_figures_and_repeat_stands_last() -> None:
    given = analysis()
    text = page_of(given)
    titles = ("Results", "Every seed", "Learning curves", "Protocol", "Tasks", "Environment")
    parts = [given.headline, given.detail[0], "<figure", *(f"<h2>{title}<" for title in titles)]
    parts.append(SUMMARY.command)
    places = [text.index(part.replace("'", "&#39;")) for part in parts]
    assert places == sorted(places)
    assert "not adjusted for the number of comparisons (16)" in text
    assert "CC BY-SA 3.0" in text


def test_first_screen_says_what_withholds_the_verdict() -> None:
    first = page_of(CASES["invalid"]).split("<figure")[0]
    assert "Verdicts are withheld where the protocol failed" in first
    assert "1 gate failed" in first
    assert "Hollow mark: the verdict is withheld." in page_of(CASES["invalid"])


def test_first_screen_says_what_is_missing() -> None:
    assert "Incomplete: 85 of 100 trials" in page_of(CASES["gaps"]).split("<figure")[0]
    assert "One seed only" in page_of(CASES["one seed"]).split("<figure")[0]
    assert "Nothing was compared" in page_of(CASES["no comparison"]).split("<figure")[0]


def test_one_seed_claims_no_interval() -> None:
    text = page_of(CASES["one seed"])
    assert "no interval can be given" in text
    assert "±" not in text.replace("mean ± sd", "").replace("±1 pp", "")


def test_gates_say_their_state_in_words() -> None:
    text = page_of(analysis())
    assert text.count("</span> passed</span>") == 3
    assert text.count("</span> not met</span>") == 1
    assert "</span> failed</span>" in page_of(CASES["invalid"])


def test_a_finer_margin_is_shown_with_two_decimals() -> None:
    given = analysis()
    fine = replace(given, comparisons=tuple(replace(c, margin_pp=0.25) for c in given.comparisons))
    assert "±0.25 pp" in page_of(fine)
    control = given.arms[0]
    assert f"{100 * control.mean:.2f} ± {100 * (control.sd or 0):.2f}" in page_of(fine)


def section(text: str, title: str) -> str:
    """The section of a page under a title, or nothing."""
    _, _, rest = text.partition(f"<h2>{title}</h2>")
    return rest.split("</section>")[0]


def test_published_figures_stand_beside_those_of_the_study() -> None:
    text = page_of(CASES["full"])
    shown = section(text, "Published figures")
    cells = re.findall(r'<td class="num">([^<]*)</td>', shown)
    assert cells == ["0.9963", "0.9971", "0.9966", "600,165", "", "600,165", "", "12.3 s", ""]
    assert "Keras 3 run once on a 2-core machine" in shown
    assert "headstart: mean over 5 seeds." in shown
    assert text.index("<h2>Results") < text.index("<h2>Published") < text.index("<h2>Every seed")
    assert not section(page_of(analysis()), "Published figures")


def test_source_runs_and_notes_stand_with_the_tasks() -> None:
    shown = section(page_of(CASES["full"]), "Tasks")
    assert "Source and target accuracies are not comparable" in shown
    assert "3,000" in shown
    assert "21 s" in shown
    assert shown.count("Cut from the training part.") == 1  # two tasks, one data set


def test_the_change_in_errors_stands_beside_the_verdict_unless_withheld() -> None:
    given = CASES["plain"]
    full = next(c for c in given.comparisons if c.arm == "full")
    assert full.error_reduction is not None
    assert f"errors −{100 * full.error_reduction:.0f} %" in page_of(given)  # noqa: RUF001
    assert "errors" not in section(page_of(CASES["invalid"]), "Results")


def test_shared_images_are_counted_and_shown_side_by_side() -> None:
    shown = section(page_of(CASES["leaks"]), "Images that two parts share")
    assert "9 of 1,000 test images of &#39;digits&#39; left out as copies" in shown
    row = shown.split("<tbody>")[1].split("</tr>")[0]
    cells = re.findall(r'<td class="num">([^<]*)</td>', row)
    assert cells == ["1,000 with 6,000", "2", "1", "6"]
    assert "4 carry another target label" in shown
    assert "near, 0.9931" in shown
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]*)"', shown)
    assert len(pictures) == 2
    for drawn, values in zip(pictures, SHADES, strict=True):
        image = Image.open(io.BytesIO(base64.b64decode(drawn)))
        assert np.asarray(image).tobytes() == values
    none = section(page_of(CASES["no leaks"]), "Images that two parts share")
    assert "No test image of &#39;digits&#39; is a copy" in none
    assert none.count("not looked for") == 2
    assert "<img" not in none


def test_what_trains_nothing_has_no_cost() -> None:
    row = section(page_of(CASES["full"]), "Results").split("label_<wbr>map")[1].split("</tr>")[0]
    assert "nothing trained" in row
    assert row.count('<td class="num">–</td>') == 2  # noqa: RUF001


def test_the_sweep_has_its_own_section_and_is_in_no_other() -> None:
    text = page_of(CASES["full"])
    shown = section(text, "Where generality ends")
    assert text.index("<h2>Every seed") < text.index("<h2>Where") < text.index("<h2>Learning")
    assert "Test accuracy at 50 images" in shown
    assert "BnB+: target itself, trained on" in shown
    assert "scratch: control, with a band of ± sd" in shown
    assert shown.count("@<wbr>") == len(FAMILIES) * len(CUTS)
    assert text.count("@<wbr>") == shown.count("@<wbr>")
    assert "6 and 25 of the cut sweep" in text
    assert "Where generality ends" not in page_of(analysis())


def test_an_arm_with_images_of_its_own_number_says_so() -> None:
    given = analysis(sizes=SIZES[:1])
    arms = tuple(replace(r, num_images=20) if r.arm == "full" else r for r in given.arms)
    shown = section(page(replace(given, arms=arms), SUMMARY), "Results")
    assert shown.count("<small>on 20 images</small>") == 1
    assert "on 50 images" not in shown


def test_a_study_without_validation_says_so() -> None:
    shown = section(page_of(CASES["no validation"]), "Learning curves")
    assert "No validation accuracy was recorded" in shown


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, headstart.report.html, headstart.report.terminal, headstart.report.figures\n"
        "heavy = {'torch', 'altair', 'vl_convert', 'jinja2', 'rich', 'pandas', 'scipy'}\n"
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
