"""Memory layout of weights behind a flattening: the order in which images lie in memory.

Images lie with their channels last, and weights are given as PyTorch has them, channel by channel.
To turn every batch round, and its gradient, takes longer than the layers next to it; weights are
turned once.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from headstart.networks.weights import Weights
from headstart.study.declared import Conv, Dense, Flatten
from headstart.study.declared_facts import LayerFacts
from headstart.study.network_facts import Shape

FEW_CHANNELS = 16  # of a convolution; up to here it may be computed channel by channel


def channels_last(layers: Sequence[LayerFacts], at: int) -> bool:
    """Whether the flattening at a position gives rows in which a pixel's channels are together.

    Not behind a small convolution, whose outputs may lie channel by channel.
    """
    channels = layers[at].shape_in[-1]
    small = channels <= FEW_CHANNELS and any(isinstance(e.layer, Conv) for e in layers[:at])
    return len(layers[at].shape_in) > 1 and not small


def to_module_layout(weights: Weights, layers: Sequence[LayerFacts]) -> Weights:
    """Weights, all or some of them, as the modules of all these layers hold them."""
    return _reordered(weights, layers, lambda order: order)


def to_canonical(weights: Weights, layers: Sequence[LayerFacts]) -> Weights:
    """Inverse of `to_module_layout`."""
    return _reordered(weights, layers, np.argsort)


def _reordered(
    weights: Weights, layers: Sequence[LayerFacts], way: Callable[[np.ndarray], np.ndarray]
) -> Weights:
    found = dict(weights)
    for facts, (height, width, channels) in _behind(layers):
        given = np.arange(channels * height * width).reshape(channels, height, width)
        order = way(given.transpose(1, 2, 0).ravel())
        prefix = f"{facts.stage}.{facts.index}."
        for name in (name for name in weights if name.startswith(prefix)):
            array = weights[name]
            if not isinstance(facts.layer, Dense):
                found[name] = array.take(order)
            elif array.ndim > 1:  # the bias is one for each output
                found[name] = array.take(order, axis=1)
    return found


def _behind(layers: Sequence[LayerFacts]) -> Iterator[tuple[LayerFacts, Shape]]:
    """Layers that see turned rows, up to the first dense one, and the shape of their images."""
    shape: Shape | None = None
    for at, facts in enumerate(layers):
        if isinstance(facts.layer, Flatten) and channels_last(layers, at):
            shape = facts.shape_in if facts.shape_in[-1] > 1 else None
        elif shape is not None:
            yield facts, shape
            if isinstance(facts.layer, Dense):
                shape = None
