"""Mistakes of a study on photos, from its run to the report on another machine."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.analyse.analysis import Analysis, Picture
from headstart.analyse.build import analyse
from headstart.execute.options import RunOptions
from headstart.flow import Done, Loaded, reopen, report_again, run, with_facts
from headstart.plan.expand import make_plan
from headstart.plan.steps import Plan, Step
from headstart.store.store import Store
from headstart.study.study import StudySpec
from studies import TINY_NETWORK

CLASSES, SIDE = ("dark", "grey", "light"), 8
NUM_TEST = 12  # of each class


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of three shades with much noise; one test photo is a training photo once more."""
    folder = shades(tmp_path_factory.mktemp("photos"), seed=0)
    shutil.copy(folder / "train" / "grey" / "3.png", folder / "test" / "grey" / "copy.png")
    return folder


def shades(folder: Path, seed: int) -> Path:
    draw = np.random.default_rng(seed)
    for part, number in (("train", 40), ("test", NUM_TEST)):
        for shade, label in enumerate(CLASSES):
            (folder / part / label).mkdir(parents=True)
            for index in range(number):
                pixels = draw.normal(80 + 40 * shade, 60, (SIDE, SIDE, 3)).clip(0, 255)
                image = Image.fromarray(pixels.astype(np.uint8))
                image.save(folder / part / label / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def loaded(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    source = shades(tmp_path_factory.mktemp("source"), seed=1)
    return with_facts(
        StudySpec.model_validate(
            {
                "name": "shades",
                "tasks": {
                    "source": {"dataset": str(source), "classes": ["dark", "light"]},
                    "target": {"dataset": str(photos), "split": {"validation": 30}},
                },
                "network": TINY_NETWORK,
                "training": {"updates": 12, "batch_size": 16, "validations": 3},
                "sizes": [20, "all"],
                "arms": ["scratch", "probe", "full"],
                "margin": 1.0,
                "seeds": 3,
            }
        )
    )


@pytest.fixture(scope="module")
def folder(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the study."""
    store = tmp_path_factory.mktemp("mistakes") / "store"
    assert go(loaded, store).tally.failed == ()
    return store


@pytest.fixture(scope="module")
def plan(loaded: Loaded) -> Plan:
    return make_plan(loaded.study, loaded.facts)


@pytest.fixture(scope="module")
def given(folder: Path) -> Analysis:
    """The study as another machine reports it, from the store alone."""
    return reported(folder)


def go(loaded: Loaded, store: Path) -> Done:
    options = RunOptions(store=store, workers=1, device="cpu")
    return run(loaded, options, listen=lambda *_: None)


def reported(folder: Path) -> Analysis:
    with Store(folder, reading=True) as store:
        return report_again(store, reopen(store, "shades"))[0]


def predictions(
    plan: Plan, folder: Path, arm: str, leaked: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (images,), classes (seeds, images) and probabilities of an arm at all images."""
    keys = [t.predict_key for t in plan.trials if (t.arm, t.size) == (arm, "all")]
    with Store(folder) as store:
        arrays = [store.arrays(key) for key in keys]
    labels, classes, probabilities = (
        np.stack([np.delete(one[name], leaked, axis=0) for one in arrays])
        for name in ("labels", "classes", "probabilities")
    )
    return labels[0], classes, probabilities


@pytest.fixture(scope="module")
def leaked(plan: Plan, folder: Path) -> list[int]:
    ((key,),) = plan.overlaps.values()
    with Store(folder) as store:
        return list(store.arrays(key)["leaked"].tolist())


def test_confusions_are_counts_over_seeds_without_leaked_images(
    given: Analysis, plan: Plan, folder: Path, leaked: list[int]
) -> None:
    assert len(leaked) == 1
    (mistakes,) = given.mistakes
    assert [c.arm for c in given.confusions] == [mistakes.arm, "scratch"]
    for confusion in given.confusions:
        assert (confusion.size, confusion.seeds) == ("all", (0, 1, 2))
        labels, classes, _ = predictions(plan, folder, confusion.arm, leaked)
        pairs = Counter(zip(np.tile(labels, 3).tolist(), classes.ravel().tolist(), strict=True))
        for true, row in enumerate(confusion.confusion_rows):
            assert (row.true_class, row.num_tested) == (CLASSES[true], NUM_TEST)
            counts = {CLASSES[answer]: n for (of, answer), n in sorted(pairs.items()) if of == true}
            assert dict(zip(row.answer, row.count, strict=True)) == counts
            assert row.accuracy == pytest.approx(pairs[true, true] / (3 * NUM_TEST))
        accuracy = next(
            r.mean for r in given.arms if (r.arm, r.size) == (confusion.arm, confusion.size)
        )
        right = sum(pairs[at, at] for at in range(3))
        assert accuracy == pytest.approx(right / (9 * NUM_TEST))


def test_images_are_counted_by_what_most_seeds_say(
    given: Analysis, plan: Plan, folder: Path, leaked: list[int]
) -> None:
    (m,) = given.mistakes
    counts: Counter[tuple[bool, bool]] = Counter()
    labels, own, _ = predictions(plan, folder, m.arm, leaked)
    _, control, _ = predictions(plan, folder, m.control, leaked)
    for at, label in enumerate(labels):
        of_seeds = [sum(answers[:, at] == label) for answers in (own, control)]
        counts[of_seeds[0] >= 2, of_seeds[1] >= 2] += 1
    assert m.both_right == counts[True, True]
    assert m.put_right == counts[True, False] > 0
    assert m.broken == counts[False, True]
    assert m.both_wrong == counts[False, False]
    assert (m.undecided, m.num_tested) == (0, 3 * NUM_TEST)
    assert m.wrong == m.broken + m.both_wrong


def test_listed_images_have_their_file_and_the_pixels_of_it(
    given: Analysis, photos: Path, plan: Plan, folder: Path, leaked: list[int]
) -> None:
    (m,) = given.mistakes
    assert len(m.pictures) == len(m.image_mistakes) > 0
    listed = Counter(image.kind for image in m.image_mistakes)
    totals = {"wrong": m.wrong, "put right": m.put_right, "broken": m.broken}
    assert listed == {kind: min(total, 12) for kind, total in totals.items() if total}
    _, classes, probabilities = predictions(plan, folder, m.arm, leaked)
    kept = np.delete(np.arange(3 * NUM_TEST + 1), leaked)
    for image, picture in zip(m.image_mistakes, m.pictures, strict=True):
        assert image.index not in leaked
        assert image.file.startswith(f"test/{image.true_class}/")
        with Image.open(photos / image.file) as file:
            pixels = np.asarray(file)
        assert picture == Picture(height=SIDE, width=SIDE, channels=3, values=pixels.tobytes())
        at, answer = int(np.flatnonzero(kept == image.index)[0]), CLASSES.index(image.answer)
        label = CLASSES.index(image.true_class)
        assert image.num_wrong == (classes[:, at] != label).sum()
        assert image.probability == pytest.approx(probabilities[:, at, answer].mean(), rel=1e-5)


def test_a_store_without_the_step_is_reported_without_pictures_and_run_for_them_alone(
    loaded: Loaded, folder: Path, plan: Plan, given: Analysis, tmp_path: Path
) -> None:
    older = tmp_path / "store"
    shutil.copytree(folder, older)
    (key,) = plan.mistakes.values()
    next(older.glob(f"blobs/*/{key}.safetensors")).unlink()
    found = reported(older)
    (m,), (whole,) = found.mistakes, given.mistakes
    assert m == replace(whole, image_mistakes=(), pictures=())
    assert found.confusions == given.confusions
    done = go(loaded, older)
    assert done.summary.steps_run == 1
    assert done.analysis.mistakes == given.mistakes


def test_without_a_trial_there_are_counts_of_the_other_seeds_and_no_pictures(
    loaded: Loaded, folder: Path, plan: Plan, tmp_path: Path
) -> None:
    broken = tmp_path / "store"
    shutil.copytree(folder, broken)
    trial = next(t for t in plan.trials if (t.arm, t.size, t.seed) == ("scratch", "all", 0))
    gone = (trial.score_key, trial.predict_key, *plan.mistakes.values())
    for key in gone:
        next(broken.glob(f"blobs/*/{key}.safetensors")).unlink()
    with Store(broken) as store:
        found = analyse(loaded.study, loaded.facts, plan, store)
    (m,) = found.mistakes
    assert (m.seeds, m.num_tested) == ((1, 2), 3 * NUM_TEST)
    assert (m.image_mistakes, m.pictures) == ((), ())


def test_the_step_needs_every_prediction_at_the_largest_size_and_no_other(plan: Plan) -> None:
    ((place, key),) = plan.mistakes.items()
    assert place == ("source", "target", "all")
    step: Step = plan.steps[key]
    predicted = {t.predict_key for t in plan.trials if t.size == "all"}
    assert set(step.inputs) == predicted | set(plan.overlaps["source", "target"])


def test_arms_without_a_source_ask_for_no_list(loaded: Loaded) -> None:
    study = loaded.study.model_copy(update={"arms": loaded.study.arms[:1]})
    assert make_plan(study, loaded.facts).mistakes == {}
