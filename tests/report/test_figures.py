"""The figures show every seed, keep one look an arm, and are readable without seeing them."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from analyses import ARMS, CUTS, FAMILIES, SIZES, SUMMARY, analysis
from benefits import with_benefits

from headstart.analyse.analysis import Analysis
from headstart.report.figures.accuracy_by_cost import cost_figure
from headstart.report.figures.accuracy_by_cut import CUTS_WIDE, cuts_figure
from headstart.report.figures.chart import MOST_SEEDS, NARROW, WIDE
from headstart.report.figures.class_gains import MOST, classes_figure
from headstart.report.figures.gain_by_size import gain_figure
from headstart.report.figures.labels_saved import labels_figure
from headstart.report.figures.learning_curves import curve_arms, curves_figure
from headstart.report.figures.palette import arm_styles
from headstart.report.figures.seed_pairs import pairs_figure
from headstart.report.figures.svg import FONT, Scale
from headstart.report.html.page import page
from headstart.report.rows import TaskPair, pairs_of, sizes_of
from headstart.report.sweep import sweeps_of

LETTERS = TaskPair(source="letters", target="digits")


def drawings(given: Analysis) -> list[str]:
    return [
        drawing
        for pair in pairs_of(given)
        for drawing in (
            gain_figure(given, pair),
            gain_figure(given, pair, NARROW),
            *curves_figure(given, pair),
            *pairs_figure(given, pair),
            *labels_figure(given, pair),
            cost_figure(given, pair, NARROW),
            *classes_figure(given, pair),
            *(
                cuts_figure(given, pair, sweep, width)
                for sweep in sweeps_of(given, pair)
                for width in (CUTS_WIDE, NARROW)
            ),
        )
    ]


def test_drawings_are_whole_titled_and_shrink() -> None:
    for drawing in drawings(with_benefits(analysis(swept=FAMILIES))):
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.get("viewBox")
        assert "max-width:100%" in (root.get("style") or "")
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert title.text


def test_no_drawing_is_wider_than_asked_and_no_letter_too_small() -> None:
    for given in (analysis(), analysis(arms=["scratch", "a" * 80], sizes=[("50", 50)])):
        for drawing in [gain_figure(given, LETTERS, NARROW), *pairs_figure(given, LETTERS)]:
            root = ElementTree.fromstring(drawing)
            assert float(root.get("width") or 0) <= NARROW
            assert float(root.get("font-size") or 0) == FONT
            assert not root.findall(".//*[@font-size]")


def marks(drawing: str, kind: str) -> list[str]:
    """The marks of a kind in a drawing."""
    return re.findall(rf'<path class="{kind}".*?(?:/>|</path>)', drawing)


def test_one_drawing_a_size() -> None:
    assert len(curves_figure(analysis(), LETTERS)) == len(SIZES)
    assert len(pairs_figure(analysis(), LETTERS)) == len(SIZES)


def test_every_seed_is_a_dot_and_every_mean_a_mark() -> None:
    compared = (len(ARMS) - 1) * len(SIZES)
    drawing = gain_figure(analysis(), LETTERS)
    assert len(marks(drawing, "seed")) == 5 * compared
    assert len(marks(drawing, "mean")) == compared


def test_both_intervals_are_drawn_where_there_are_two() -> None:
    given = analysis(sizes=SIZES[:1], arms=ARMS[:2])
    (comparison,) = given.comparisons
    assert comparison.low_pp is not None
    assert comparison.high_pp is not None
    narrow = comparison.low_pp + 1, comparison.high_pp - 1
    within = replace(comparison, low95_pp=narrow[0], high95_pp=narrow[1])
    thick = 'stroke-width="3.6"'
    assert thick not in gain_figure(given, LETTERS)
    assert gain_figure(replace(given, comparisons=(within,)), LETTERS).count(thick) == 1


def test_many_sizes_are_numbered_in_few_letters() -> None:
    many = [(str(n), n) for n in (10, 20, 50, 100, 200, 500, 1000, 12_500)]
    assert ">12,500<" in gain_figure(analysis(sizes=many, arms=ARMS[:2]), LETTERS)
    assert ">12.5k<" in gain_figure(analysis(sizes=many, arms=ARMS[:2]), LETTERS, NARROW)


def test_of_many_seeds_the_first_are_drawn_and_the_number_is_said() -> None:
    seeds = MOST_SEEDS + 2
    given = analysis(sizes=[("50", 50)], num_seeds=seeds)
    gains = gain_figure(given, LETTERS, NARROW)
    (pairs,), (curves,) = pairs_figure(given, LETTERS), curves_figure(given, LETTERS)
    for drawing, kind, arms in (
        (gains, "seed", len(ARMS) - 1),
        (pairs, "seed", len(ARMS) - 1),
        (curves, "checkpoint", len(ARMS)),
    ):
        assert len(marks(drawing, kind)) == arms * MOST_SEEDS
        assert drawing.count(f"; {MOST_SEEDS} of {seeds} seeds") == 2  # in sight and in words
    assert " of 40 seeds" not in gain_figure(analysis(num_seeds=MOST_SEEDS), LETTERS)


def test_one_seed_is_said_to_have_no_interval() -> None:
    drawing = gain_figure(analysis(num_seeds=1), LETTERS)
    assert "no interval" in drawing
    assert not marks(drawing, "seed")


def test_every_pair_is_a_line_from_the_control_to_the_arm() -> None:
    given = analysis(sizes=SIZES[:1], missing=[("full", "50", 3)])
    (drawing,) = pairs_figure(given, LETTERS)
    pairs = 5 * (len(ARMS) - 1) - 1
    assert len(marks(drawing, "seed")) == len(marks(drawing, "base")) == pairs
    assert drawing.count('opacity="0.65"') == pairs
    full = next(r for r in given.arms if r.arm == "full")
    control = next(r for r in given.arms if r.arm == "scratch")
    said = f"full, seed 0: {100 * full.test_accuracy[0]:.2f} %, "
    assert f"{said}scratch {100 * control.test_accuracy[0]:.2f} %" in drawing


def test_without_comparison_every_seed_is_there_alone() -> None:
    (drawing,) = pairs_figure(analysis(sizes=SIZES[:1], compared=False), LETTERS)
    assert len(marks(drawing, "seed")) == 5 * len(ARMS)
    assert not marks(drawing, "base")


def test_no_gain_stands_beside_pairs_whose_verdict_is_withheld() -> None:
    (drawing,) = pairs_figure(analysis(sizes=SIZES[:1], invalid=True), LETTERS)
    assert drawing.count("verdict withheld") == len(ARMS) - 1


def test_labels_are_arrows_to_where_the_control_does_as_well() -> None:
    drawings = labels_figure(with_benefits(analysis()), LETTERS)
    assert len(drawings) == 3
    assert all(len(marks(drawing, "control")) == len(SIZES) for drawing in drawings)
    shown = "".join(drawings)
    assert 'stroke-dasharray="4 3"' in shown  # a bound only
    assert labels_figure(analysis(), LETTERS) == ()
    assert labels_figure(with_benefits(analysis(sizes=SIZES[:1])), LETTERS) == ()


def test_cost_holds_the_source_run() -> None:
    given = with_benefits(analysis())
    drawing = cost_figure(given, LETTERS, WIDE)
    full = next(r for r in given.arms if r.arm == "full")
    assert f"full, 50 images: {full.mean_percent:.2f} %, 1.03 T operations" in drawing
    assert "random_trunk" not in drawing
    assert cost_figure(analysis(), LETTERS, WIDE) == ""


def test_of_many_classes_those_with_the_largest_gains_are_drawn() -> None:
    given = with_benefits(analysis(sizes=SIZES[:1]))
    one = given.class_gains[0]
    many = [replace(one, class_name=f"class {n}", gain_pp=float(n % 40)) for n in range(90)]
    (drawing,) = classes_figure(replace(given, class_gains=tuple(many)), LETTERS)
    assert len(marks(drawing, "mean")) == MOST
    assert ">class 39<" in drawing
    assert ">class 0<" not in drawing


def test_a_drawing_of_classes_names_its_size_as_the_tables_do() -> None:
    drawings = classes_figure(with_benefits(analysis()), LETTERS)
    assert [re.findall(r'font-weight="600">(.*?)</text>', drawing) for drawing in drawings] == [
        ["50 images"], ["100 images"], ["600 images, 10%"], ["6,000 images, all"],
    ]  # fmt: skip


def test_ticks_are_round_and_within() -> None:
    assert Scale(low=-3, high=7, start=0, end=1).ticks() == (-2, 0, 2, 4, 6)
    assert Scale(low=30, high=10_200, start=0, end=1, log=True).ticks(4) == (100, 1000, 10000)
    assert Scale(low=5, high=5, start=0, end=10)(5) == 5
    assert Scale(low=1, high=100, start=0, end=10, log=True)(10) == 5
    assert Scale(low=1, high=3, start=0, end=20).apart((1, 1.5, 2, 3), 8) == (1, 2, 3)


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
    assert len(marks(drawing, "seed")) == 5 * points
    assert len(marks(drawing, "mean")) == points
    assert drawing.count('stroke-dasharray="6 4"') == 1
    assert drawing.count('opacity="0.16"') == 1
    assert all(f">{cut}<" in drawing for cut in CUTS)


def test_a_sweep_with_gaps_and_one_seed_is_drawn() -> None:
    gaps = [("AnB@neck", "50"), ("scratch", "50")]
    drawing = swept_drawing(analysis(num_seeds=1, swept=("AnB", "BnB"), absent=gaps))
    assert len(marks(drawing, "mean")) == 2 * len(CUTS) - 1
    assert not marks(drawing, "seed")
    assert "stroke-dasharray" not in drawing
    assert 'opacity="0.16"' not in drawing


def test_names_of_cuts_that_look_alike_give_way_to_numbers() -> None:
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
    assert pairs_figure(swept, LETTERS) == pairs_figure(plain, LETTERS)
    assert curves_figure(swept, LETTERS) == curves_figure(plain, LETTERS)
    assert arm_styles(swept) == arm_styles(plain)


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
    few, all_arms = arm_styles(analysis(arms=ARMS[:3])), arm_styles(analysis())
    assert all(all_arms[arm] == look for arm, look in few.items())
    assert "--arm-0" in all_arms["scratch"].colour
    many = arm_styles(analysis(arms=["scratch", *(f"arm {number}" for number in range(20))]))
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


def test_long_names_are_shortened_beside_their_gain_and_differ_by_colour() -> None:
    arms = ["scratch", "a" * 40 + "1" + "b" * 40, "a" * 40 + "2" + "b" * 40]
    (drawing,) = pairs_figure(analysis(arms=arms, sizes=SIZES[:1]), LETTERS)
    assert len(re.findall(r">a+…b+<", drawing)) == 2
    assert "var(--arm-1" in drawing
    assert "var(--arm-2" in drawing
