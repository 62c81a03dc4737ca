"""The classifier's fit is one arm of the engine, and its answers are those of the predict step."""

import pickle
import pickletools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers import IMAGE, NETWORK, TRAINING, Photos, dense, transfer, write_checkpoint
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError

from headstart.core.errors import CheckpointError, HeadstartError
from headstart.data.datasets import open_part
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import execute
from headstart.execute.steps.weights import StoredWeights
from headstart.flow import Loaded, fit, plan_of, run, with_facts
from headstart.flow.facts import gather_facts
from headstart.networks.weights import Weights
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.partial_study import PartialStudy
from headstart.study.study import StudySpec

ARMS = ("scratch", "random_trunk", "probe", "converged_probe", "full", "probe_then_full")
SEED = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return Photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def loaded(photos: Photos, checkpoint: Path) -> Loaded:
    """A study on the folder with the settings of the classifiers, and two seeds."""
    return with_facts(
        StudySpec(
            name="photos",
            tasks={"target": {"dataset": str(photos.folder), "image": IMAGE}},
            sources={"other": {"pretrained": NETWORK, "weights": str(checkpoint)}},
            training=TRAINING,
            arms=ARMS,
            seeds=[SEED, SEED + 1],
            margin=1,
            leaks={"near": "off"},
        )
    )


@pytest.fixture(scope="module")
def folder(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the study has run."""
    folder = tmp_path_factory.mktemp("store")
    done = run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    assert done.tally.failed == ()
    return folder


def of_the_study(loaded: Loaded, folder: Path, arm: str) -> tuple[Weights, np.ndarray]:
    """Weights and test probabilities of the trial of an arm."""
    with Store(folder) as store:
        plan = plan_of(loaded, store)
        (trial,) = (t for t in plan.trials if (t.arm, t.seed) == (arm, SEED))
        step = plan.steps[trial.predict_key]
        weights, _ = StoredWeights(store, step.files).finished(step.inputs, step.payload["keep"])
        return weights, store.arrays(trial.predict_key)["probabilities"]


def check_same(found: Weights, expected: Weights) -> None:
    """Check that weights are equal bit by bit."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("arm", ARMS)
def test_fit_gives_the_weights_of_the_study_s_trial(
    arm: str, photos: Photos, checkpoint: Path, loaded: Loaded, folder: Path
) -> None:
    weights, probabilities = of_the_study(loaded, folder, arm)
    study = loaded.study
    data = loaded.facts.data(study.tasks["target"], study.network_of(study.pairs[0]))
    train, test = open_part(data, "train"), open_part(data, "test")
    classifier = transfer(checkpoint, arm, random_state=SEED)
    for X in ([str(path) for path in photos.paths], train.pixels):
        check_same(classifier.fit(X, photos.labels).model_.weights, weights)
        np.testing.assert_array_equal(classifier.predict_proba(test.pixels), probabilities)
    assert classifier.classes_.tolist() == ["dark", "light"]
    assert classifier.n_features_in_ == 28 * 28 * 3


def test_a_table_of_a_strategy_is_that_arm(
    photos: Photos, checkpoint: Path, loaded: Loaded, folder: Path
) -> None:
    weights, _ = of_the_study(loaded, folder, "probe_then_full")
    table = {"kind": "probe_then_full", "probe_share": 0.5}
    classifier = transfer(checkpoint, table, random_state=SEED).fit(photos.paths, photos.labels)
    check_same(classifier.model_.weights, weights)


def test_fit_is_the_step_of_a_study_on_the_same_arrays(
    photos: Photos, checkpoint: Path, tmp_path: Path
) -> None:
    classifier = transfer(checkpoint, "full", random_state=SEED, store=tmp_path / "store")
    classifier.fit(photos.paths, photos.labels)
    (dataset,) = (tmp_path / "store" / "arrays").glob("*.npz")
    study = StudySpec(
        name="arrays",
        tasks={"target": {"dataset": str(dataset)}},
        sources={"other": {"pretrained": NETWORK, "weights": str(checkpoint)}},
        training=TRAINING,
        arms=["scratch", "full"],
        seeds=[SEED],
        margin=1,
    )
    parts = PartialStudy({name: getattr(study, name) for name in StudySpec.model_fields})
    facts, problems = gather_facts(parts)
    assert problems == []
    _, full = make_plan(study, facts).trials
    assert classifier.model_.origin.steps == full.train_keys
    assert classifier.model_.origin.seed == SEED


def test_a_store_is_not_asked_to_do_equal_work_again(
    photos: Photos, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def counted(*given: Any) -> None:
        ran.append(execute(*given).run)

    monkeypatch.setattr(fit, "execute", counted)
    classifier = transfer(checkpoint, store=tmp_path / "store")
    first = classifier.fit(photos.paths, photos.labels).model_
    again = classifier.fit(photos.paths, photos.labels).model_
    check_same(again.weights, first.weights)
    classifier.set_params(strategy="full").fit(photos.paths, photos.labels)
    transfer(checkpoint).fit(photos.paths, photos.labels)
    assert ran == [2, 0, 1, 2]  # checkpoint and training; nothing; training; both anew
    assert len(list((tmp_path / "store" / "arrays").iterdir())) == 1


def test_a_training_that_fails_says_why(photos: Photos, checkpoint: Path) -> None:
    odd = TRAINING | {"batch_size": 8}  # of 25 photos the last batch is one, too few to normalise
    with pytest.raises(HeadstartError) as caught:
        transfer(checkpoint, "full", training=odd).fit(photos.paths, photos.labels)
    first, *_ = str(caught.value).splitlines()
    assert first.startswith("full on target, all, seed 0 failed: ValueError: Expected more than 1")
    assert "Traceback" in str(caught.value)


def test_rates_are_chosen_on_the_pilot_seed(photos: Photos, checkpoint: Path) -> None:
    training = TRAINING | {"rates": [0.001, 0.01, 0.1]}
    classifier = transfer(checkpoint, training=training).fit(photos.paths, photos.labels)
    assert classifier.score(photos.test_paths, photos.test_labels) > 0.5


def test_a_learning_rate_is_that_of_the_optimiser(photos: Photos, checkpoint: Path) -> None:
    of_adam = {"optimiser": {"kind": "adam", "lr": 0.003}}
    one = transfer(checkpoint, training=TRAINING | of_adam)
    other = transfer(checkpoint, training=TRAINING | {"optimiser": "adam"}, learning_rate=0.003)
    weights = one.fit(photos.paths, photos.labels).model_.weights
    check_same(other.fit(photos.paths, photos.labels).model_.weights, weights)
    default = {"optimiser": {"lr": 0.02, "momentum": 0.9}}
    one.set_params(training=TRAINING | default)
    other.set_params(training=TRAINING, learning_rate=0.02)
    weights = one.fit(photos.paths, photos.labels).model_.weights
    check_same(other.fit(photos.paths, photos.labels).model_.weights, weights)


def test_floats_are_not_quantised() -> None:
    draw = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = draw.normal(size=(60, 5, 4)) + 2 * y[:, np.newaxis, np.newaxis]
    classifier = dense().fit(X, y)
    assert classifier.score(X, y) > 0.95
    assert classifier.model_.dtype == "float32"
    one, other = X[:1].copy(), X[:1] + 1e-6
    assert (classifier.predict_proba(one) != classifier.predict_proba(other)).any()


def test_whole_numbers_are_bytes_and_grey_images_need_no_channel() -> None:
    draw = np.random.default_rng(0)
    X, y = draw.integers(0, 256, (30, 5, 4)), np.arange(30) % 3
    one, other = dense().fit(X, y), dense().fit(X[..., np.newaxis].astype(np.uint8), y)
    check_same(one.model_.weights, other.model_.weights)
    assert (one.predict_proba(X) == other.predict_proba(X.astype(np.uint8))).all()
    assert one.model_.dtype == "uint8"


def test_the_arrays_of_the_user_stay_as_they_were() -> None:
    draw = np.random.default_rng(0)
    rows, images = draw.normal(size=(30, 4)).astype(np.float32), np.zeros((30, 5, 4, 3), np.uint8)
    for X in (rows, images):
        before, y = X.copy(), np.arange(30) % 2
        dense().fit(X, y).predict(X)
        assert X.flags.writeable
        assert y.flags.writeable
        assert (before == X).all()


def test_the_number_of_threads_stays_as_it_was() -> None:
    import torch

    before = torch.get_num_threads()
    X, y = make_blobs(30, random_state=0)
    torch.set_num_threads(2)
    try:
        dense().fit(X, y).predict(X)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_random_state_is_a_seed_or_what_draws_one() -> None:
    X, y = make_blobs(30, random_state=0)

    def seed(random_state: Any) -> int:
        return int(dense(random_state=random_state).fit(X, y).model_.origin.seed)

    assert seed(7) == seed(np.int64(7)) == 7
    assert seed(np.random.RandomState(1)) == seed(np.random.RandomState(1))
    assert seed(None) != seed(None)


def test_a_pickle_holds_no_torch_and_answers_the_same_in_another_process(
    photos: Photos, checkpoint: Path, tmp_path: Path
) -> None:
    classifier = transfer(checkpoint, "full").fit(photos.paths, photos.labels)
    content = pickle.dumps(classifier)
    named = {arg for code, arg, _ in pickletools.genops(content) if isinstance(arg, str)}
    assert not any("torch" in name for name in named)
    (tmp_path / "classifier.pkl").write_bytes(content)
    np.save(tmp_path / "expected.npy", classifier.predict_proba(photos.test_paths))
    code = (
        "import pickle, numpy as np; from pathlib import Path; "
        "one = pickle.loads(Path('classifier.pkl').read_bytes()); "
        f"found = one.predict_proba({[str(path) for path in photos.test_paths]}); "
        "assert (found == np.load('expected.npy')).all(); "
        f"print(one.predict({[str(photos.test_paths[-1])]})[0])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert out.stdout.strip() in ("dark", "light")


def test_a_pickle_of_another_version_is_refused() -> None:
    X, y = make_blobs(30, random_state=0)
    content = pickle.dumps(dense().fit(X, y))
    other = content.replace(b'\\"version\\": 1,', b'\\"version\\": 9,')
    with pytest.raises(CheckpointError, match="of version 9; this headstart reads 1"):
        pickle.loads(other)


def test_before_fit_there_is_nothing_to_ask() -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        dense().predict([[1.0, 2.0]])


def test_scikit_learn_is_an_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "import headstart\n"
        "try:\n    headstart.TransferClassifier\n"
        "except headstart.HeadstartError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == (
        "TransferClassifier needs scikit-learn, which is not installed: "
        "pip install 'headstart[sklearn]'."
    )
