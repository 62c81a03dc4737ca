"""The classifier keeps scikit-learn's contract: its own checks, pipelines, folds and searches."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers import TRAINING, Photos, dense, transfer, write_checkpoint
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import headstart as hs
from headstart.flow.classifier import TransferClassifier
from headstart.networks.checkpoints import at_hand
from headstart.networks.checkpoints.at_hand import networks_at_hand


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return Photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"))


# No check is left out. They are made for tables, so the classifier of tables takes them.
@parametrize_with_checks([dense()])  # type: ignore[untyped-decorator]
def test_the_checks_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_a_clone_has_the_parameters_and_is_not_fitted(checkpoint: Path) -> None:
    classifier = transfer(checkpoint, "full", learning_rate=0.01)
    again = clone(classifier)
    assert again.get_params() == classifier.get_params()
    assert not hasattr(again, "model_")
    assert "learning_rate=0.01" in repr(again)


def test_in_a_pipeline() -> None:
    X, y = make_blobs(120, centers=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), dense()).fit(1000 * X, y)
    assert pipeline.score(1000 * X, y) > 0.9
    assert pipeline.predict_proba(1000 * X[:5]).shape == (5, 3)
    again = pickle.loads(pickle.dumps(pipeline))
    assert (again.predict_proba(X) == pipeline.predict_proba(X)).all()


def test_folds_of_paths(photos: Photos, checkpoint: Path) -> None:
    paths = [str(path) for path in photos.paths]
    scores = cross_val_score(transfer(checkpoint), paths, photos.labels, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.6
    array = np.array(paths, dtype=object)
    assert (cross_val_score(transfer(checkpoint), array, photos.labels, cv=3) == scores).all()


def test_a_search_over_strategies_and_rates(photos: Photos, checkpoint: Path) -> None:
    grid = {"strategy": ["probe", "full"], "learning_rate": [0.003, 0.03]}
    search = GridSearchCV(transfer(checkpoint), grid, cv=2, error_score="raise")
    search.fit(photos.paths, photos.labels)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_.strategy == search.best_params_["strategy"]
    assert search.score(photos.test_paths, photos.test_labels) > 0.6


@pytest.mark.slow
def test_a_search_in_two_processes_finds_the_same(tmp_path: Path) -> None:
    X, y = make_blobs(60, random_state=0)
    grid = {"training": [{"updates": 5}, TRAINING], "learning_rate": [1e-4, 0.05]}
    searches = [
        GridSearchCV(dense(store=store), grid, cv=2, n_jobs=jobs, error_score="raise")
        for store, jobs in ((None, 1), (None, 2), (tmp_path / "store", 2))
    ]
    found = [search.fit(X, y).cv_results_["mean_test_score"].tolist() for search in searches]
    assert found[0] == found[1] == found[2]


def test_labels_of_any_kind_come_back() -> None:
    X, y = make_blobs(60, random_state=0)
    for classes in (["ß", "a", "é"], [30, -1, 7], [True, False, True]):
        labels = np.array(classes)[y]
        classifier = dense().fit(X, labels)
        assert classifier.classes_.tolist() == np.unique(labels).tolist()
        assert set(classifier.predict(X)) <= set(classifier.classes_)
        assert classifier.predict(X).dtype == labels.dtype


BLOBS = make_blobs(20, n_features=4, random_state=0)
IMAGES = np.zeros((20, 6, 5, 3), np.uint8)
LABELS = np.arange(20) % 2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"strategy": "prob"}, r"(?s)strategy: 'prob' is not known.*Did you mean 'probe'\?"),
        ({"strategy": {"kind": "freeze"}}, r"strategy\.cut: is missing"),
        ({"strategy": {"kind": "freeze", "cut": "stage99"}}, r"strategy\.cut: cut 'stage99'"),
        ({"source": "timm:test_resnett"}, r"'test_resnett' is not known.*Did you mean 'test_"),
        ({"source": "resnet18"}, "source.*'resnet18' names no library's network; allowed: timm"),
        ({"source": {"weights": "x"}}, "source: give either 'task'"),
        ({"network": "mlp-small"}, "network: goes without a source"),
        ({"training": {"updates": 0}}, r"training\.updates: "),
        ({"training": {"update": 3}}, r"(?s)training\.update: .*updates"),
        ({"learning_rate": -1}, r"learning_rate: "),
        ({"validation": 1.5}, r"validation: "),
        ({"image": {"size": 3}}, r"image\.size: "),
        ({"image": {"skip_broken": True}}, r"image\.skip_broken: leaves out files, but y has"),
        ({"random_state": -3}, r"random_state: "),
        ({"device": "tpu"}, "device: 'tpu' is not known"),
    ],
)
def test_settings_that_are_wrong(
    given: dict[str, Any], text: str, photos: Photos, checkpoint: Path
) -> None:
    with pytest.raises(ValueError, match=text):
        transfer(checkpoint).set_params(**given).fit(photos.paths, photos.labels)


def test_all_problems_are_reported_at_once(photos: Photos, checkpoint: Path) -> None:
    classifier = transfer(checkpoint, training={"updates": 0}, validation=2.5)
    with pytest.raises(hs.SpecError) as caught:
        classifier.fit(photos.paths, photos.labels)
    assert str(caught.value).startswith("TransferClassifier has 2 problems:")


def test_without_a_source_the_best_at_hand_is_taken(
    photos: Photos,
) -> None:
    here = networks_at_hand()
    if not here:
        pytest.skip("no pretrained network is on this computer")
    small = TransferClassifier(training=TRAINING, image={"size": [32, 32]}, device="cpu")
    assert small.fit(photos.paths, photos.labels).source_ == here[0].network
    assert dense().fit(*BLOBS).source_ is None


def test_where_no_network_is_at_hand_it_says_how_to_get_one(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_hand, "find_spec", lambda _: None)  # as if no library were installed
    monkeypatch.setattr(at_hand, "huggingface_names", lambda: ())
    with pytest.raises(hs.HeadstartError, match=r"(?s)no pretrained.*source='timm:NAME'"):
        TransferClassifier().fit(photos.paths, photos.labels)


def test_a_source_is_needed_by_what_transfers() -> None:
    with pytest.raises(hs.SpecError, match="'probe' starts from a source, and there is none"):
        dense(strategy="probe").fit(*BLOBS)


@pytest.mark.parametrize(
    ("X", "y", "text"),
    [
        ([], [], "Expected 2D array, got 1D array"),
        (IMAGES[:0], LABELS[:0], "0 sample"),
        (IMAGES, LABELS[:9], "inconsistent numbers of samples"),
        (IMAGES, np.zeros(20), r"y has 1 class only, np\.float64\(0\.0\)"),
        (IMAGES, LABELS + 0.5, "Unknown label type: continuous"),
        (IMAGES[..., :2], LABELS, r"X has the shape \(20, 6, 5, 2\)"),
        (IMAGES[..., np.newaxis], LABELS, r"X has the shape \(20, 6, 5, 3, 1\)"),
        (IMAGES.astype(int) + 300, LABELS, "whole numbers from 300 to 300"),
        (IMAGES + np.float32("nan"), LABELS, "Input X contains NaN"),
        (IMAGES + 1.5, LABELS, "floats from 1.5 to 1.5, and a pretrained network expects them"),
        (BLOBS[0], LABELS, r"X is a table of 4 columns.*network=\"mlp-small\""),
        ("./photos", LABELS, "X is one path"),
        (["a.jpg", "b.jpg"], [0, 1], r"2 of 2 image files cannot be decoded \(a\.jpg: cannot be"),
    ],
)
def test_images_and_labels_that_are_wrong(X: Any, y: Any, text: str, checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=text):
        transfer(checkpoint).fit(X, y)


def test_paths_need_a_size_and_a_colour_where_no_network_says_them(photos: Photos) -> None:
    with pytest.raises(hs.SpecError, match=r"image: is .* and X holds paths of image files"):
        dense().fit(photos.paths, photos.labels)


def test_images_of_another_shape_or_kind_are_not_predicted() -> None:
    classifier = dense().fit(IMAGES, LABELS)
    for X in (IMAGES[:, :5], IMAGES / 255, IMAGES[..., 0]):
        with pytest.raises(hs.DataError, match=r"Expected uint8 of shape \(n, 6, 5, 3\)"):
            classifier.predict(X)


def test_a_class_with_one_image_is_trained_on() -> None:
    X, y = make_blobs(41, centers=2, random_state=0)
    y[:] = 0
    y[7] = 1
    classifier = dense().fit(X, y)
    assert classifier.classes_.tolist() == [0, 1]
