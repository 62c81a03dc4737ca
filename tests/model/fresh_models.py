"""Models with first weights a little moved, of any network, without a study."""

from typing import Any

import numpy as np
from pydantic import TypeAdapter

from headstart.data.preprocess import Scaling, Standardiser
from headstart.model.trained import Origin, TrainedModel
from headstart.networks.build import fresh_weights
from headstart.study.decoding import Decoding
from headstart.study.network import AnyNetwork, Network
from headstart.study.network_facts import Shape

ORIGIN = Origin(
    study="none",
    source="source",
    target="target",
    arm="scratch",
    size="all",
    num_images=9,
    seed=0,
    updates=None,
    steps=(),
    validation_accuracy=None,
    test=None,
)
NETWORK: TypeAdapter[AnyNetwork] = TypeAdapter(Network)


def fresh_model(
    network: Any, pixels: Shape = (32, 32, 3), classes: int = 5, scaling: Scaling | None = None
) -> TrainedModel:
    """A model of a network as a study file names it."""
    spec = NETWORK.validate_python(network)
    scaling = scaling or normalised(pixels[2])
    image = (*pixels[:2], scaling.channels or pixels[2])
    weights = dict(fresh_weights(spec, image, classes, 1, "target"))
    draws = np.random.default_rng(1)
    for name, array in weights.items():
        if array.dtype == np.float32:  # statistics of normalisation stay positive
            weights[name] = array + draws.normal(0, 0.01, array.shape).astype(np.float32)
    return TrainedModel(
        network=spec,
        pixels=pixels,
        classes=tuple(f"class {number}" for number in range(classes)),
        weights=weights,
        scaling=scaling,
        decoding=Decoding(size=(pixels[0], pixels[1]), colour="rgb" if pixels[2] == 3 else "grey"),
        origin=ORIGIN,
    )


def normalised(channels: int) -> Scaling:
    """Another mean and deviation for each channel."""
    moments = (np.linspace(low, low + 0.2, channels, dtype=np.float32) for low in (0.3, 0.2))
    mean, deviation = (moment.reshape(1, 1, 1, -1) for moment in moments)
    return Scaling(255.0, Standardiser(mean, deviation), channels)


def noise(pixels: Shape, num: int = 5) -> np.ndarray:
    """Noisy images from dark to light, uint8 (num, height, width, channels)."""
    draws = np.random.default_rng(2)
    brightest = np.linspace(20, 256, num).reshape(num, 1, 1, 1)
    return (draws.random((num, *pixels)) * brightest).astype(np.uint8)
