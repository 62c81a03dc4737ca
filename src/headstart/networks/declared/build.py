"""Torch module of a declared network, with the tensor names of `initial.fresh_weights`."""

from collections.abc import Collection, Set
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from headstart.networks.declared.layers import (
    BatchNorm,
    Dropout,
    Flatten,
    MaxPool,
    PaddedConv,
    Relu,
    SamePad,
)
from headstart.networks.declared.memory_layout import channels_last, to_canonical, to_module_layout
from headstart.networks.staged import class_logits
from headstart.networks.weights import Weights
from headstart.study import declared as spec
from headstart.study.declared_facts import LayerFacts, declared_facts, layers_of
from headstart.study.network_facts import Shape


class Network(nn.Module):
    """The staged module of a declared network: one block a layer.

    `layer_facts` are those of `layers()`, one by one, as they are built.
    """

    def __init__(self, network: spec.DeclaredNetwork, image: Shape, num_classes: int) -> None:
        super().__init__()
        self.stage_names = network.stage_names
        self.facts = declared_facts(network, image, num_classes)
        built: dict[str, list[nn.Module]] = {name: [] for name in self.stage_names}
        self.layer_facts = pooled_first(layers_of(network, image, num_classes))
        for at, layer in enumerate(self.layer_facts):
            built[layer.stage].append(_module(self.layer_facts, at))
        for name, modules in built.items():
            self.add_module(name, nn.Sequential(*modules))
        # Asked for at every update; a tuple of pairs is no child of the module.
        self._layers = tuple((name, layer) for name, found in built.items() for layer in found)

    def stage(self, name: str) -> nn.Sequential:
        """One stage by its name."""
        return cast(nn.Sequential, self.get_submodule(name))

    def layers(self) -> tuple[tuple[str, nn.Module], ...]:
        """Every layer with the name of its stage, in order."""
        return self._layers

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of inputs (batch, channels, height, width)."""
        return class_logits(self.run(inputs, 0, len(self._layers)))

    def run(self, inputs: Tensor, first: int, end: int) -> Tensor:
        """Output of layers `first` to `end` - 1 for the output of the layers before."""
        for _, layer in self._layers[first:end]:
            inputs = layer(inputs)
        return inputs

    def set_modes(self, train: Set[str]) -> None:
        """Train mode for the stages named, eval mode for all others."""
        for name in self.stage_names:
            self.stage(name).train(name in train)

    def draw_from(self, generator: torch.Generator) -> None:
        """Let dropout draw from a generator."""
        for layer in self.modules():
            if isinstance(layer, Dropout):
                layer.generator = generator

    def weights(self, names: Collection[str] | None = None) -> Weights:
        """A copy of all or some parameters and buffers."""
        held = {
            name: tensor.detach().cpu().contiguous().numpy().copy()
            for name, tensor in self.state_dict().items()
            if names is None or name in names
        }
        return to_canonical(held, self.layer_facts)


def build(
    network: spec.DeclaredNetwork, image: Shape, num_classes: int, weights: Weights
) -> Network:
    """A network holding a copy of `weights`, every tensor accounted for.

    Raises:
        RuntimeError: a tensor is missing, left over or of another shape.
    """
    with torch.device("meta"):
        module = Network(network, image, num_classes)
    held = to_module_layout(weights, module.layer_facts)
    tensors = {name: torch.tensor(array) for name, array in held.items()}
    module.load_state_dict(tensors, strict=True, assign=True)
    # Pooling and convolution of small images are about twice as fast with channels last.
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def pooled_first(layers: tuple[LayerFacts, ...]) -> tuple[LayerFacts, ...]:
    """The layers with each relu right before a max-pool of its stage put right after it.

    The greatest of the rectified values is the rectified greatest, bit for bit, and gradients go
    the same way; relu then has a quarter of the work. Neither holds a tensor, so no name changes.
    """
    ordered = list(layers)
    for at, (first, second) in enumerate(pairwise(layers)):
        kinds = isinstance(first.layer, spec.Relu) and isinstance(second.layer, spec.MaxPool)
        if kinds and first.stage == second.stage:
            ordered[at], ordered[at + 1] = second, first
    return tuple(ordered)


def _module(layers: tuple[LayerFacts, ...], at: int) -> nn.Module:
    facts, layer = layers[at], layers[at].layer
    match layer:
        case spec.Conv():
            return _conv(layer, facts.shape_in)
        case spec.Dense():
            return nn.Linear(facts.shape_in[0], layer.units, bias=layer.bias)
        case spec.MaxPool():
            return MaxPool(layer.size)
        case spec.AveragePool():
            return nn.AvgPool2d(layer.size)
        case spec.GlobalAveragePool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case spec.Flatten():
            return Flatten(channels_last=channels_last(layers, at))
        case spec.Relu():
            return Relu(layers[at - 1].layer if at else None)
        case spec.LeakyRelu():
            return nn.LeakyReLU(layer.slope)
        case spec.Gelu():
            return nn.GELU()
        case spec.Tanh():
            return nn.Tanh()
        case spec.Dropout():
            return Dropout(layer.rate)
        case spec.BatchNorm():
            return BatchNorm(facts.shape_in[-1], layer.momentum, layer.epsilon)


def _conv(layer: spec.Conv, shape_in: Shape) -> nn.Module:
    height, width, channels = shape_in
    if layer.padding == "valid" or layer.kernel == 1:
        return nn.Conv2d(
            channels, layer.channels, layer.kernel, stride=layer.stride, bias=layer.bias
        )
    if layer.stride == 1 and layer.kernel % 2 == 1:
        half = layer.kernel // 2
        return nn.Conv2d(channels, layer.channels, layer.kernel, padding=half, bias=layer.bias)
    pad = SamePad(layer.kernel, layer.stride, height, width)
    return PaddedConv(pad, channels, layer)
