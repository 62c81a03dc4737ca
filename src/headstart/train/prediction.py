"""Predictions of a network in eval mode."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.networks.build import build
from headstart.networks.staged import StagedModule, class_logits
from headstart.networks.weights import Weights
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import Shape
from headstart.train.device_data import DeviceData, to_device
from headstart.train.forward import Forward
from headstart.train.phase_config import Examples
from headstart.train.threads import parallel_map


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted classes (n,), int64, and class probabilities (n, classes), float32."""

    classes: np.ndarray
    probabilities: np.ndarray


def predict(
    network: AnyNetwork,
    image: Shape,
    num_classes: int,
    weights: Weights,
    examples: Examples,
    device: torch.device,
) -> Predictions:
    """Predictions of a network for the images of examples; their labels are not looked at."""
    return predictions_of(build(network, image, num_classes, weights).to(device), examples, device)


def predictions_of(module: StagedModule, examples: Examples, device: torch.device) -> Predictions:
    """Predictions of a module that lies on a device."""
    logits = logits_of(module, to_device(examples, device)).cpu()
    return Predictions(classes=logits.argmax(1).numpy(), probabilities=logits.softmax(1).numpy())


def logits_of(module: StagedModule, part: DeviceData, done: int = 0) -> Tensor:
    """Logits in eval mode, in batches, from the outputs of the first `done` blocks.

    Leaves the module in eval mode.
    """
    module.eval()
    forward = Forward(module, part, done, len(module.facts.blocks), part.labels.device)
    of = torch.inference_mode()(forward)
    return torch.cat([class_logits(outputs) for outputs in parallel_map(of, forward.batches)])
