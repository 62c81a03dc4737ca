"""The terminal report fits its width, says every verdict in words and hides no gap."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Literal

import pytest
from analyses import ARMS, CUTS, FAMILIES, FIGURES, SIZES, SUMMARY, analysis
from benefits import with_benefits
from leak_reports import LEAKS, NO_LEAKS
from rich.console import Console

from headstart.analyse.analysis import Analysis, AttributionNote, Strictness, known
from headstart.report.notes import FROM_PYTHON
from headstart.report.terminal.study import print_report

LONG = "full_with_a_rather_long_name_that_somebody_gave_it_in_a_hurry_"


def printed(
    given: Analysis, width: int = 80, html: Path | None = None, colour: bool = False
) -> str:
    text = StringIO()
    system: Literal["truecolor"] | None = "truecolor" if colour else None
    console = Console(file=text, width=width, force_terminal=colour, color_system=system)
    print_report(given, SUMMARY, console, html)
    return text.getvalue()


CASES = {
    "plain": analysis(),
    "one seed": analysis(num_seeds=1),
    "gaps": analysis(
        missing=[("full", "50", 3)], absent=[("probe", "10%")], failures=["full: " + "x" * 200]
    ),
    "invalid": analysis(invalid=True),
    "no comparison": analysis(arms=["scratch"]),
    "many arms": analysis(arms=[*ARMS, "gradual", "discriminative", "freeze_3"]),
    "long names": analysis(
        arms=["scratch", f"{LONG}a", f"{LONG}b"],
        pairs=[("letters", "digits"), ("fashion", "digits")],
    ),
    "worth": with_benefits(analysis()),
    "worth of two pairs": with_benefits(
        analysis(pairs=[("letters", "digits"), ("fashion", "digits")])
    ),
    "full": analysis(arms=[*ARMS, "label_map"], swept=FAMILIES, published=FIGURES),
    "long cuts": analysis(
        swept=FAMILIES, cuts=[f"{LONG}{number}" for number in range(16)], swept_at=("50", "10%")
    ),
    "nothing": analysis(arms=[], pairs=[]),
    "leaks": replace(analysis(), leaks=(replace(LEAKS, source=LONG), NO_LEAKS)),
}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_no_line_is_longer_than_the_terminal(case: Analysis, width: int) -> None:
    for line in printed(case, width, Path("report.html")).splitlines():
        assert len(line) <= width, line


def test_order_is_headline_caveats_table_and_how_to_repeat() -> None:
    given = analysis()
    text = printed(given, 120, Path("report.html"))
    places = [
        text.index(part)
        for part in (
            given.headline,
            "What could change this answer:",
            "One learning rate for all arms",
            "Right answers in 100 test images",
            "Page, to read on",
            "headstart predict",
            "Target data",
            "not adjusted",
            "131 steps run",
        )
    ]
    assert places == sorted(places)
    assert "Page, to read on: report.html" in text
    assert "Repeat: headstart run study.toml" in text


def test_rows_hold_accuracy_gain_interval_and_verdict() -> None:
    row = next(line for line in printed(analysis()).splitlines() if "random_trunk" in line)
    assert "63.7 ± 1.8" in row
    assert "-22.6 [-24.9, -20.3]" in row
    assert row.rstrip().endswith("▼ hurts")


def test_cost_is_shown_where_there_is_room() -> None:
    assert "Updates" not in printed(analysis(), 80)
    assert "Updates" in printed(analysis(), 120)


def test_without_colour_there_are_no_escapes_and_with_it_there_are() -> None:
    assert "\x1b" not in printed(analysis())
    assert "\x1b" in printed(analysis(), colour=True)


def test_gaps_are_said() -> None:
    text = printed(CASES["gaps"], 120)
    assert "Incomplete: 94 of 100 trials" in text
    assert "4 of 5 seeds" in text
    assert "no result" in text
    assert "1 failure:" in text


def test_one_seed_has_neither_spread_nor_interval() -> None:
    text = printed(CASES["one seed"], 120)
    assert "One seed only" in text
    assert "no interval" in text
    assert "±" not in text


def test_withheld_verdicts_are_said_first_with_their_reason() -> None:
    text = printed(CASES["invalid"], 120)
    warning = "Verdicts are withheld where the protocol failed: 8 test images"
    assert text.index(warning) < text.index("Target data")
    assert "✕ invalid" in text


def test_not_enough_evidence_says_what_could_have_been_seen() -> None:
    text = " ".join(printed(analysis(arms=[*ARMS, "gradual"]), 120).split())
    assert "the gain that could have been seen, and about how many seeds might decide - " in text
    assert "gradual 2.4 pp, 12 seeds" in text
    given = analysis(arms=[*ARMS, "gradual"])
    wide = tuple(replace(c, detectable_pp=None) for c in given.comparisons)
    text = " ".join(printed(replace(given, comparisons=wide), 120).split())
    assert "gradual no gain, 12 seeds" in text
    one = " ".join(printed(CASES["one seed"], 120).split())
    assert "not enough evidence (all): One seed gives no interval." in one
    given = analysis(invalid=True)
    first, *others = given.comparisons
    few = replace(given, comparisons=(replace(first, why="Another."), *others))
    text = " ".join(printed(few, 120).split())
    assert "invalid (probe at 50; full at 50; probe_then_full at 50; random_trunk at 100" in text
    assert "random_trunk at 100 and 11 more): 8 test images" in text


def test_equal_sizes_of_several_pairs_stay_apart() -> None:
    pairs = [("letters", "digits"), ("fashion", "digits")]
    text = printed(analysis(pairs=pairs, sizes=SIZES[-1:]))
    first, second = text.split("fashion → digits", 1)
    assert "6,000 images" in first
    assert "12,000 images" in second


def test_names_are_no_markup_and_steer_no_terminal() -> None:
    text = printed(analysis(arms=["scratch", "[red]a[/red]", "b\x1b[2Jc"]))
    assert "[red]a[/red]" in text
    assert "\x1b" not in text


def test_published_figures_are_a_table_after_the_results() -> None:
    lines = printed(CASES["full"]).splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("Figure"))
    assert lines[head].split() == ["Figure", "Published", "Keras", "here", "headstart"]
    assert lines[head + 2].split()[-3:] == ["0.9963", "0.9971", "0.9966"]
    assert lines[head + 3].split() == ["parameters", "trained", "600,165", "600,165"]
    assert lines[head + 4].split() == ["training", "time", "12.3", "s"]
    assert "Keras 3 run once on a 2-core machine" in lines[head + 5]
    assert head > max(i for i, line in enumerate(lines) if "label_map  " in line)
    assert "Published" not in printed(analysis())


def test_source_runs_are_a_line_each() -> None:
    assert "source run (letters): 98.1 ± 0.1 % on its own test images" in printed(analysis())


def test_the_sweep_is_a_matrix_of_its_own() -> None:
    text = printed(CASES["full"])
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("Cut after"))
    assert lines[head].split()[2:] == list(FAMILIES)
    assert [line.split()[0] for line in lines[head + 2 : head + 2 + len(CUTS)]] == list(CUTS)
    assert "@" not in text
    assert "Cut sweep" not in printed(analysis())


def test_what_trains_nothing_shows_no_cost() -> None:
    row = next(line for line in printed(CASES["full"], 120).splitlines() if "label_map" in line)
    assert row.split()[-2:] == ["–", "–"]  # noqa: RUF001


def test_an_arm_with_images_of_its_own_number_says_so() -> None:
    given = analysis(sizes=SIZES[:1])
    arms = tuple(replace(r, num_images=20) if r.arm == "full" else r for r in given.arms)
    text = printed(replace(given, arms=arms))
    assert text.count("on 20 images") == 1
    assert "on 50 images" not in text


def test_many_failures_are_cut_short() -> None:
    text = printed(analysis(failures=[f"failure number {number}" for number in range(9)]))
    assert "and 4 more" in text


def test_copies_left_out_are_reported_in_a_line() -> None:
    text = " ".join(printed(replace(analysis(), leaks=(LEAKS, NO_LEAKS)), 120).split())
    whom = "compared with all training images of 'letters' and 'digits'."
    assert f"9 of 1,000 test images of 'digits' left out as copies: {whom}" in text
    kinds = "equal, mirrored, turned, inverted or shifted"
    assert f"No {kinds} image was found for any test image of 'digits': {whom}" in text


def test_gains_are_put_down_to_something_once_for_all_places_that_read_alike() -> None:
    given = analysis()
    helped = [c for c in given.comparisons if c.verdict == "helps"][:2]
    hurt = next(c for c in given.comparisons if c.verdict == "hurts")
    notes = tuple(
        AttributionNote(
            arm=c.arm,
            size=c.size,
            num_images=known(c.num_images),
            source=c.source,
            target=c.target,
            reading="no better than shuffled: initial scale, not features",
        )
        for c in (*helped, hurt)
    )
    text = " ".join(printed(replace(given, attribution_notes=notes), 120).split())
    first, second = (f"{c.arm} with {c.num_images} images" for c in helped)
    assert f"- {first}; {second}: no better than shuffled: initial scale, not features." in text


def test_what_intervals_are_adjusted_for_is_said() -> None:
    given = analysis()
    family = tuple(
        replace(c, in_family=c.arm != "random_trunk", confidence=0.99375) for c in given.comparisons
    )
    text = " ".join(
        printed(
            replace(given, comparisons=family, strictness=Strictness(family_size=12, look=2)), 120
        ).split()
    )
    assert "99.38 % intervals over seeds and test images, for transfer arms adjusted" in text
    assert "their 12 comparisons (Holm), for other arms not adjusted, at look 2" in text


def test_what_transfer_is_worth_stands_under_the_verdicts() -> None:
    text = printed(with_benefits(analysis()), 140)
    assert text.index("helps") < text.index("What transfer is worth") < text.index("not adjusted")
    for said in (
        "Labels scratch needs: to do as well as the arm",
        "430 [300, 611]",
        "> 4,600 [4,600, …]",
        "< 50 […, 50]",
        "60 […, …]",
        "> 300 against 120",
        "5.16 M against 2.5 T",
        "50 images: forgotten of the source task (its own head, its test images): probe 0.0 pp, "
        "full +55.0 pp [+50.0, +60.0]",
    ):
        assert said in " ".join(text.split()), said


def test_what_validation_prefers_is_marked() -> None:
    text = printed(with_benefits(analysis()))
    assert len([line for line in text.splitlines() if line.startswith("full * ")]) == len(SIZES)
    said = "*: the arm to use: best on validation, of equals the cheapest."
    assert said in " ".join(text.split())
    assert "*" not in printed(analysis())


def test_what_a_caveat_says_is_said_once() -> None:
    given = analysis()
    tuned = next(gate for gate in given.gates if gate.id == "tuned")
    leaking = replace(tuned, id="CHK-01-leaks", message="9 images left out.")
    attributed = replace(
        given,
        detail=(f"Caveat: {tuned.message}", "A remark."),
        gates=(tuned, leaking),
        leaks=(LEAKS,),
    )
    text = " ".join(printed(attributed, 120).split())
    assert text.count(tuned.message) == 1
    assert "A remark." in text
    assert text.count("9 images left out.") == 1
    assert "left out as copies" not in text


def test_caveats_of_less_weight_are_counted_and_said_where() -> None:
    given = analysis()
    tuned = next(gate for gate in given.gates if gate.id == "tuned")
    small = tuple(
        replace(tuned, id=f"small {number}", could_turn=False, message=f"Small, {number}.")
        for number in range(2)
    )
    both = replace(given, gates=(*small, tuned))
    text = printed(both, 120, Path("report.html"))
    assert "2 more caveats of less weight: on the page, under 'What could be wrong'." in text
    assert "Small, 0." not in text
    assert text.index(tuned.message) < text.index("2 more caveats") < text.index("Details")
    command = "1 caveat of less weight, on a page: headstart report letters-to-digits --html FILE"
    assert command in printed(replace(given, gates=small[:1]), 120)
    assert "caveat" not in printed(replace(given, gates=()), 120)


def test_no_worth_no_table() -> None:
    assert "worth" not in printed(analysis(), 140)


def test_a_study_run_from_python_has_no_command_to_copy() -> None:
    out = StringIO()
    python = replace(SUMMARY, command="")
    print_report(analysis(), python, Console(file=out, width=120), None)
    assert "Repeat" not in out.getvalue()
    assert out.getvalue().endswith(f"{FROM_PYTHON}\n")
