"""Verdicts on results of other programs: designs, refusals, sentences, and the page."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis, Comparison
from headstart.analyse.gates.given_gates import GIVEN_GATES
from headstart.analyse.gates.registry import GATES
from headstart.analyse.statistics import crossed
from headstart.core.errors import DataError
from headstart.flow import JudgeOptions, judge
from headstart.report.csv_tables import tables
from headstart.report.html.page import page
from headstart.report.run_summary import RunSummary
from result_files import ARMS, LABELS, answers_of, rows_of, written

SUMMARY = RunSummary(steps_run=0, steps_reused=0, seconds=1.0, command="headstart judge r.csv")


def judged(path: Path, rows: Any, **options: Any) -> Analysis:
    return judge(written(path / "r.csv", rows), JudgeOptions(**options)).analysis


def only(analysis: Analysis) -> Comparison:
    (comparison,) = analysis.comparisons
    return comparison


def failed(analysis: Analysis) -> Mapping[str, str]:
    return {gate.id: gate.message for gate in analysis.failed_gates("caveat")}


def test_the_usual_case_is_paired_by_seed_and_image(tmp_path: Path) -> None:
    analysis = judged(tmp_path, rows_of(ARMS))
    c = only(analysis)
    assert (c.basis, c.verdict, c.seeds) == ("seeds and images, both paired", "helps", (0, 1, 2, 3))
    assert analysis.headline.startswith("In these results frozen is right 9")
    assert ", scratch 6" in analysis.headline
    assert "pretrained" not in analysis.headline
    assert analysis.from_elsewhere
    assert set(failed(analysis)) == {"CHK-17"}


def test_budgets_and_tuning_are_caveats_that_say_not_known(tmp_path: Path) -> None:
    analysis = judged(tmp_path, rows_of(ARMS))
    unknown = {gate.id: gate.message for gate in analysis.unknown_gates}
    (budgets,) = (gate.good for gate in GATES if gate.id == "CHK-07")
    assert unknown["CHK-07"] == f"not known whether this holds: {budgets}"
    (line,) = (line for line in analysis.detail if line.startswith("Not known"))
    assert "'equal updates and data', 'learning rates tuned alike'" in line


def test_budgets_that_are_known_are_checked(tmp_path: Path) -> None:
    rows = [{**row, "updates": 100 + 50 * (row["arm"] == "frozen")} for row in rows_of(ARMS)]
    c = only(judged(tmp_path, rows))
    assert c.verdict == "invalid"
    assert c.why.startswith("CHK-07: unequal budgets at as given: frozen has 150 updates")
    equal = judged(tmp_path, rows_of(ARMS, updates=100))
    assert only(equal).verdict == "helps"
    assert "CHK-07" in {gate.id for gate in equal.gates if gate.passed}


def test_seeds_that_are_others_are_not_paired_and_that_is_said(tmp_path: Path) -> None:
    paired = only(judged(tmp_path, rows_of(ARMS)))
    rows = [{**row, "seed": row["seed"] + 7 * (row["arm"] == "frozen")} for row in rows_of(ARMS)]
    analysis = judged(tmp_path, rows)
    c = only(analysis)
    assert c.basis == "seeds and images, seeds not paired"
    assert (c.seeds, c.control_seeds, c.gains_pp) == ((7, 8, 9, 10), (0, 1, 2, 3), ())
    assert c.gain_pp == pytest.approx(paired.gain_pp)
    assert c.favourable is c.p_paired_t is None
    assert "no seed in common: seeds are not paired" in failed(analysis)["RES-pairs"]


def test_other_images_are_not_paired_and_intervals_are_wider(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    ease = random.uniform(size=200)

    def rows(others: bool) -> list[dict[str, Any]]:
        return [
            {"arm": arm, "seed": seed, "image": image + 200 * (others and arm == "full"),
             "label": 1, "answer": int(ease[image] + random.normal(0, 0.03) < level)}
            for arm, level in (("scratch", 0.7), ("full", 0.8))
            for seed in range(4) for image in range(200)
        ]  # fmt: skip

    same, other = (judged(tmp_path, rows(others)) for others in (False, True))
    widths = [c.high_pp - c.low_pp for c in map(only, (same, other))]  # type: ignore[operator]
    assert widths[1] > 2 * widths[0]
    assert only(other).basis == "seeds and images, not paired"
    assert "scratch on 200 images and full on 200 images" in failed(other)["RES-images"]


def test_images_that_some_runs_lack_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        row
        for row in rows_of(ARMS)
        if not (row["arm"] == "frozen" and row["seed"] == 2 and row["image"] in ("0.jpg", "5.jpg"))
    ]
    analysis = judged(tmp_path, rows)
    assert failed(analysis)["RES-images"] == (
        "2 images of 60 left out, such as '0.jpg', '5.jpg': some runs have no answer to them "
        "(frozen, seed 2 (2))."
    )


def test_seeds_of_an_arm_on_images_without_rhyme_are_refused(tmp_path: Path) -> None:
    rows = [{**row, "image": f"{row['arm']} {row['seed']} {row['image']}"} for row in rows_of(ARMS)]
    with pytest.raises(DataError, match="its runs were tested on different images"):
        judged(tmp_path, rows)


def test_one_run_each_is_about_these_two_models(tmp_path: Path) -> None:
    analysis = judged(tmp_path, rows_of(ARMS, seeds=[0]))
    c = only(analysis)
    assert (c.verdict, c.low_pp) == ("not enough evidence", None)
    assert c.p_mcnemar is not None
    assert "that is about these two models, and says nothing about the methods" in analysis.headline


def scores(arms: Mapping[str, tuple[float, ...]], **more: Any) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "seed": seed, "accuracy": score, **more}
        for arm, of_arm in arms.items()
        for seed, score in enumerate(of_arm)
    ]


SCORES = {"scratch": (0.80, 0.82, 0.81, 0.79, 0.80), "full": (0.85, 0.86, 0.87, 0.84, 0.84)}


def test_scores_alone_have_a_t_interval_over_seeds_and_say_so(tmp_path: Path) -> None:
    analysis = judged(tmp_path, scores(SCORES))
    c = only(analysis)
    gains = 100 * (np.array(SCORES["full"]) - SCORES["scratch"])
    half = 2.9985 * gains.std(ddof=1) / np.sqrt(5)  # t of 4 df at 96 %
    assert c.low_pp == pytest.approx(gains.mean() - half, abs=1e-3)
    assert c.high_pp == pytest.approx(gains.mean() + half, abs=1e-3)
    assert (c.basis, c.verdict) == ("seeds, paired", "helps")
    assert "Brackets are over seeds alone: that is about these test images" in analysis.headline
    assert "verdicts about these very test images" in failed(analysis)["RES-over"]


def test_a_page_of_scores_claims_nothing_of_other_test_images(tmp_path: Path) -> None:
    analysis = judged(tmp_path, scores(SCORES))
    shown = page(analysis, SUMMARY)
    assert "p: of the verdict's own test, over seeds alone." in html.unescape(shown)
    for text in (shown, *analysis.detail, analysis.headline):
        assert "seeds and test images" not in text
        assert "other test images" not in text


def test_brackets_are_explained_where_there_are_some(tmp_path: Path) -> None:
    def explained(rows: Any) -> bool:
        return any("brackets hold" in line for line in judged(tmp_path, rows).detail)

    assert explained(scores(SCORES))
    assert not explained(scores({"scratch": (0.8,), "full": (0.9,)}))


def test_scores_of_other_seeds_have_welchs_interval(tmp_path: Path) -> None:
    rows = scores({"scratch": SCORES["scratch"]}) + [
        {**row, "seed": row["seed"] + 10} for row in scores({"full": SCORES["full"]})
    ]
    c = only(judged(tmp_path, rows))
    own, other = (np.array(SCORES[arm]) for arm in ("full", "scratch"))
    error = np.sqrt(own.var(ddof=1) / 5 + other.var(ddof=1) / 5)
    df = error**4 / ((own.var(ddof=1) / 5) ** 2 / 4 + (other.var(ddof=1) / 5) ** 2 / 4)
    assert c.basis == "seeds, not paired"
    assert c.low_pp is not None
    assert 7 < df < 8
    assert (c.gain_pp - c.low_pp) / (100 * error) == pytest.approx(2.46, abs=0.06)


def test_folds_have_the_corrected_variance_of_nadeau_and_bengio(tmp_path: Path) -> None:
    rows = [{("fold" if n == "seed" else n): v for n, v in row.items()} for row in scores(SCORES)]
    analysis = judged(tmp_path, rows)
    plain, corrected = only(judged(tmp_path, scores(SCORES))), only(analysis)
    widths = [c.high_pp - c.low_pp for c in (plain, corrected)]  # type: ignore[operator]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt((1 / 5 + 1 / 4) / (1 / 5)))
    assert (corrected.basis, corrected.p_paired_t) == ("folds, paired", None)
    assert "the 5 folds of a cross-validation share" in failed(analysis)["RES-over"]


def test_answers_of_folds_are_judged_by_fold(tmp_path: Path) -> None:
    rows = [
        {"arm": arm, "fold": image % 5, "image": image, "label": LABELS[image], "answer": answer}
        for arm, accuracy in ARMS.items()
        for image, answer in enumerate(answers_of(arm, 3, accuracy))
    ]
    c = only(judged(tmp_path, rows))
    assert (c.basis, len(c.gains_pp)) == ("folds, paired", 5)


@pytest.mark.parametrize("more", [(0, 0, 0), (0, 0.0625, -0.0625)])  # exact in binary
def test_gains_that_never_differ_are_not_enough_evidence(
    more: tuple[float, ...], tmp_path: Path
) -> None:
    arms = {
        arm: tuple(score + one for one in more) for arm, score in (("scratch", 0.5), ("full", 0.75))
    }
    c = only(judged(tmp_path, scores(arms)))
    assert (c.verdict, c.low_pp) == ("not enough evidence", None)
    assert "the gain does not differ between seeds: there is no variance to judge by" in c.why


def test_a_copied_file_is_noticed(tmp_path: Path) -> None:
    rows = [
        {**row, "answer": copy["answer"]} if row["seed"] == 3 else row
        for row, copy in zip(rows_of(ARMS), [*list(rows_of(ARMS))[-60:] * 8], strict=True)
    ]
    rows = [r for r in rows if r["arm"] == "frozen" or r["seed"] != 3] + [
        {**r, "seed": 3} for r in rows if r["arm"] == "scratch" and r["seed"] == 2
    ]
    message = failed(judged(tmp_path, rows))["RES-copies"]
    assert "scratch, seed 2 and scratch, seed 3. Is one a copy of the other?" in message


def test_classes_that_labels_lack_are_named(tmp_path: Path) -> None:
    rows = [{**row, "answer": "emu"} if row["image"] == "3.jpg" else row for row in rows_of(ARMS)]
    assert failed(judged(tmp_path, rows))["CHK-12-classes"].startswith("class 'emu' of 'results'")


def test_the_control_is_named_or_known_by_its_name(tmp_path: Path) -> None:
    arms = {"resnet": 0.6, "vit": 0.9}
    with pytest.raises(DataError, match=r"which arm is the control\?\n     Arms: 'resnet', 'vit'"):
        judged(tmp_path, rows_of(arms))
    with pytest.raises(DataError, match=r"there is no arm 'vti'.[\s\S]*Did you mean 'vit'"):
        judged(tmp_path, rows_of(arms), control="vti")
    assert only(judged(tmp_path, rows_of(arms), control="vit")).verdict == "hurts"
    with pytest.raises(DataError, match="there is one arm only, 'scratch'"):
        judged(tmp_path, rows_of({"scratch": 0.6}))


def test_balanced_accuracy_takes_answers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="takes the answers to single images"):
        judged(tmp_path, scores(SCORES), metric="balanced_accuracy")


def test_validation_chooses_the_arm_of_the_headline(tmp_path: Path) -> None:
    arms = {"scratch": 0.6, "frozen": 0.9, "full": 0.8}
    every = judged(tmp_path, rows_of(arms))
    assert "(frozen: " in every.headline
    assert "(full: " in every.headline
    rows = [{**row, "val_acc": arms[row["arm"]]} for row in rows_of(arms)]
    chosen = judged(tmp_path, rows)
    assert "(full: " not in chosen.headline
    assert [c.arm for c in chosen.preferred] == ["frozen"]


def test_many_comparisons_are_counted_in_the_headline(tmp_path: Path) -> None:
    arms = {"scratch": 0.6, **{f"arm{number}": 0.9 for number in range(8)}}
    headline = judged(tmp_path, rows_of(arms)).headline
    assert "Of all 8 comparisons: " in headline
    assert headline.count("[") == 1


HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m"


def test_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    arms = {"=cmd|'/c calc'!A1": 0.6, HOSTILE: 0.9}
    rows = [{**row, "size": "<b>64</b>", "answer": HOSTILE} for row in rows_of(arms)]
    analysis = judged(tmp_path, rows, control="=cmd|'/c calc'!A1")
    shown = page(analysis, SUMMARY)
    assert "<script>" not in shown
    assert "<b>64" not in shown
    assert "\x1b" not in shown
    cells = [
        cell for _, table in tables(analysis).values() for row in table for cell in row.values()
    ]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_the_page_says_what_it_does_not_know(tmp_path: Path) -> None:
    rows = [
        {**row, **{f"p_{c}": 0.8 if c == row["answer"] else 0.1 for c in ("cat", "dog", "owl")}}
        for row in rows_of(ARMS, size=200)
    ]
    shown = page(judged(tmp_path, rows), SUMMARY)
    for part in (
        "results judged by headstart",
        "of headstart's own trainings, not known of these",
        "Calibration: do the probabilities hold?",
        "a gain cannot be put down to anything",
        "200 images",
    ):
        assert part in shown
    absent = ("Learning curves", "pretrained (", "What transfer is worth", ">from nothing<")
    for part in absent:
        assert part not in shown


def test_the_page_of_checks_has_those_of_results() -> None:
    text = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| RES-")]
    assert [tuple(cell.strip() for cell in row[:3]) for row in rows] == [
        (spec.id, spec.title, spec.severity) for spec in GIVEN_GATES
    ]


def grouped(size: int, alike: bool) -> list[dict[str, Any]]:
    """Answers to 120 images in groups; images of a group are answered alike, or each for itself."""
    random = np.random.default_rng(3)
    number = 120 // size
    rows = []
    for arm, level in (("scratch", 0.6), ("full", 0.7)):
        own = random.normal(0, 0.3, number if alike else 120)
        ease = np.repeat(own, size) if alike else own
        for seed in range(5):
            right = ease + random.normal(0.25, 0.05, 120) < level
            rows += [
                {"arm": arm, "seed": seed, "image": image, "patient_id": image // size,
                 "label": 1, "answer": int(right[image])}
                for image in range(120)
            ]  # fmt: skip
    return rows


def test_images_in_groups_are_judged_by_the_group(tmp_path: Path) -> None:
    def width(rows: list[dict[str, Any]], **options: Any) -> float:
        c = only(judged(tmp_path, rows, **options))
        assert (c.basis == "seeds and groups of images, both paired") == (not options)
        assert c.low_pp is not None
        assert c.high_pp is not None
        return c.high_pp - c.low_pp

    alike, alone = grouped(6, alike=True), grouped(6, alike=False)
    as_images: dict[str, Any] = {"columns": {"group": ""}}
    analysis = judged(tmp_path, alike)
    assert any("the interval over seeds and groups of test images" in x for x in analysis.detail)
    assert dict(analysis.protocol)["Interval"].startswith("crossed seeds x groups of test images,")
    assert width(alike) > 1.8 * width(alike, **as_images)
    assert width(alone) < 1.5 * width(alone, **as_images)


def test_groups_of_equal_size_are_images_of_their_means(tmp_path: Path) -> None:
    rows = grouped(6, alike=True)
    means = np.array([row["answer"] for row in rows]).reshape(2, 5, 20, 6).mean(3)
    expected = crossed(means[1] - means[0]).cautious_interval(0.04)
    c = only(judged(tmp_path, rows))
    assert (c.low_pp, c.high_pp) == pytest.approx([100 * end for end in expected])


@pytest.mark.parametrize("number", [1, 120])
def test_groups_that_group_nothing_are_not_used(number: int, tmp_path: Path) -> None:
    rows = [{**row, "patient_id": row["image"] % number} for row in grouped(6, alike=False)]
    done = judge(written(tmp_path / "r.csv", rows), JudgeOptions())
    assert f"groups are not used: there are {number} of 120 images" in done.notes
    assert only(done.analysis).basis == "seeds and images, both paired"


def test_empty_groups_are_refused(tmp_path: Path) -> None:
    rows = [{**row, "patient_id": ""} if row["image"] == 7 else row for row in grouped(6, True)]
    with pytest.raises(DataError, match="10 of 1,200 rows name no group"):
        judged(tmp_path, rows)


def test_the_number_of_test_images_says_what_others_may_change(tmp_path: Path) -> None:
    analysis = judged(tmp_path, scores({"scratch": (0.8,) * 3, "full": (0.9, 0.91, 0.92)}, n=400))
    half = 196 * np.sqrt((0.8 * 0.2 + 0.91 * 0.09) / 400)
    assert (
        f"(as many: 400) a gain may differ by up to about {half:.1f} points"
        in (failed(analysis)["RES-over"])
    )


def test_the_same_holds_is_said_of_the_first_verdict_alone(tmp_path: Path) -> None:
    gains = {"a": 0.0, "b": -0.3, "c": 0.001}
    random = np.random.default_rng(5)
    rows = [
        {"arm": arm, "seed": seed, "accuracy": 0.6 + gain + random.normal(0, 0.02)}
        for arm, gain in {"scratch": 0.0, **gains}.items()
        for seed in range(5)
    ]
    analysis = judged(tmp_path, rows)
    assert [c.verdict for c in analysis.comparisons] == [
        "not enough evidence", "hurts", "not enough evidence",
    ]  # fmt: skip
    assert ". The same holds in these results (a: " in analysis.headline
    assert ". It hurts in these results (b: " in analysis.headline


def test_other_learning_rates_are_a_caveat(tmp_path: Path) -> None:
    rows = [{**row, "lr": 0.1 if row["arm"] == "scratch" else 0.001} for row in rows_of(ARMS)]
    assert failed(judged(tmp_path, rows))["RES-rates"] == (
        "learning rates differ (scratch 0.1, frozen 0.001): whether each was chosen in the same "
        "way is not known."
    )
    assert "RES-rates" not in failed(judged(tmp_path, rows_of(ARMS, lr=0.1)))


def test_costs_that_are_known_are_shown(tmp_path: Path) -> None:
    rows = list(rows_of(ARMS, updates=1234, train_runtime=75.0, trainable_params=5678))
    shown = page(judged(tmp_path, rows), SUMMARY)
    for part in ("What was trained, and for how long", "1,234", "75 s", "5,678"):
        assert part in shown
    assert "What was trained" not in page(judged(tmp_path, rows_of(ARMS)), SUMMARY)


def test_a_number_that_differs_between_the_images_of_a_run_is_no_fact_of_it(
    tmp_path: Path,
) -> None:
    rows = [{**row, "updates": 50 + 9 * (row["image"] == "3.jpg")} for row in rows_of(ARMS)]
    analysis = judged(tmp_path, rows)
    assert "CHK-07" in {gate.id for gate in analysis.unknown_gates}
    assert [arm.updates for arm in analysis.arms] == [None, None]


def test_arms_that_share_no_size_are_refused(tmp_path: Path) -> None:
    rows = [{**row, "size": 10 + 10 * (row["arm"] == "frozen")} for row in rows_of(ARMS)]
    with pytest.raises(DataError, match="no arm has results at a size at which the control"):
        judged(tmp_path, rows)
