"""First weights, drawn tensor by tensor from named streams, without torch.

Each tensor has its own random stream, so a head gets the same first weights on any trunk, and the
numbers do not depend on the version of torch.
"""

from math import sqrt

import numpy as np

from headstart.core.seeds import generator
from headstart.networks.weights import Weights
from headstart.study.declared import BatchNorm, Conv, DeclaredNetwork, Dense, Initialiser
from headstart.study.declared_facts import LayerFacts, layers_of
from headstart.study.network_facts import Parameter, Shape

# Keras draws its "normal" initialisers from a normal cut off at two standard deviations and
# divides by this, the standard deviation that is left, to keep the variance.
_CUT_DEVIATION = 0.87962566103423978


def fresh_weights(
    network: DeclaredNetwork, image: Shape, num_classes: int, seed: int, role: str
) -> Weights:
    """First weights and buffers of every stage for one seed; `role` separates source and target."""
    weights: Weights = {}
    for layer in layers_of(network, image, num_classes):
        for parameter in layer.parameters:
            weights[parameter.name] = _draw(parameter, layer, network, seed, role)
        if isinstance(layer.layer, BatchNorm):
            prefix, channels = f"{layer.stage}.{layer.index}", layer.shape_in[-1]
            weights[f"{prefix}.running_mean"] = np.zeros(channels, np.float32)
            weights[f"{prefix}.running_var"] = np.ones(channels, np.float32)
    return weights


def stage_of(name: str) -> str:
    """The stage that a tensor belongs to."""
    return name.split(".", 1)[0]


def _draw(
    parameter: Parameter, layer: LayerFacts, network: DeclaredNetwork, seed: int, role: str
) -> np.ndarray:
    if parameter.kind == "norm":
        fill = 1.0 if parameter.name.endswith("weight") else 0.0
        return np.full(parameter.shape, fill, np.float32)
    assert isinstance(layer.layer, Conv | Dense)
    how = layer.layer.initialiser or network.initialiser
    fan_in, fan_out = _fans(layer)
    stream = generator(seed, role, "init", parameter.name)
    if parameter.kind == "bias":
        if how != "torch":
            return np.zeros(parameter.shape, np.float32)
        return _uniform(stream, parameter.shape, 1 / sqrt(fan_in))
    return _weight(how, stream, parameter.shape, fan_in, fan_out)


def _weight(
    how: Initialiser, stream: np.random.Generator, shape: Shape, fan_in: int, fan_out: int
) -> np.ndarray:
    match how:
        case "torch":  # Kaiming uniform with a = sqrt(5), PyTorch's default
            return _uniform(stream, shape, 1 / sqrt(fan_in))
        case "he_uniform":
            return _uniform(stream, shape, sqrt(6 / fan_in))
        case "glorot_uniform":
            return _uniform(stream, shape, sqrt(6 / (fan_in + fan_out)))
        case "he_normal":
            return _normal(stream, shape, sqrt(2 / fan_in))
        case "glorot_normal":
            return _normal(stream, shape, sqrt(2 / (fan_in + fan_out)))
        case "lecun_normal":
            return _normal(stream, shape, sqrt(1 / fan_in))


def _uniform(stream: np.random.Generator, shape: Shape, limit: float) -> np.ndarray:
    return stream.uniform(-limit, limit, shape).astype(np.float32)


def _normal(stream: np.random.Generator, shape: Shape, deviation: float) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    # The inverse distribution function of a uniform draw: a cut-off normal without rejections.
    drawn = ndtri(stream.uniform(ndtr(-2.0), ndtr(2.0), shape))
    return np.asarray(drawn * (deviation / _CUT_DEVIATION), np.float32)


def _fans(layer: LayerFacts) -> tuple[int, int]:
    if isinstance(layer.layer, Conv):
        window = layer.layer.kernel**2
        return layer.shape_in[-1] * window, layer.layer.channels * window
    return layer.shape_in[0], layer.shape_out[0]
