"""Sections of the HTML page: verdict, benefit, evidence, attribution, checks, protocol."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
from analyses import ARMS, CUTS, FAMILIES, SIZES, SUMMARY, analysis
from benefits import with_benefits
from leak_reports import SHADES
from pages import CASES, first_screen, page_of, section
from PIL import Image

from headstart.analyse.analysis import (
    Analysis,
    Attribution,
    AttributionNote,
    Strictness,
    Tuning,
    known,
)
from headstart.report.html.page import page


def test_first_screen_holds_question_answer_bars_and_what_to_do_next() -> None:
    given = analysis()
    first = first_screen(page_of(given))
    places = [
        first.index(part)
        for part in (
            given.question,
            given.headline,
            "What could change this answer",
            "One learning rate for all arms",
            "all verdicts on transfer together are held to an error of 5 %",
            "5 seeds, 5 arms, 4 sizes, 100 of 100 trials done",
            "Right answers in 100 test images",
            "from nothing",
            "headstart predict",
            "headstart export",
        )
    ]
    assert places == sorted(places)


def test_caveats_of_less_weight_are_folded_below_the_others() -> None:
    given = analysis()
    tuned = next(gate for gate in given.gates if gate.id == "tuned")
    small = replace(tuned, id="small", could_turn=False, message="The environment differs.")
    first = first_screen(page_of(replace(given, gates=(small, tuned))))
    before, folded = first.split('<details class="lesser">')
    assert tuned.message in before
    assert small.message not in before
    assert "<summary>1 more caveat of less weight</summary>" in folded
    assert small.message in folded.split("</details>")[0]
    alone = first_screen(page_of(replace(given, gates=(small,))))
    assert "<summary>1 caveat of less weight</summary>" in alone
    assert "What could change this answer" not in alone
    assert "lesser" not in first_screen(page_of(given))


def test_the_figure_of_gains_and_its_intervals_are_with_the_verdicts() -> None:
    verdicts = section(page_of(analysis()), "Verdicts")
    places = [
        verdicts.index(part)
        for part in (
            "Gain over scratch by number of target images",
            "not adjusted for the number of comparisons (16)",
        )
    ]
    assert places == sorted(places)
    assert len(re.findall("<svg xmlns", verdicts)) == 2  # wide, and for a phone


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


def with_evidence(given: Analysis) -> Analysis:
    """The analysis with plain intervals within those of the verdicts, transfer arms in a family."""
    return replace(
        given,
        strictness=Strictness(family_size=12),
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
    text = page_of(with_evidence(analysis()))
    verdicts = section(text, "Verdicts")
    assert verdicts.count("<small>99.25 %, adjusted</small>") == 12
    assert verdicts.count("<small>95 %, not adjusted</small>") == 4
    assert "Thick line: the plain 95 % interval, adjusted for nothing" in verdicts
    hidden = section(text, "How sure it is").split("<details>", 1)[1]
    row = hidden.split("<tbody>")[1].split("</tr>")[2]
    assert re.findall(r">(0\.\d{3})<", row) == ["0.030", "0.060"]
    assert ">80<" in row
    assert "Thick line" not in page_of(analysis())


def test_no_gain_could_have_been_seen_where_only_an_impossible_one_could() -> None:
    given = analysis(arms=[*ARMS, "gradual"])
    wide = [replace(c, detectable_pp=None) for c in given.comparisons if c.arm == "gradual"]
    rest = [c for c in given.comparisons if c.arm != "gradual"]
    text = page_of(replace(given, comparisons=(*rest, *wide)))
    assert "no gain could have been seen; about 12 seeds might decide" in text


def test_a_reason_is_short_in_the_table_and_whole_in_the_details() -> None:
    given = analysis(arms=[*ARMS, "gradual"])
    unsure = next(c for c in given.comparisons if c.verdict == "not enough evidence")
    text = page_of(given)
    assert "2.4 pp or more could have been seen; about 12 seeds might decide" in text
    assert unsure.why not in section(text, "Verdicts")
    assert unsure.why in section(text, "How sure it is")


def test_benefit_is_drawn_and_listed() -> None:
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
    given = with_benefits(analysis(sizes=SIZES[:1]))
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
    note = AttributionNote(
        **place, num_images=known(helped.num_images), reading="worse than a control"
    )
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
        seed=None,
        rates=(0.01, 0.1),
        validation_accuracy=(0.5, 0.0),
        finite=(True, False),
        chosen=0.01,
        edge="low",
    )
    shown = section(page_of(replace(analysis(), tuning=(tried,))), "What could be wrong")
    assert '<li class="chosen"><span>0.01 ✓</span>' in shown
    assert "M0 0h30.0v6H0z" in shown
    assert "M0 0h0.0v6H0z" in shown
    assert "best at the low edge" in shown
    assert shown.count(">diverged</small>") == 1
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
    assert f"{control.mean_percent:.2f} ± {100 * (control.sd or 0):.2f}" in page_of(fine)


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
    assert "/data/mnist-mini" in shown
    assert "28 x 28 pixels, grey, values from 0 to 255" in shown
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
    assert cells == ["1,000 with 6,000", "2", "1", "0", "6", "3"]
    assert "4 carry another target label" in shown
    assert "near, 0.9931" in shown
    assert "source training train/o/5.png: letter o" in shown
    assert "3 are like training images, but only as all images of their set" in shown
    assert "<details open>" in shown  # what is only similar is to be judged by eye
    first, second = ("train/o/9.png: letter o", "source validation image 2: letter q")
    assert f"<small>{first}</small><small>{second}</small>" in shown
    pictures = re.findall(r'<img src="data:image/png;base64,([^"]*)"', shown)
    assert len(pictures) == 3
    for drawn, values in zip(pictures, (*SHADES, SHADES[0]), strict=True):
        image = Image.open(io.BytesIO(base64.b64decode(drawn)))
        assert np.asarray(image).tobytes() == values
    none = section(page_of(CASES["no leaks"]), "Images that two parts share")
    kinds = "equal, mirrored, turned, inverted or shifted"
    assert f"No {kinds} image was found for any test image of &#39;digits&#39;" in none
    assert none.count("not looked for") == 4
    assert "<img" not in none
    assert "<details open>" not in none


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
