"""A study whose seeds each have a test part, from its run to the report."""

from pathlib import Path

import numpy as np
import pytest

from headstart.analyse.analysis import Analysis
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, reopen, report_again, run, with_facts
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.study import StudySpec
from studies import TINY_NETWORK

NUM, COPIED = 60, (7, 30)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Noise of three shades, 60 images in two parts; two of one class are the same image."""
    folder = tmp_path_factory.mktemp("arrays")
    draw = np.random.default_rng(0)
    labels = np.arange(NUM) % 3
    for name in ("source", "target"):
        pixels = draw.normal(70 + 40 * labels[:, None, None], 60, (NUM, 8, 8)).clip(0, 255)
        pixels = pixels.astype(np.uint8)
        if name == "target":
            pixels[COPIED[1]] = pixels[COPIED[0]]
            labels[COPIED[1]] = labels[COPIED[0]]
        np.savez(
            folder / f"{name}.npz",
            x_train=pixels[:40],
            y_train=labels[:40],
            x_test=pixels[40:],
            y_test=labels[40:],
        )
    split = {"test": "repeated", "validation": 0.25}
    return with_facts(
        StudySpec.model_validate(
            {
                "name": "shades",
                "tasks": {
                    "source": {"dataset": str(folder / "source.npz")},
                    "target": {"dataset": str(folder / "target.npz"), "split": split},
                },
                "network": TINY_NETWORK,
                "training": {"updates": 12, "batch_size": 16, "validations": 3},
                "sizes": [12, "all"],
                "arms": ["scratch", "probe", "full"],
                "margin": 1.0,
                "seeds": 5,
            }
        )
    )


@pytest.fixture(scope="module")
def folder(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("repeated") / "store"
    options = RunOptions(store=store, workers=1, device="cpu")
    assert run(loaded, options, listen=lambda *_: None).tally.failed == ()
    return store


@pytest.fixture(scope="module")
def given(folder: Path) -> Analysis:
    """The study as another machine reports it, from the store alone."""
    with Store(folder, reading=True) as store:
        return report_again(store, reopen(store, "shades"))[0]


def test_every_image_is_tested_by_one_seed_and_trained_on_by_others(
    loaded: Loaded, folder: Path
) -> None:
    plan = make_plan(loaded.study, loaded.facts)
    keys = [t.predict_key for t in plan.trials if (t.arm, t.size) == ("full", "all")]
    with Store(folder) as store:
        images = [store.arrays(key)["images"] for key in keys]
        labels = np.concatenate([store.arrays(key)["labels"] for key in keys])
    assert sorted(np.concatenate(images).tolist()) == list(range(NUM))
    expected = np.arange(NUM) % 3
    expected[COPIED[1]] = expected[COPIED[0]]
    assert labels.tolist() == expected[np.concatenate(images)].tolist()


def test_a_copy_is_left_out_where_the_other_is_trained_on(given: Analysis) -> None:
    (report,) = given.leaks
    assert (report.num_splits, report.num_test) == (5, NUM)
    assert 0 < report.num_left_out <= 2  # none in a seed that tests or validates with both
    gates = {gate.id: gate for gate in given.gates}
    assert f"{report.num_left_out} of 60 test images" in gates["CHK-01-leaks"].message
    assert [g.id for g in given.gates if not g.passed and g.severity == "invalid"] == []


def test_gains_are_means_of_seeds_and_intervals_know_of_the_splits(given: Analysis) -> None:
    for one in given.comparisons:
        assert one.gain_pp == pytest.approx(np.mean(one.gains_pp))
        assert one.verdict != "invalid"
        # Tests that take seeds for independent are not shown.
        assert (one.p_paired_t, one.p_sign_flip) == (None, None)
    (source, target) = given.tasks
    assert (source.repeated, target.repeated) == (False, True)
    assert (target.num_test, target.num_validation, target.num_train) == (12, 12, 36)
    assert target.test_from == "another fifth of all images for each seed"
    assert any(line.startswith("Each seed was tested on a new fifth") for line in given.detail)


def test_mistakes_are_of_all_images_by_the_seeds_that_tested_them(given: Analysis) -> None:
    (mistakes,) = given.mistakes
    (report,) = given.leaks
    assert mistakes.num_tested == NUM - report.num_left_out
    assert mistakes.repeated
    outcomes = ("both_right", "put_right", "broken", "both_wrong", "undecided")
    assert sum(getattr(mistakes, name) for name in outcomes) == mistakes.num_tested
    assert {image.num_seeds for image in mistakes.image_mistakes} == {1}
    left_out = report.num_left_out
    shown = {image.index for image in mistakes.image_mistakes}
    assert len(shown & set(COPIED)) <= 2 - left_out
    for confusion in given.confusions:
        tested = sum(row.num_tested for row in confusion.confusion_rows)
        assert tested == sum(sum(row.count) for row in confusion.confusion_rows) == NUM - left_out


def test_class_gains_and_benefits_have_numbers(given: Analysis) -> None:
    assert {gain.class_name for gain in given.class_gains} == {"0", "1", "2"}
    for gain in given.class_gains:
        assert 15 <= gain.num_images <= 22
        assert gain.gain_pp == pytest.approx(100 * (gain.recall - gain.control_recall))
    for benefit in given.worth:
        assert benefit.labels.why != ""
        assert benefit.nll_gain.low is not None
