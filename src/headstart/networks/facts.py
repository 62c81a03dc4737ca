"""Facts of any network. Torch is imported only to inspect a network that is not known yet."""

from headstart.study.declared import DeclaredNetwork, Flatten
from headstart.study.declared_facts import declared_facts
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import NetworkFacts, Shape

Architecture = tuple[AnyNetwork, Shape, int]
"""A network, the shape of its images (height, width, channels) and its number of classes."""


def facts_of(network: AnyNetwork, image: Shape, num_classes: int) -> NetworkFacts:
    """Facts of a network for images (height, width, channels) and a number of classes.

    Raises:
        ShapeError: a layer of a declared network does not fit the images.
        HeadstartError: a library's network is not known, or its library is not installed.
    """
    if isinstance(network, DeclaredNetwork):
        return declared_facts(network, image, num_classes)
    raise NotImplementedError


def num_leading_flattens(network: AnyNetwork) -> int:
    """How many blocks from the stem do nothing but turn images into rows."""
    if not isinstance(network, DeclaredNetwork):
        return 0
    number = 0
    for layer in (layer for stage in network.stages for layer in stage.layers):
        if not isinstance(layer, Flatten):
            break
        number += 1
    return number
