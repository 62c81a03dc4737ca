"""Facts of any network. Torch is imported only to inspect a network that is not known yet."""

from headstart.study.declared import DeclaredNetwork, Flatten
from headstart.study.declared_facts import declared_facts
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.network_facts import InputFacts, NetworkFacts, Shape

Architecture = tuple[AnyNetwork, Shape, int]
"""A network, the shape of its images (height, width, channels) and its number of classes."""


def facts_of(network: AnyNetwork, image: Shape, num_classes: int) -> NetworkFacts:
    """Facts of a network for images (height, width, channels) and a number of classes.

    Raises:
        ShapeError: a layer of a declared network does not fit the images.
        NetworkError: a library's network is not known, or its library is not installed.
    """
    if isinstance(network, DeclaredNetwork):
        return declared_facts(network, image, num_classes)
    from headstart.networks.libraries.facts import facts_for

    return facts_for(network.kind, network.name, image, num_classes)


def input_facts_of(network: LibraryNetwork) -> InputFacts | None:
    """How a library's network wants its images prepared; None where it does not say.

    Raises:
        NetworkError: the network is not known, or its library is not installed.
    """
    from headstart.networks.libraries.facts import input_facts_for

    return input_facts_for(network.kind, network.name)


def content_of(network: LibraryNetwork) -> str:
    """A hash of the files that a library's network is made of; empty where none are."""
    from headstart.networks.libraries.facts import content_of as content

    return content(network.kind, network.name)


def num_leading_flattens(network: AnyNetwork) -> int:
    """Number of blocks from the stem that only flatten images."""
    if not isinstance(network, DeclaredNetwork):
        return 0
    number = 0
    for layer in (layer for stage in network.stages for layer in stage.layers):
        if not isinstance(layer, Flatten):
            break
        number += 1
    return number
