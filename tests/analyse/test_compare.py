"""Comparisons with the control: who is in the family, and what everybody is held to."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import PAIR, finished, records_of, simulated, study_of

from headstart.analyse.analysis import Comparison
from headstart.analyse.compare import Finished, compare_all, family_of
from headstart.analyse.multiplicity import planned_level
from headstart.analyse.over_seeds import mcnemar_p
from headstart.analyse.statistics import crossed

ARMS = ("scratch", "random_trunk", "probe", "full", "probe_then_full")
FAMILY = ("probe", "full", "probe_then_full")
ACCURACIES = {
    "scratch": 0.80, "random_trunk": 0.60, "probe": 0.803, "full": 0.86, "probe_then_full": 0.83
}  # fmt: skip


def compared(given: Finished) -> dict[str, Comparison]:
    return {c.arm: c for c in compare_all(given)}


def simulated_study(looks: int = 1) -> Finished:
    return finished(study_of(ARMS), records_of(simulated(ACCURACIES, sd=0.02)), looks=looks)


def test_the_family_is_that_of_transfer_arms_at_every_size() -> None:
    comparisons = compared(simulated_study())
    assert {arm for arm, c in comparisons.items() if c.in_family} == set(FAMILY)
    assert all((c.p_adjusted is None) != c.in_family for c in comparisons.values())


def test_outside_the_family_nothing_is_adjusted() -> None:
    alone = compared(simulated_study())["random_trunk"]
    assert alone.confidence == 0.96
    assert alone.low_pp is not None
    assert alone.low95_pp is not None
    assert alone.low_pp < alone.low95_pp
    first = compared(simulated_study(looks=3))["random_trunk"]
    assert first.confidence == pytest.approx(1 - 0.0164)
    assert first.low95_pp == alone.low95_pp


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_every_interval_of_the_family_says_what_holm_says(looks: int) -> None:
    for key in range(8):
        right = simulated(
            {"scratch": 0.8, "probe": 0.8, "full": 0.82, "probe_then_full": 0.81}, sd=0.01, key=key
        )
        comparisons = compared(finished(study_of([*right]), records_of(right), looks=looks))
        for c in comparisons.values():
            assert c.p_adjusted is not None
            assert c.low_pp is not None
            assert c.high_pp is not None
            excludes = c.low_pp > 0 or c.high_pp < 0
            assert excludes == (c.p_adjusted < planned_level(looks))
            assert (c.verdict in ("helps", "hurts")) == excludes


def test_the_strongest_of_three_is_held_to_a_third() -> None:
    comparisons = compared(simulated_study())
    best = min(FAMILY, key=lambda arm: comparisons[arm].p_value or 0)
    assert comparisons[best].confidence == pytest.approx(1 - 0.04 / 3)
    assert f"{98.67} % interval (Holm)" in comparisons[best].why


def test_members_without_a_verdict_keep_their_place_in_the_family() -> None:
    right = simulated(ACCURACIES, sd=0.02)
    study = study_of(ARMS)
    planned = tuple((*PAIR, "20", arm) for arm in ARMS)
    everything = compared(finished(study, records_of(right), planned=planned))
    some = {arm: rows for arm, rows in right.items() if arm != "probe"}
    without = compared(finished(study, records_of(some), planned=planned))
    assert len(family_of(study, planned)) == 3
    assert without["full"].confidence == everything["full"].confidence
    broken = {(*PAIR, "20", "probe"): "CHK-04: it moved"}
    withheld = compared(finished(study, records_of(right), planned=planned, withheld=broken))
    assert withheld["probe"].verdict == "invalid"
    assert withheld["probe"].p_adjusted is None
    assert withheld["full"].confidence == everything["full"].confidence


def test_a_broken_control_withholds_every_verdict() -> None:
    broken = {(*PAIR, "20", "scratch"): "CHK-22: not finite"}
    comparisons = compared(
        finished(study_of(ARMS), records_of(simulated(ACCURACIES)), withheld=broken)
    )
    assert {c.verdict for c in comparisons.values()} == {"invalid"}
    assert {c.why for c in comparisons.values()} == {"CHK-22: not finite"}


def test_numbers_are_those_of_the_answers() -> None:
    right = simulated({"scratch": 0.8, "full": 0.83}, sd=0.01)
    (c,) = compare_all(finished(study_of(["scratch", "full"]), records_of(right)))
    table = right["full"] - right["scratch"]
    comparisons = crossed(table)
    assert c.gain_pp == pytest.approx(100 * table.mean())
    assert c.p_value == c.p_adjusted == comparisons.cautious_p
    assert (c.low_pp, c.high_pp) == pytest.approx([100 * e for e in comparisons.interval(0.96)])
    assert c.p_equivalence == comparisons.equivalence_p(0.01)
    assert c.favourable == 1.0
    assert c.p_sign_flip == 2 / 2**5
    assert c.p_paired_t is not None
    assert c.p_mcnemar is None
    errors = [1 - right[arm].mean() for arm in ("full", "scratch")]
    assert c.error_reduction == pytest.approx(1 - errors[0] / errors[1])


def test_one_seed_shows_mcnemar_and_gives_no_verdict() -> None:
    right = simulated({"scratch": 0.7, "full": 0.9}, seeds=1)
    (c,) = compare_all(finished(study_of(["scratch", "full"], seeds=1), records_of(right)))
    won = int((right["full"] > right["scratch"]).sum())
    lost = int((right["full"] < right["scratch"]).sum())
    assert c.p_mcnemar == mcnemar_p(won, lost)
    assert c.p_mcnemar < 1e-6
    assert c.verdict == "not enough evidence"
    assert (c.p_value, c.p_paired_t, c.low_pp, c.confidence) == (None, None, None, 0.96)


def test_two_seeds_never_relax_what_others_are_held_to() -> None:
    right = simulated(ACCURACIES, sd=0.001)
    right["probe_then_full"] = right["probe_then_full"][:2]  # the others have five seeds
    comparisons = compared(finished(study_of(ARMS), records_of(right)))
    assert comparisons["probe_then_full"].verdict == "not enough evidence"
    assert comparisons["probe_then_full"].p_value is not None
    assert comparisons["probe_then_full"].p_adjusted is None
    assert comparisons["full"].confidence == pytest.approx(1 - 0.04 / 3)


def test_only_seeds_that_both_have_are_compared() -> None:
    right = simulated({"scratch": 0.8, "full": 0.83})
    records = records_of(right)
    del records[*PAIR, "20", "scratch"][1]
    (c,) = compare_all(finished(study_of(["scratch", "full"]), records))
    assert c.seeds == (0, 2, 3, 4)
    kept = [0, 2, 3, 4]
    gains = 100 * (right["full"][kept].mean(1) - right["scratch"][kept].mean(1))
    assert c.gains_pp == pytest.approx(gains)


def two_arms(scratch: np.ndarray, full: np.ndarray) -> Comparison:
    """The comparison of two arms that were right so (seeds, images)."""
    study = study_of(["scratch", "full"], seeds=len(scratch))
    (c,) = compare_all(finished(study, records_of({"scratch": scratch, "full": full})))
    return c


def test_the_same_weights_are_identical_arms_and_the_same_answers_are_not() -> None:
    right = simulated({"scratch": 0.8})["scratch"]
    records = records_of({"scratch": right, "full": right})
    study = study_of(["scratch", "full"])
    (c,) = compare_all(finished(study, records))
    assert c.verdict == "not enough evidence"
    assert c.why.startswith("both arms gave the same answer to every test image in every seed")
    scratch = records[*PAIR, "20", "scratch"]
    same = {
        seed: replace(
            record, trial=replace(record.trial, predict_key=scratch[seed].trial.predict_key)
        )
        for seed, record in records[*PAIR, "20", "full"].items()
    }
    (c,) = compare_all(finished(study, {**records, (*PAIR, "20", "full"): same}))
    assert c.verdict == "invalid"
    assert c.why.startswith("arms identical: both have the same trained weights")


def test_right_on_the_same_images_is_no_verdict() -> None:
    right = simulated({"scratch": 0.8})["scratch"]
    records = records_of({"scratch": right, "full": right})
    for record in records[*PAIR, "20", "full"].values():
        np.putmask(record.classes, record.classes == 0, 2)  # wrong in another way
    (c,) = compare_all(finished(study_of(["scratch", "full"]), records))
    assert c.verdict == "not enough evidence"
    assert c.why.startswith("both arms were right on the same test images in every seed")
    assert "no variance to judge by" in c.why


@pytest.mark.parametrize(("seeds", "images"), [(2, 200), (5, 60), (3, 1)])
def test_all_right_is_no_measurable_difference(seeds: int, images: int) -> None:
    right = np.ones((seeds, images), np.int8)
    c = two_arms(right, right)
    assert c.verdict == "no measurable difference"
    noun = "image" if images == 1 else "images"
    assert f"both at 100 % of {images} {noun}: the test part cannot tell them apart" in c.why
    # The largest share of images on which they may differ that leaves none among so many.
    most = 100 * (1 - (1 - c.confidence) ** (1 / images))
    assert f"may still differ by up to {most:.2g} pp" in c.why
    assert (c.gain_pp, c.low_pp, c.high_pp) == (0, None, None)


def test_a_single_answer_apart_is_read_from_its_interval_again() -> None:
    right = np.ones((5, 40), np.int8)
    apart = right.copy()
    apart[3, 7] = 0
    c = two_arms(right, apart)
    assert c.verdict == "not enough evidence"
    assert c.why.startswith("gain -0.50 pp")
    assert c.low_pp is not None


def test_one_seed_of_only_right_answers_is_one_seed() -> None:
    right = np.ones((1, 200), np.int8)
    assert two_arms(right, right).verdict == "not enough evidence"


def test_one_test_image_has_no_interval() -> None:
    c = two_arms(np.zeros((3, 1), np.int8), np.ones((3, 1), np.int8))
    assert (c.verdict, c.low_pp, c.high_pp) == ("not enough evidence", None, None)
    assert "no interval, for there is only one test image" in c.why


@pytest.mark.parametrize(("images", "verdict"), [(4, "not enough evidence"), (40, "helps")])
def test_seeds_that_all_agree_are_no_surer_than_their_images(images: int, verdict: str) -> None:
    c = two_arms(np.zeros((3, images), np.int8), np.ones((3, images), np.int8))
    assert c.verdict == verdict
    assert c.low_pp is not None
    assert c.low_pp < 100


def test_the_whole_family_rarely_cries_wolf() -> None:
    """Four transfer arms, none better than scratch: any false alarm at all is as rare as one."""
    arms = ("scratch", "probe", "full", "probe_then_full", "gradual")
    study = study_of(arms)
    alarms = plain = 0
    studies = 150
    for key in range(studies):
        right = simulated(dict.fromkeys(arms, 0.8), images=300, sd=0.01, key=key)
        comparisons = compare_all(finished(study, records_of(right)))
        alarms += any(c.verdict in ("helps", "hurts") for c in comparisons)
        plain += any((c.p_value or 0) < 0.05 for c in comparisons)
    assert alarms / studies < 0.1
    assert plain > alarms
