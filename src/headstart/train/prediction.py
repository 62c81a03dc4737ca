"""Predictions of a network in eval mode."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from headstart.networks.build import Network, build
from headstart.networks.initial import Weights
from headstart.spec.network import NetworkSpec
from headstart.spec.shapes import LayerFacts, Shape
from headstart.train.lanes import spread
from headstart.train.parts import Part, part_of
from headstart.train.work import Examples

_MOST = {"cpu": 128, "cuda": 2_048}
_VALUES = {"cpu": 1_500_000, "cuda": 256_000_000}  # that a layer gives, at most


def batch_for(device: torch.device, layers: Sequence[LayerFacts]) -> int:
    """Images at a time: enough to fill the device, few enough for its memory and caches.

    On a processor the largest layer's outputs take six megabytes, and on a GPU one gigabyte,
    however large the images are.
    """
    largest = max((prod(facts.shape_out) for facts in layers), default=1)
    return min(max(_VALUES[device.type] // largest, 1), _MOST[device.type])


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
    logits = logits_of(module, part_of(examples, device)).cpu()
    return Predictions(classes=logits.argmax(1).numpy(), probabilities=logits.softmax(1).numpy())


def logits_of(module: Network, part: Part, done: int = 0) -> Tensor:
    """Logits in eval mode, in batches, of what the first `done` layers gave.

    Leaves the module in eval mode.
    """
    module.eval()
    batch = batch_for(part.labels.device, module.facts[done:])

    @torch.inference_mode()
    def of(at: int) -> Tensor:
        return module.resume(part.between(at, at + batch), done)

    return torch.cat(spread(of, range(0, len(part.labels), batch)))
