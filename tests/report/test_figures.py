"""The figures show every seed, keep one look an arm, and are readable without seeing them."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from analyses import ARMS, CUTS, FAMILIES, SIZES, SUMMARY, analysis

from headstart.analyse.analysis import Analysis
from headstart.report.cut_figure import cuts_figure
from headstart.report.figures import (
    NARROW,
    WIDE,
    curve_arms,
    curves_figure,
    gain_figure,
    seeds_figure,
)
from headstart.report.html import page
from headstart.report.palette import looks
from headstart.report.rows import Pair, pairs_of, sizes_of
from headstart.report.sweep import sweeps_of

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
            *(
                cuts_figure(given, pair, sweep, width)
                for sweep in sweeps_of(given, pair)
                for width in (WIDE, NARROW)
            ),
        )
    ]


def test_drawings_are_whole_titled_and_shrink() -> None:
    for drawing in drawings(analysis(swept=FAMILIES)):
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


def swept_drawing(given: Analysis, width: int = NARROW) -> str:
    (sweep,) = sweeps_of(given, LETTERS)
    return cuts_figure(given, LETTERS, sweep, width)


def test_a_sweep_draws_every_seed_every_mean_and_the_control() -> None:
    drawing = swept_drawing(analysis(swept=FAMILIES))
    points = len(FAMILIES) * len(CUTS)
    marks = re.findall(r'<g class="mark-symbol[^"]*".*?</g>', drawing)
    assert [mark.count("<path") for mark in marks] == [5 * points, points]
    assert drawing.count('stroke-dasharray="6,4"') == 1
    assert drawing.count("mark-rect") == 1
    assert all(f">{cut}<" in drawing for cut in CUTS)


def test_a_sweep_with_gaps_and_one_seed_is_drawn() -> None:
    gaps = [("AnB@neck", "50"), ("scratch", "50")]
    drawing = swept_drawing(analysis(num_seeds=1, swept=("AnB", "BnB"), absent=gaps))
    marks = re.findall(r'<g class="mark-symbol[^"]*".*?</g>', drawing)
    assert sum(mark.count("<path") for mark in marks) == 2 * len(CUTS) - 1
    assert "stroke-dasharray" not in drawing
    assert "mark-rect" not in drawing


def test_names_of_cuts_that_cannot_be_told_apart_give_way_to_numbers() -> None:
    alike = [f"stage_{number}_with_a_long_name" for number in range(9)]
    drawing = swept_drawing(analysis(swept=("AnB",), cuts=alike))
    assert ">9<" in drawing
    assert "…" not in drawing


def test_a_sweep_is_at_every_size_that_has_one() -> None:
    sweeps = sweeps_of(analysis(swept=("AnB",), swept_at=("50", "10%")), LETTERS)
    assert [sweep.size for sweep in sweeps] == ["50", "10%"]
    assert sweeps_of(analysis(), LETTERS) == ()


def test_sweep_arms_are_in_no_other_figure() -> None:
    plain, swept = analysis(), analysis(swept=FAMILIES)
    assert gain_figure(swept, LETTERS) == gain_figure(plain, LETTERS)
    assert seeds_figure(swept, LETTERS) == seeds_figure(plain, LETTERS)
    assert curves_figure(swept, LETTERS) == curves_figure(plain, LETTERS)
    assert looks(swept) == looks(plain)


def test_sweep_arms_without_any_result_are_known_by_name() -> None:
    given = analysis(swept=("AnB",), absent=[("AnB@neck", "50")])
    rows = [row.arm for group in sizes_of(given, LETTERS) for row in group.rows]
    assert set(rows) == set(ARMS)


def test_arms_that_were_not_asked_for_are_left_out_once_all_is_done() -> None:
    given = analysis(absent=[("probe", "50")])
    assert "probe" in [row.arm for row in sizes_of(given, LETTERS)[0].rows]
    done = replace(given, num_trials=given.num_done)
    assert "probe" not in [row.arm for row in sizes_of(done, LETTERS)[0].rows]


def test_arms_without_curves_are_not_in_the_figure_of_curves() -> None:
    given = analysis(arms=["scratch", "full", "label_map"], sizes=SIZES[:1])
    assert curve_arms(given, LETTERS) == ("scratch", "full")
    assert len(curves_figure(given, LETTERS)) == 1
    assert curves_figure(analysis(validated=False), LETTERS) == ()


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
