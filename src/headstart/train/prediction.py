"""Predictions of a network in eval mode."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.networks.declared.build import Network, build
from headstart.networks.declared.initial import Weights
from headstart.study.network import NetworkSpec
from headstart.study.shapes import Shape
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
    network: NetworkSpec,
    image: Shape,
    num_classes: int,
    weights: Weights,
    examples: Examples,
    device: torch.device,
) -> Predictions:
    """Predictions for the images of examples; their labels are not looked at."""
    module = build(network, image, num_classes, weights).to(device)
    logits = logits_of(module, to_device(examples, device)).cpu()
    return Predictions(classes=logits.argmax(1).numpy(), probabilities=logits.softmax(1).numpy())


def logits_of(module: Network, part: DeviceData, done: int = 0) -> Tensor:
    """Logits in eval mode, in batches, of what the first `done` layers gave.

    Leaves the module in eval mode.
    """
    module.eval()
    forward = Forward(module, part, done, len(module.facts), part.labels.device)
    of = torch.inference_mode()(forward)
    return torch.cat([module.logits(outputs) for outputs in parallel_map(of, forward.batches)])
