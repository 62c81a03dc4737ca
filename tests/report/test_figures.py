"""The figures show every seed, keep one look an arm, and are readable without seeing them."""

import re
from xml.etree import ElementTree

from analyses import ARMS, SIZES, SUMMARY, analysis

from headstart.analyse.analysis import Analysis
from headstart.report.figures import NARROW, curves_figure, gain_figure, seeds_figure
from headstart.report.html import page
from headstart.report.palette import looks
from headstart.report.rows import Pair, pairs_of

LETTERS = Pair(source="letters", target="digits")


def drawings(given: Analysis) -> list[str]:
    return [
        drawing
        for pair in pairs_of(given)
        for drawing in (
            gain_figure(given, pair),
            gain_figure(given, pair, NARROW),
            *curves_figure(given, pair),
            *seeds_figure(given, pair),
        )
    ]


def test_drawings_are_whole_titled_and_shrink() -> None:
    for drawing in drawings(analysis()):
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.get("viewBox")
        assert "max-width:100%" in (root.get("style") or "")
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert title.text


def test_no_drawing_is_wider_than_asked() -> None:
    for given in (analysis(), analysis(arms=["scratch", "a" * 80], sizes=[("50", 50)])):
        for drawing in [gain_figure(given, LETTERS, NARROW), *seeds_figure(given, LETTERS)]:
            width = ElementTree.fromstring(drawing).get("width")
            assert float(width or 0) <= NARROW


def test_one_drawing_a_size() -> None:
    assert len(curves_figure(analysis(), LETTERS)) == len(SIZES)
    assert len(seeds_figure(analysis(), LETTERS)) == len(SIZES)


def test_every_seed_is_a_dot_and_every_mean_a_mark() -> None:
    compared = (len(ARMS) - 1) * len(SIZES)
    marks = re.findall(r'<g class="mark-symbol[^"]*".*?</g>', gain_figure(analysis(), LETTERS))
    counts = [mark.count("<path") for mark in marks]
    assert counts == [5 * compared, compared]


def test_withheld_verdicts_are_hollow() -> None:
    hollow = 'fill="var(--card, #ffffff)"'
    assert hollow not in gain_figure(analysis(), LETTERS)
    assert gain_figure(analysis(invalid=True), LETTERS).count(hollow) == 16


def test_an_arm_keeps_its_look_whatever_else_is_there() -> None:
    few, all_arms = looks(analysis(arms=ARMS[:3])), looks(analysis())
    assert all(all_arms[arm] == look for arm, look in few.items())
    assert "--arm-0" in all_arms["scratch"].colour
    many = looks(analysis(arms=["scratch", *(f"arm {number}" for number in range(20))]))
    assert len(set(many.values())) == 21


def test_no_comparison_no_gain_figure() -> None:
    assert gain_figure(analysis(compared=False), LETTERS) == ""


def test_colours_are_those_of_the_style_sheet() -> None:
    used = set(re.findall(r"var\((--[\w-]+)", " ".join(drawings(analysis(arms=[*ARMS, "a", "b"])))))
    sheet = page(analysis(), SUMMARY).split("</style>")[0]
    light, dark = sheet.split("@media screen")[:2]
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark


def test_long_names_that_begin_alike_stay_apart() -> None:
    arms = ["scratch", "a" * 40 + "1" + "b" * 40, "a" * 40 + "2" + "b" * 40]
    (drawing,) = seeds_figure(analysis(arms=arms, sizes=SIZES[:1]), LETTERS)
    labels = re.findall(r">(a+…b+[ \d]*)<", drawing)
    assert len(labels) == len(set(labels)) == 2
