"""A phase whose head is solved to convergence: features once, a path of penalties, one choice."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.core.array_cache import MemmapCache
from headstart.core.hashing import Json, hash_arrays
from headstart.networks.declared.build import Network, build, weights_of
from headstart.networks.declared.initial import Weights, stage_of
from headstart.networks.declared.memory_layout import to_canonical
from headstart.study.network import HEAD
from headstart.study.operations import flops_of_solving
from headstart.study.shapes import layers_of
from headstart.train.checkpoints import Best
from headstart.train.features import as_they_are, cached_features
from headstart.train.logistic_path import RegularisationPath, fit_path
from headstart.train.loop import Examples, Measurement, PhaseConfig, PhaseResult

PENALTIES = tuple(float(penalty) for penalty in np.logspace(-6, 6, 25))
WEIGHT, BIAS = f"{HEAD}.0.weight", f"{HEAD}.0.bias"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """What a solved phase leaves behind: the same as a trained one, and how it was solved.

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
    shelf: MemmapCache | None = None,
) -> Solution:
    """Solve the head on the trunk in `weights`; the arrays passed in are not changed.

    The penalty is the one of `PENALTIES` with the best validation accuracy, the larger of equals.
    The curve is this one measurement, at the end of the phase's updates.

    Raises:
        ValueError: there is no validation image to pick the penalty on, or a feature is not finite.
        ArithmeticError: a penalty did not converge.
    """
    if not len(validation.labels):
        raise ValueError("a converged head picks its penalty on validation images; there are none")
    started = time.perf_counter()
    module = build(work.network, work.image, work.num_classes, weights).to(device)
    trunk = sum(stage != HEAD for stage, _ in module.layers())
    frozen = _hash(weights, head=False)

    def seen(examples: Examples) -> Tensor:
        return cached_features(work, trunk, weights, examples, device, as_they_are, shelf).inputs

    features = seen(train)
    path = fit_path(features, train.labels, work.num_classes, PENALTIES)
    seconds = time.perf_counter() - started
    held_out = seen(validation)
    heads = [_head(path, at, weights) for at in range(len(path.penalties))]
    accuracies = [_told(module, head, held_out, validation.labels)[1] for head in heads]
    chosen = int(np.argmax(accuracies))  # the first of equals, and penalties fall
    solved = {**weights_of(module), **to_canonical(heads[chosen], work.layers)}
    point = _measure(work, module, heads[chosen], (features, held_out), (train, validation))
    iterations = int(path.iterations.sum())
    layers = layers_of(work.network, work.image, work.num_classes)
    return Solution(
        result=PhaseResult(
            last_weights=solved,
            best_weights=solved,
            best=Best(update=point.update, accuracy=accuracies[chosen]),
            curve=(point,),
            seconds=seconds,
            frozen_before=frozen,
            frozen_after=_hash(solved, head=False),
            trained_moved=_hash(weights, head=True) != _hash(solved, head=True),
            finite=all(np.isfinite(array).all() for array in solved.values()),
        ),
        facts={
            "penalty": float(path.penalties[chosen]),
            "iterations": int(path.iterations[chosen]),
            "gradient": float(path.gradients[chosen]),
            "iterations_of_path": iterations,
        },
        flops=flops_of_solving(layers, len(train.labels), iterations),
    )


def _head(path: RegularisationPath, at: int, weights: Weights) -> Weights:
    """One head of the path as the network holds it.

    A sigmoid head has one output, the logit of the second class against the first.
    """
    weight, bias = path.weights[at], path.biases[at]
    if len(weights[WEIGHT]) == 1 and len(weight) == 2:
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    return {WEIGHT: weight.astype(np.float32), BIAS: bias.astype(np.float32)}


def _told(
    module: Network, head: Weights, features: Tensor, labels: np.ndarray
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of a head as it will be used, in float32."""
    weight, bias = (torch.from_numpy(head[name]).to(features.device) for name in (WEIGHT, BIAS))
    logits = module.logits(features @ weight.T + bias)
    truth = torch.from_numpy(labels).to(features.device)
    loss = torch.nn.functional.cross_entropy(logits, truth)
    return float(loss), float((logits.argmax(1) == truth).double().mean())


def _measure(
    work: PhaseConfig,
    module: Network,
    head: Weights,
    features: tuple[Tensor, Tensor],
    examples: tuple[Examples, Examples],
) -> Measurement:
    (train_loss, train_accuracy), (loss, accuracy) = (
        _told(module, head, inputs, part.labels)
        for inputs, part in zip(features, examples, strict=True)
    )
    return Measurement(
        update=work.first_update + work.phase.updates,
        train_loss=train_loss,
        validation_loss=loss,
        validation_accuracy=accuracy,
        train_accuracy=train_accuracy,
    )


def _hash(weights: Weights, *, head: bool) -> str:
    """A hash of the head, or of everything but the head."""
    return hash_arrays({n: array for n, array in weights.items() if (stage_of(n) == HEAD) == head})
