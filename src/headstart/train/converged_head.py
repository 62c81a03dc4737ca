"""A phase whose head is solved to convergence: features once, a path of penalties, one choice."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.core.array_cache import MemmapCache
from headstart.core.hashing import Json, digest_of
from headstart.metrics import ACCURACY, Metric
from headstart.networks.build import to_canonical
from headstart.networks.staged import class_logits
from headstart.networks.weights import Weights
from headstart.study.network_facts import NetworkFacts
from headstart.study.operations import flops_of_solving
from headstart.train.checkpoints import Best
from headstart.train.features import as_they_are, cached_features
from headstart.train.logistic_path import RegularisationPath, fit_path
from headstart.train.loop import Examples, Measurement, PhaseConfig, PhaseResult

Head = tuple[np.ndarray, np.ndarray]
"""Weight (outputs, features) and bias (outputs,)."""

PENALTIES = tuple(float(penalty) for penalty in np.logspace(-6, 6, 25))


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Result of a solved phase: that of a trained one, and how the solver ended.

    `facts` has the chosen penalty, its iterations and gradient, and the iterations of the whole
    path; `flops` are those of the trunk's one pass over the training images and of the whole path.
    """

    result: PhaseResult
    facts: Json
    flops: int


def solve_phase(
    work: PhaseConfig,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
    cache: MemmapCache | None = None,
) -> Solution:
    """Solve the head on the trunk in `weights`; the arrays passed in are not changed.

    The penalty is the one of `PENALTIES` that is best by the metric on validation, the larger of
    equals.
    The curve is this one measurement, at the end of the phase's updates.

    Raises:
        ValueError: there is no validation image to pick the penalty on, or a feature is not finite.
        ArithmeticError: a penalty did not converge.
    """
    if not len(validation.labels):
        raise ValueError("a converged head picks its penalty on validation images; there are none")
    started = time.perf_counter()
    facts = work.facts
    trunk, names = len(facts.blocks) - 1, _head_names(facts)
    frozen = [name for name in weights if name not in names]

    def features_of(examples: Examples) -> Tensor:
        return cached_features(
            work.architecture, trunk, weights, examples, device, as_they_are, cache
        ).resident

    features = features_of(train)
    loss_weights = work.loss_weights(train.labels)
    path = fit_path(
        features,
        train.labels,
        work.num_classes,
        PENALTIES,
        weights=None if loss_weights is None else loss_weights[train.labels],
    )
    seconds = time.perf_counter() - started
    held_out = features_of(validation)
    one_output = len(weights[names[0]]) == 1
    heads = [_head(path, at, one_output) for at in range(len(path.penalties))]
    accuracies = [
        _loss_accuracy(head, held_out, validation.labels, work.metric)[1] for head in heads
    ]
    chosen = int(np.argmax(accuracies))  # the first of equals, and penalties fall
    head = dict(zip(names, heads[chosen], strict=True))
    solved = {**weights, **to_canonical(work.network, work.image, work.num_classes, head)}
    point = _measure(work, heads[chosen], (features, held_out), (train, validation))
    iterations = int(path.iterations.sum())
    return Solution(
        result=PhaseResult(
            last_weights=solved,
            best_weights=solved,
            best=Best(update=point.update, accuracy=accuracies[chosen]),
            curve=(point,),
            seconds=seconds,
            moving=frozenset(names),
            frozen_before=digest_of(weights, frozen),
            frozen_after=digest_of(solved, frozen),
            trained_moved=any((weights[name] != solved[name]).any() for name in names),
            finite=all(np.isfinite(array).all() for array in solved.values()),
        ),
        facts={
            "penalty": float(path.penalties[chosen]),
            "iterations": int(path.iterations[chosen]),
            "gradient": float(path.gradients[chosen]),
            "iterations_of_path": iterations,
        },
        flops=flops_of_solving(facts, len(train.labels), iterations),
    )


def _head_names(facts: NetworkFacts) -> tuple[str, str]:
    """Names of the weight and the bias of the head."""
    head = facts.linear_head
    if head is None or head.bias is None or len(facts.blocks[-1].shape_in) != 1:
        raise ValueError(
            "only a head that is one dense layer with a bias can be solved to convergence"
        )
    return head.weight, head.bias


def _head(path: RegularisationPath, at: int, one_output: bool) -> Head:
    """One head of the regularisation path, in the memory layout of the module.

    A sigmoid head has one output, the logit of the second class against the first.
    """
    weight, bias = path.weights[at], path.biases[at]
    if one_output and len(weight) == 2:
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    return weight.astype(np.float32), bias.astype(np.float32)


def _loss_accuracy(
    head: Head, features: Tensor, labels: np.ndarray, metric: Metric
) -> tuple[float, float]:
    """Mean cross-entropy, and score by a metric, of a head in float32 as predictions have it."""
    weight, bias = (torch.from_numpy(array).to(features.device) for array in head)
    logits = class_logits(features @ weight.T + bias)
    truth = torch.from_numpy(labels).to(features.device)
    loss = torch.nn.functional.cross_entropy(logits, truth)
    return float(loss), metric.of(labels, logits.argmax(1).cpu().numpy())


def _measure(
    work: PhaseConfig,
    head: Head,
    features: tuple[Tensor, Tensor],
    examples: tuple[Examples, Examples],
) -> Measurement:
    metrics = (ACCURACY, work.metric)
    (train_loss, train_accuracy), (loss, accuracy) = (
        _loss_accuracy(head, inputs, part.labels, metric)
        for inputs, part, metric in zip(features, examples, metrics, strict=True)
    )
    return Measurement(
        update=work.first_update + work.phase.updates,
        train_loss=train_loss,
        validation_loss=loss,
        validation_accuracy=accuracy,
        train_accuracy=train_accuracy,
    )
