"""Class weights in the loss: by hand, and in a converged head."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional
from trainer_contract import CPU

from headstart.metrics import BALANCED_ACCURACY, class_weights
from headstart.networks.declared.initial import fresh_weights
from headstart.strategies import phases_of
from headstart.study.arms import Full, Probe
from headstart.study.declared import DeclaredNetwork
from headstart.study.training import ClassWeights, OptimiserSpec, ScheduleSpec
from headstart.train.converged_head import solve_phase
from headstart.train.logistic_path import fit_path
from headstart.train.loop import Examples, PhaseConfig, run_phase
from headstart.train.registry import AUTOGRAD

FLAT = DeclaredNetwork.model_validate({"stages": [{"name": "flat", "layers": ["flatten"]}]})
IMAGE, CLASSES = (2, 3, 1), 3


def unequal(seed: int = 0, num: int = 200) -> Examples:
    """Images of three overlapping classes, of which the first is by far the commonest."""
    drawn = np.random.default_rng(seed)
    labels = drawn.choice(CLASSES, num, p=[0.86, 0.1, 0.04])
    inputs = drawn.normal(labels[:, None], 1.0, (num, 6)).astype(np.float32)
    return Examples(inputs=inputs.reshape(num, 1, 2, 3), labels=labels)


def config(weights: ClassWeights, updates: int, solver: str = "updates") -> PhaseConfig:
    strategy = Probe(solver="converged") if solver == "converged" else Full()
    return PhaseConfig(
        network=FLAT,
        image=IMAGE,
        num_classes=CLASSES,
        phase=phases_of(strategy, FLAT.stage_names, updates)[0],
        optimiser=OptimiserSpec(lr=0.1, momentum=0.0),
        schedule=ScheduleSpec(),
        batch_size=200,
        first_update=0,
        measure_at=(updates,),
        seed=0,
        role="target",
        class_weights=weights,
        metric=BALANCED_ACCURACY,
    )


def test_classes_weigh_n_by_k_n_c() -> None:
    labels = np.array([0, 0, 0, 2])
    assert class_weights(labels, 4) == pytest.approx([4 / 6, 0, 4 / 2, 0])
    assert class_weights(labels, 4)[labels].mean() == pytest.approx(1)


def test_an_update_follows_the_weighted_mean_of_the_losses() -> None:
    train, work = unequal(), config("balanced", 1)
    first = fresh_weights(FLAT, IMAGE, CLASSES, 0, "target")
    result = run_phase(work, first, train, unequal(1), CPU, trainers=[AUTOGRAD])
    weight, bias = (torch.tensor(first[f"head.0.{name}"]) for name in ("weight", "bias"))
    weight.requires_grad_()
    rows = torch.from_numpy(train.array.reshape(200, 6))
    truth = torch.from_numpy(train.labels)
    by_class = torch.from_numpy(class_weights(train.labels, CLASSES)).float()
    each = functional.cross_entropy(rows @ weight.T + bias, truth, reduction="none")
    (by_class[truth] * each).mean().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    expected = (weight - 0.1 * weight.grad).detach().numpy()
    np.testing.assert_allclose(result.last_weights["head.0.weight"], expected, rtol=1e-5, atol=1e-7)


def test_a_converged_path_with_weights_is_that_of_scikit_learn() -> None:
    train = unequal()
    rows = train.array.reshape(200, 6).astype(np.float64)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    weights = class_weights(train.labels, CLASSES)[train.labels]
    path = fit_path(scaled, train.labels, CLASSES, [1.0, 0.01], weights=weights)
    for at, penalty in enumerate(path.penalties):
        other = LogisticRegression(C=1 / (200 * penalty), class_weight="balanced", tol=1e-9)
        other.fit(scaled, train.labels)
        # Biases are free up to one number for all classes.
        ours = path.biases[at] - path.biases[at].mean()
        np.testing.assert_allclose(path.weights[at], other.coef_, atol=2e-4)
        np.testing.assert_allclose(ours, other.intercept_ - other.intercept_.mean(), atol=2e-4)


def test_rare_classes_are_answered_more_often_where_they_weigh_as_much() -> None:
    train, validation = unequal(num=300), unequal(1, num=300)
    first = fresh_weights(FLAT, IMAGE, CLASSES, 0, "target")
    scores = {}
    for weights in ("equal", "balanced"):
        work = config(weights, 40, "converged")
        solution = solve_phase(work, first, train, validation, CPU)
        assert solution.facts["gradient"] < 1e-5
        assert solution.result.best is not None
        scores[weights] = solution.result.best.accuracy
    assert scores["balanced"] > scores["equal"] + 0.05
