"""Predictions of a network in eval mode."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.core.array_cache import MemmapCache
from headstart.networks.build import build
from headstart.networks.staged import StagedModule, class_logits
from headstart.networks.weights import Weights
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import Shape
from headstart.study.operations import features_are_small
from headstart.train.device_data import DeviceData, to_device
from headstart.train.features import as_they_are, cached_features
from headstart.train.forward import Forward
from headstart.train.phase_config import Examples
from headstart.train.threads import parallel_map


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted classes (n,), int64, probabilities (n, classes) and their logarithms, float32.

    A logarithm is finite where single precision makes the probability 0.
    """

    classes: np.ndarray
    probabilities: np.ndarray
    log_probabilities: np.ndarray


def predict(
    network: AnyNetwork,
    image: Shape,
    num_classes: int,
    weights: Weights,
    examples: Examples,
    device: torch.device,
    done: int = 0,
    cache: MemmapCache | None = None,
) -> Predictions:
    """Predictions for the images of examples; their labels are not looked at.

    Outputs of the first `done` blocks are cached features, where they are small: trainings that
    left these blocks as they were share them.
    """
    of = (network, image, num_classes)
    module = build(*of, weights).to(device)
    if done and features_are_small(module.facts, done, len(examples.labels)):
        part = cached_features(of, done, weights, examples, device, as_they_are, cache)
        return _predictions(logits_of(module, part, done))
    return predictions_of(module, examples, device)


def predictions_of(module: StagedModule, examples: Examples, device: torch.device) -> Predictions:
    """Predictions of a module that lies on a device."""
    return _predictions(logits_of(module, to_device(examples, device)))


def _predictions(logits: torch.Tensor) -> Predictions:
    logits = logits.cpu()
    return Predictions(
        classes=logits.argmax(1).numpy(),
        probabilities=logits.softmax(1).numpy(),
        log_probabilities=logits.double().log_softmax(1).float().numpy(),
    )


def logits_of(module: StagedModule, part: DeviceData, done: int = 0) -> Tensor:
    """Logits in eval mode, in batches, from the outputs of the first `done` blocks.

    Leaves the module in eval mode.
    """
    module.eval()
    forward = Forward(module, part, done, len(module.facts.blocks), part.labels.device)
    of = torch.inference_mode()(forward)
    return torch.cat([class_logits(outputs) for outputs in parallel_map(of, forward.batches)])
