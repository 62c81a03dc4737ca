"""Modules and first weights of any network."""

from headstart.networks.declared import build as declared
from headstart.networks.declared import initial, memory_layout
from headstart.networks.staged import StagedModule
from headstart.networks.weights import Weights
from headstart.study.declared import DeclaredNetwork
from headstart.study.declared_facts import layers_of
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import Shape


def build(network: AnyNetwork, image: Shape, num_classes: int, weights: Weights) -> StagedModule:
    """A module holding a copy of `weights`, every tensor accounted for.

    Raises:
        RuntimeError: a tensor of a declared network is missing, left over or of another shape.
        NetworkError: one of a library's network is.
    """
    if isinstance(network, DeclaredNetwork):
        return declared.build(network, image, num_classes, weights)
    from headstart.networks.libraries.build import build_module

    return build_module(network.kind, network.name, image, num_classes, weights)


def fresh_weights(
    network: AnyNetwork, image: Shape, num_classes: int, seed: int, role: str
) -> Weights:
    """First weights and buffers of every stage for one seed; `role` separates source and target."""
    if isinstance(network, DeclaredNetwork):
        return initial.fresh_weights(network, image, num_classes, seed, role)
    from headstart.networks.libraries import build as library

    return library.fresh_weights(network.kind, network.name, image, num_classes, seed, role)


def to_module_layout(
    network: AnyNetwork, image: Shape, num_classes: int, weights: Weights
) -> Weights:
    """Some or all weights in the memory layout in which the module holds them."""
    if isinstance(network, DeclaredNetwork):
        return memory_layout.to_module_layout(weights, layers_of(network, image, num_classes))
    return weights


def to_canonical(network: AnyNetwork, image: Shape, num_classes: int, weights: Weights) -> Weights:
    """Some or all weights of a module in PyTorch's layout."""
    if isinstance(network, DeclaredNetwork):
        return memory_layout.to_canonical(weights, layers_of(network, image, num_classes))
    return weights
