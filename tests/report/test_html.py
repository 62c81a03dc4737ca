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
from worthy import worthy

from headstart.analyse.analysis import Analysis, Attribution, AttributionNote, Tuning
from headstart.report.html.page import page, write_html
from headstart.report.notes import FROM_PYTHON

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
    "worth": worthy(analysis()),
    "worth of one seed": worthy(analysis(num_seeds=1, validated=False, sizes=SIZES[:1])),
    "leaks": replace(analysis(), leaks=(LEAKS,)),
    "no leaks": replace(analysis(), leaks=(NO_LEAKS,)),
    "hostile leaks": replace(
        analysis(),
        leaks=(replace(LEAKS, source=HOSTILE, common_classes=(HOSTILE,)), NO_LEAKS),
    ),
}


@cache
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


PARTS = (
    "Verdicts",
    "What it is worth",
    "How sure it is",
    "Why",
    "What could be wrong",
    "Protocol, and how to repeat it",
)


@pytest.mark.parametrize("case", ["plain", "full", "several pairs", "nothing"])
def test_the_story_is_told_in_order(case: str) -> None:
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


def first_screen(text: str) -> str:
    return text.split("<main>")[1].split("</section>")[0]


def test_first_screen_holds_question_verdict_limits_and_picture() -> None:
    given = analysis()
    first = first_screen(page_of(given))
    places = [
        first.index(part)
        for part in (
            given.question,
            given.headline,
            "One learning rate for all arms",
            "5 seeds, 5 arms, 4 sizes, 100 of 100 trials done",
            "Gain over scratch by number of target images",
            "not adjusted for the number of comparisons (16)",
        )
    ]
    assert places == sorted(places)
    assert len(re.findall("<svg xmlns", first)) == 2  # wide, and for a phone


def test_every_seed_of_every_arm_is_there() -> None:
    given = analysis(missing=[("full", "50", 3)])
    shown = section(page_of(given), "How sure it is")
    for result in given.arms:
        for value in result.test_accuracy:
            assert f'<td class="num">{100 * value:.1f}</td>' in shown
    for comparison in given.comparisons:
        for gain in comparison.gains_pp:
            assert f">{gain:+.1f}<".replace("-", "\u2212") in shown
    assert shown.count('<span class="missing">missing</span>') == 1


def told_apart(given: Analysis) -> Analysis:
    """The analysis with plain intervals within those of the verdicts, transfer arms in a family."""
    return replace(
        given,
        family_size=12,
        comparisons=tuple(
            replace(
                c,
                low95_pp=c.low_pp + 0.2,
                high95_pp=c.high_pp - 0.2,
                in_family=c.arm != "random_trunk",
                confidence=0.95 if c.arm == "random_trunk" else 0.9925,
                p_value=0.0301,
                p_adjusted=None if c.arm == "random_trunk" else 0.0602,
                favourable=0.8,
            )
            for c in given.comparisons
            if c.low_pp is not None and c.high_pp is not None
        ),
    )


def test_the_reader_sees_which_interval_is_adjusted() -> None:
    text = page_of(told_apart(analysis()))
    verdicts = section(text, "Verdicts")
    assert verdicts.count("<small>99.25 %, adjusted</small>") == 12
    assert verdicts.count("<small>95 %, not adjusted</small>") == 4
    assert "Thick line: the plain 95 % interval, adjusted for nothing" in first_screen(text)
    hidden = section(text, "How sure it is").split("<details>", 1)[1]
    row = hidden.split("<tbody>")[1].split("</tr>")[2]
    assert re.findall(r">(0\.\d{3})<", row) == ["0.030", "0.060"]
    assert ">80<" in row
    assert "Thick line" not in page_of(analysis())


def test_no_gain_could_have_been_seen_where_only_an_impossible_one_could() -> None:
    given = analysis(arms=[*ARMS, "gradual"])
    wide = [replace(c, detectable_pp=228.1) for c in given.comparisons if c.arm == "gradual"]
    rest = [c for c in given.comparisons if c.arm != "gradual"]
    text = page_of(replace(given, comparisons=(*rest, *wide)))
    assert "no gain could have been seen; about 12 seeds might decide" in text
    assert "228.1 pp" not in text


def test_a_reason_is_short_in_the_table_and_whole_in_the_details() -> None:
    given = analysis(arms=[*ARMS, "gradual"])
    unsure = next(c for c in given.comparisons if c.verdict == "not enough evidence")
    text = page_of(given)
    assert "2.4 pp or more could have been seen; about 12 seeds might decide" in text
    assert unsure.why not in section(text, "Verdicts")
    assert unsure.why in section(text, "How sure it is")


def test_worth_is_drawn_and_told() -> None:
    shown = section(page_of(CASES["worth"]), "What it is worth")
    assert "430 [300, 611]" in shown
    assert "scratch needs</th>" in shown
    assert "50 → 430" in shown
    assert "50 → &gt; 4,600" in shown
    assert "Test accuracy against operations" in shown
    assert "best on validation is full" in shown
    assert "forgotten of the source task" in shown
    assert "+0.50 [+0.25, +0.75]" in shown
    none = section(page_of(analysis()), "What it is worth")
    assert "Labels and time" not in none
    assert "Learning curves" in none


def test_calibration_stands_beside_what_the_arm_gains_in_it() -> None:
    given = worthy(analysis(sizes=SIZES[:1]))
    arms = tuple(
        replace(r, ece=0.0212, nll=0.31, brier=0.1, balanced_accuracy=0.9) for r in given.arms
    )
    shown = section(page_of(replace(given, arms=arms)), "What it is worth")
    assert "Calibration: do the probabilities hold?" in shown
    assert shown.count('<td class="num">2.1</td>') == len(ARMS)
    assert "Calibration:" not in page_of(given)


def test_classes_that_gain_are_drawn_and_listed() -> None:
    shown = section(page_of(CASES["worth"]), "Which classes gain")
    assert "not adjusted for the number of classes" in shown
    assert "<b>+10.0</b> [+1.0, +19.0]" in shown
    assert shown.count("<svg xmlns") == len(SIZES)


def test_what_a_gain_may_be_put_down_to() -> None:
    given = analysis()
    helped = next(c for c in given.comparisons if c.verdict == "helps")
    place = {
        "arm": helped.arm,
        "size": helped.size,
        "source": helped.source,
        "target": helped.target,
    }
    against = Attribution(
        **place,
        control="random_trunk",
        role="random trunk",
        seeds=(0, 1),
        gain_pp=-1.0,
        low_pp=-2.0,
        high_pp=-0.5,
        confidence=0.95,
        verdict="hurts",
        why="",
        alike=True,
    )
    note = AttributionNote(**place, num_images=helped.num_images, reading="worse than a control")
    shown = section(
        page_of(replace(given, attributions=(against,), attribution_notes=(note,))), "Why"
    )
    assert f"{helped.arm} with {helped.num_images} images: worse than a control." in shown
    assert "<td>worse</td><td>yes</td>" in shown
    assert "cannot be put down to what the source learnt" in section(page_of(given), "Why")
    assert "No arm was shown to help" in section(page_of(CASES["one seed"]), "Why")


def test_rates_tried_are_bars_and_edges_are_flagged() -> None:
    tried = Tuning(
        source="letters",
        target="digits",
        size="50",
        arm="full",
        rates=(0.01, 0.1),
        validation_accuracy=(0.5, float("nan")),
        chosen=0.01,
        edge="low",
    )
    shown = section(page_of(replace(analysis(), tuning=(tried,))), "What could be wrong")
    assert '<li class="chosen"><span>0.01 ✓</span>' in shown
    assert "M0 0h30.0v6H0z" in shown
    assert "M0 0h0.0v6H0z" in shown
    assert "best at the low edge" in shown
    assert "Learning rates</h3>" not in page_of(analysis())


def test_first_screen_says_what_withholds_the_verdict() -> None:
    first = first_screen(page_of(CASES["invalid"]))
    assert "Verdicts are withheld where the protocol failed" in first
    assert "1 gate failed" in first
    assert "Hollow mark: the verdict is withheld." in page_of(CASES["invalid"])


def test_first_screen_says_what_is_missing() -> None:
    assert "Incomplete: 85 of 100 trials" in first_screen(page_of(CASES["gaps"]))
    assert "One seed only" in first_screen(page_of(CASES["one seed"]))
    assert "Nothing was compared" in first_screen(page_of(CASES["no comparison"]))


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
    """What stands under a title of the page, up to the next of its kind; or nothing."""
    _, _, rest = text.partition(f"<h2>{title}</h2>")
    if not rest:
        _, _, rest = text.partition(f"<h3>{title}</h3>")
        rest = rest.split("<h3>")[0]
    return rest.split("</section>")[0]


def test_published_figures_stand_beside_those_of_the_study() -> None:
    text = page_of(CASES["full"])
    shown = section(text, "Published figures")
    cells = re.findall(r'<td class="num">([^<]*)</td>', shown)
    assert cells == ["0.9963", "0.9971", "0.9966", "600,165", "", "600,165", "", "12.3 s", ""]
    assert "Keras 3 run once on a 2-core machine" in shown
    assert "headstart: mean over 5 seeds." in shown
    assert "Published figures" in section(text, "What could be wrong")
    assert not section(page_of(analysis()), "Published figures")


def test_source_runs_and_notes_stand_with_the_tasks() -> None:
    shown = section(page_of(CASES["full"]), "Protocol, and how to repeat it")
    assert "Source and target accuracies are not comparable" in shown
    assert "3,000" in shown
    assert "21 s" in shown
    assert shown.count("Cut from the training part.") == 1  # two tasks, one data set


def test_the_change_in_errors_stands_beside_the_verdict_unless_withheld() -> None:
    given = CASES["plain"]
    full = next(c for c in given.comparisons if c.arm == "full")
    assert full.error_reduction is not None
    assert f"errors −{100 * full.error_reduction:.0f} %" in page_of(given)  # noqa: RUF001
    assert "errors" not in section(page_of(CASES["invalid"]), "Verdicts")


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
    cost = page_of(CASES["full"]).split("What was trained, and for how long")[1]
    row = cost.split("label_<wbr>map")[1].split("</tr>")[0]
    assert "nothing trained" in row
    assert row.count('<td class="num">–</td>') == 2  # noqa: RUF001


def test_the_sweep_has_its_own_part_and_is_in_no_other() -> None:
    text = page_of(CASES["full"])
    shown = section(text, "Where generality ends")
    assert "Where generality ends" in section(text, "Why")
    assert "Test accuracy at 50 images" in shown
    assert "BnB+: target itself, trained on" in shown
    assert "scratch: control, with a band of ± sd" in shown
    assert shown.count("@<wbr>") == len(FAMILIES) * len(CUTS)
    assert text.count("@<wbr>") == shown.count("@<wbr>")
    assert "6 arms and 25 of the cut sweep" in text
    assert "Where generality ends" not in page_of(analysis())


def test_an_arm_with_images_of_its_own_number_says_so() -> None:
    given = analysis(sizes=SIZES[:1])
    arms = tuple(replace(r, num_images=20) if r.arm == "full" else r for r in given.arms)
    shown = section(page(replace(given, arms=arms), SUMMARY), "Verdicts")
    assert shown.count("<small>on 20 images</small>") == 1
    assert "on 50 images" not in shown


def test_a_study_without_validation_says_so() -> None:
    shown = section(page_of(CASES["no validation"]), "Learning curves")
    assert "No validation accuracy was recorded" in shown


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
