"""Predictions of a network in eval mode."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.networks.build import Network, build
from headstart.networks.initial import Weights
from headstart.spec.network import NetworkSpec
from headstart.spec.shapes import Shape
from headstart.train.lanes import spread

_BATCHES = {"cpu": 128, "cuda": 2048}


def batch_for(device: torch.device) -> int:
    """Images at a time: enough to fill the device, few enough to stay in a processor's caches."""
    return _BATCHES[device.type]


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
    inputs: np.ndarray,
    device: torch.device,
) -> Predictions:
    """Predictions for inputs (n, channels, height, width)."""
    module = build(network, image, num_classes, weights).to(device)
    logits = logits_of(module, as_images(inputs, device)).cpu()
    return Predictions(classes=logits.argmax(1).numpy(), probabilities=logits.softmax(1).numpy())


def as_images(inputs: np.ndarray, device: torch.device) -> Tensor:
    """Inputs (n, channels, height, width) on the device, channels last; no copy if there is one.

    PyTorch would copy images of one channel too, though only their strides have to say so.
    """
    num, channels, height, width = inputs.shape
    images = torch.from_numpy(inputs)
    if channels == 1:
        return images.view(num, height, width, 1).permute(0, 3, 1, 2).to(device)
    return images.to(device, memory_format=torch.channels_last)


def logits_of(module: Network, inputs: Tensor, done: int = 0) -> Tensor:
    """Logits in eval mode, in batches, of what the first `done` layers gave.

    Leaves the module in eval mode.
    """
    module.eval()
    batch = batch_for(inputs.device)

    @torch.inference_mode()
    def of(at: int) -> Tensor:
        return module.resume(inputs[at : at + batch], done)

    return torch.cat(spread(of, range(0, len(inputs), batch)))
