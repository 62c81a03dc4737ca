"""The converged head: scikit-learn's objective, told by an independent solver; and its phase."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax

from headstart.networks.declared.initial import fresh_weights
from headstart.networks.weights import Weights
from headstart.strategies import phases_of
from headstart.study.arms import Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.converged_head import PENALTIES, Solution, solve_phase
from headstart.train.logistic_path import RegularisationPath, fit_path
from headstart.train.loop import Examples, PhaseConfig
from headstart.train.prediction import predict

CPU = torch.device("cpu")


def problem(seed: int, num: int, width: int, classes: int, apart: float) -> tuple[Any, Any]:
    """Features of uneven scale around one centre for each class, and their labels."""
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, classes, num)
    labels[:classes] = np.arange(classes)
    centres = apart * drawn.normal(size=(classes, width))
    features = (drawn.normal(size=(num, width)) + centres[labels]) * drawn.uniform(0.1, 30, width)
    return features + drawn.normal(size=width) * 10, labels


def standardised(features: np.ndarray) -> np.ndarray:
    deviation = features.std(0)
    still = deviation <= 1e-6 * deviation.max()
    scaled = (features - features.mean(0)) / np.where(still, 1, deviation)
    return np.where(still, 0.0, scaled)


def objective(
    head: np.ndarray, scaled: np.ndarray, labels: np.ndarray, penalty: float
) -> tuple[float, np.ndarray]:
    """The objective in the module's docstring and its gradient, written out plainly."""
    head = head.reshape(-1, scaled.shape[1] + 1)
    weights, bias = head[:, :-1], head[:, -1]
    logs = log_softmax(scaled @ weights.T + bias, axis=1)
    loss = -logs[np.arange(len(labels)), labels].mean() + penalty / 2 * (weights**2).sum()
    residuals = (np.exp(logs) - np.eye(len(head))[labels]) / len(labels)
    inner = residuals.T @ scaled + penalty * weights
    return loss, np.column_stack([inner, residuals.sum(0)])


def reference(features: np.ndarray, labels: np.ndarray, classes: int, penalty: float) -> np.ndarray:
    """Chances of the training images by scipy's own L-BFGS."""
    scaled = standardised(features)

    def flat(head: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = objective(head, scaled, labels, penalty)
        return value, slope.ravel()

    found = minimize(
        flat,
        np.zeros(classes * (scaled.shape[1] + 1)),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-10, "ftol": 1e-16, "maxiter": 20000, "maxfun": 40000},
    )
    head = found.x.reshape(classes, -1)
    return np.asarray(np.exp(log_softmax(scaled @ head[:, :-1].T + head[:, -1], axis=1)))


def chances(path: RegularisationPath, at: int, features: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(log_softmax(features @ path.weights[at].T + path.biases[at], axis=1)))


def gradient_at(
    path: RegularisationPath, at: int, features: np.ndarray, labels: np.ndarray
) -> float:
    """The largest entry of the gradient, from the head as returned, unfolded again."""
    deviation = features.std(0)
    deviation = np.where(deviation <= 1e-6 * deviation.max(), 1, deviation)
    bias = path.biases[at] + path.weights[at] @ features.mean(0)
    head = np.column_stack([path.weights[at] * deviation, bias])
    _, slope = objective(head, standardised(features), labels, path.penalties[at])
    return float(np.abs(slope).max())


CASES = {
    "overlapping": (60, 5, 3, 0.5),
    "two classes": (50, 4, 2, 0.5),
    "separable": (40, 6, 3, 5.0),
    "fewer images than features": (15, 40, 3, 0.5),
    "many classes": (200, 8, 12, 1.0),
}


@pytest.mark.parametrize("case", CASES)
def test_heads_are_those_of_an_independent_solver(case: str) -> None:
    num, width, classes, apart = CASES[case]
    features, labels = problem(0, num, width, classes, apart)
    penalties = [1e-4, 1e-2, 1.0]
    path = fit_path(features, labels, classes, penalties, tolerance=1e-9)
    assert list(path.penalties) == sorted(penalties, reverse=True)
    for at, penalty in enumerate(path.penalties):
        expected = reference(features, labels, classes, penalty)
        np.testing.assert_allclose(chances(path, at, features), expected, atol=2e-5)


def test_separable_data_with_hardly_any_penalty_ends_below_the_tolerance() -> None:
    features, labels = problem(1, 40, 6, 3, 6.0)
    path = fit_path(features, labels, 3, [1e-9, 1e-6, 1e-3], tolerance=1e-7)
    assert (path.gradients < 1e-7).all()
    assert gradient_at(path, 2, features, labels) < 1e-7
    assert (chances(path, 2, features).argmax(1) == labels).all()


def test_constant_features_count_for_nothing() -> None:
    features, labels = problem(2, 60, 5, 3, 0.5)
    still = np.column_stack([features, np.full(60, 7.0), np.zeros(60), np.full(60, 1e6)])
    with_them = fit_path(still, labels, 3, [1e-2], tolerance=1e-8)
    without = fit_path(features, labels, 3, [1e-2], tolerance=1e-8)
    assert (with_them.weights[0][:, 5:] == 0).all()
    np.testing.assert_allclose(
        chances(with_them, 0, still), chances(without, 0, features), atol=1e-6
    )


def test_all_features_constant_leaves_the_shares_of_the_classes() -> None:
    labels = np.array([0, 0, 0, 1, 2, 2])
    path = fit_path(np.full((6, 4), 3.0), labels, 3, [1e-6], tolerance=1e-9)
    told = chances(path, 0, np.full((1, 4), 3.0))[0]
    np.testing.assert_allclose(told, [3 / 6, 1 / 6, 2 / 6], atol=1e-6)


def test_a_class_without_images_is_hardly_ever_told() -> None:
    features, labels = problem(3, 60, 5, 3, 1.0)
    path = fit_path(features, labels, 5, PENALTIES, tolerance=1e-6)
    present = fit_path(features, labels, 3, PENALTIES, tolerance=1e-6)
    for at in range(len(PENALTIES)):
        told = chances(path, at, features)
        assert told[:, 3:].mean(0).max() < 1e-6
        np.testing.assert_allclose(told[:, :3], chances(present, at, features), atol=2e-2)
    assert path.iterations.sum() < 1000


def test_a_folded_head_gives_the_logits_of_the_standardised_one() -> None:
    """Heads of given features and of features standardised by hand differ in form alone."""
    features, labels = problem(4, 80, 6, 3, 0.5)
    scaled = standardised(features)
    folded = fit_path(features, labels, 3, [1e-3], tolerance=1e-10)
    plain = fit_path(scaled, labels, 3, [1e-3], tolerance=1e-10)
    np.testing.assert_allclose(
        features @ folded.weights[0].T + folded.biases[0],
        scaled @ plain.weights[0].T + plain.biases[0],
        atol=1e-6,
    )


def test_a_large_penalty_leaves_the_shares_of_the_classes() -> None:
    features, labels = problem(5, 60, 5, 3, 0.5)
    path = fit_path(features, labels, 3, [1e6])
    shares = np.bincount(labels) / 60
    np.testing.assert_allclose(chances(path, 0, features), np.tile(shares, (60, 1)), atol=1e-4)


def test_copies_of_one_feature_converge_too() -> None:
    """The curvature has rank one, and its float32 products are no longer positive."""
    features, labels = problem(9, 300, 1, 3, 0.5)
    copied = np.tile(features, 200)
    path = fit_path(copied, labels, 3, [1e-7, 1e-4], tolerance=1e-7)
    assert gradient_at(path, 1, copied, labels) < 1e-6


def test_features_beyond_what_is_factored_converge_too(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = problem(6, 60, 5, 3, 0.5)
    whole = fit_path(features, labels, 3, [1e-3, 1e-1], tolerance=1e-9)
    monkeypatch.setattr("headstart.train.logistic_path.LARGEST_FACTORED", 3)
    diagonal = fit_path(features, labels, 3, [1e-3, 1e-1], tolerance=1e-9)
    np.testing.assert_allclose(diagonal.biases, whole.biases, rtol=1e-4, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    num=st.integers(6, 60),
    width=st.integers(1, 30),
    classes=st.integers(2, 5),
    apart=st.sampled_from([0.0, 0.5, 3.0]),
    penalty=st.floats(-7, 3),
)
def test_no_entry_of_the_gradient_is_above_the_tolerance(
    seed: int, num: int, width: int, classes: int, apart: float, penalty: float
) -> None:
    features, labels = problem(seed, num, width, classes, apart)
    path = fit_path(features, labels, classes, [10**penalty, 10.0 ** (penalty + 1)])
    for at in range(2):
        assert path.gradients[at] < 1e-5
        assert gradient_at(path, at, features, labels) < 1.001e-5


def test_what_cannot_be_fitted_is_refused() -> None:
    features, labels = problem(7, 20, 3, 2, 0.5)
    with pytest.raises(ValueError, match="got penalty 0; every penalty must be above 0"):
        fit_path(features, labels, 2, [1.0, 0.0])
    features[3, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit_path(features, labels, 2, [1.0])


def test_a_path_that_does_not_converge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = problem(8, 60, 5, 3, 0.5)
    monkeypatch.setattr("headstart.train.logistic_path.MOST_ITERATIONS", 1)
    with pytest.raises(ArithmeticError, match=r"did not converge with penalty 0\.001: after 1"):
        fit_path(features, labels, 3, [1e-3])


# A whole phase.


def network_of(channels: int) -> dict[str, Any]:
    conv = {"kind": "conv", "channels": channels}
    flat = ["flatten", {"kind": "dropout", "rate": 0.5}, "tanh"]
    return {
        "stages": [
            {"name": "conv", "layers": [conv, "batch_norm", "relu"]},
            {"name": "dense", "layers": flat},
        ]
    }


def examples(seed: int, num: int, classes: int) -> Examples:
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, classes, num)
    inputs = drawn.normal(size=(num, 1, 6, 6)).astype(np.float32)
    for image, label in zip(inputs, labels, strict=True):
        image[0, 2 * label : 2 * label + 2] += 0.8
    return Examples(inputs=inputs, labels=labels)


def solved(
    output: str, classes: int, channels: int = 3
) -> tuple[DeclaredNetwork, Weights, Solution]:
    network = DeclaredNetwork.model_validate({**network_of(channels), "head": {"output": output}})
    weights = fresh_weights(network, (6, 6, 1), classes, seed=0, role="target")
    (phase,) = phases_of(Probe(solver="converged"), network.stage_names, 30)
    work = PhaseConfig(
        network=network,
        image=(6, 6, 1),
        num_classes=classes,
        phase=phase,
        optimiser=OptimiserSpec(lr=0.05),
        schedule=ScheduleSpec(),
        batch_size=16,
        first_update=0,
        measure_at=(10, 20, 30),
        seed=0,
        role="target",
    )
    train, validation = examples(0, 80, classes), examples(1, 60, classes)
    return network, weights, solve_phase(work, weights, train, validation, CPU)


@pytest.mark.parametrize(
    ("output", "classes", "channels"),
    [("softmax", 3, 3), ("softmax", 2, 3), ("sigmoid", 2, 3), ("softmax", 3, 20)],
)
def test_a_solved_phase_is_measured_as_the_network_will_answer(
    output: str, classes: int, channels: int
) -> None:
    network, weights, solution = solved(output, classes, channels)
    result = solution.result
    assert result.best is not None
    assert result.best_weights is not None
    validation = examples(1, 60, classes)
    told = predict(network, (6, 6, 1), classes, result.best_weights, validation, CPU)
    assert (told.classes == validation.labels).mean() == result.best.accuracy > 0.6
    (point,) = result.curve
    assert (point.update, point.validation_accuracy) == (30, result.best.accuracy)
    chance = told.probabilities[np.arange(60), validation.labels]
    assert point.validation_loss == pytest.approx(-np.log(chance).mean(), rel=1e-4)
    assert result.frozen_before == result.frozen_after
    assert result.trained_moved
    assert result.finite
    moved = {n for n, a in weights.items() if not np.array_equal(a, result.last_weights[n])}
    assert moved == {"head.0.weight", "head.0.bias"}
    assert solution.facts["penalty"] in PENALTIES
    assert 0 < solution.facts["iterations_of_path"] < 2000
    assert solution.facts["gradient"] < 1e-5
    assert solution.flops > 0


def test_a_solved_phase_gives_the_same_bits_again() -> None:
    first, second = (solved("softmax", 3)[2] for _ in range(2))
    for name, array in first.result.last_weights.items():
        np.testing.assert_array_equal(array, second.result.last_weights[name])
