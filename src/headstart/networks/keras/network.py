"""A graph of Keras layers as one torch module."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.networks.keras.affine import affine_of
from headstart.networks.keras.graph import Call, Graph, Layer
from headstart.networks.keras.initialisers import initialise
from headstart.networks.keras.layers.base import Shape, Translated, Weight
from headstart.networks.keras.layers.registry import translate
from headstart.networks.keras.layers.shapes import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call as it is run: a module, the values it is given and the number of what it gives.

    `last_uses` are values that nothing needs afterwards.
    """

    name: str
    inputs: tuple[int, ...]
    gives: int
    last_uses: tuple[int, ...]


class KerasNetwork(nn.Module):
    """The layers of a Keras file in the order of its graph, on images (batch, channels, h, w).

    Tensors are named `layers.NAME.weight` and so on, with the names that the layers have in the
    file. `head` and `cuts` are names of modules: the head, and layers after which the whole state
    is one tensor.
    """

    def __init__(self, input_axes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        self.steps: list[Step] = []
        self.head = ""
        self.cuts: tuple[str, ...] = ()
        self._input_axes = input_axes

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of prepared images."""
        values = {0: self.entered(inputs)}
        for step in self.steps:
            given = [values[number] for number in step.inputs]
            for number in step.last_uses:
                del values[number]
            values[step.gives] = self.layers[step.name](*given)
            del given
        return values[self.steps[-1].gives]

    def entered(self, inputs: Tensor) -> Tensor:
        """What the first layer of the file takes: images, images without channels, or rows."""
        if self._input_axes == 3:
            return inputs
        pixels = inputs.permute(0, 2, 3, 1)
        return pixels.squeeze(3) if self._input_axes == 2 else pixels.flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A module without memory, and what its tensors are in the file.

    Attributes:
        module: the network, on the meta device.
        weights: layer, number in the layer and description of every tensor, by name.
        names: name in `module.layers` of each call, in the order of the graph.
    """

    module: KerasNetwork
    weights: Mapping[str, tuple[Layer, int, Weight]]
    names: tuple[str, ...]


def assemble(graph: Graph, image: Shape, stored: Mapping[str, np.ndarray]) -> Assembled:
    """The module of a graph for images (height, width, channels).

    Raises:
        NetworkError: a layer is not translated, or images of this shape do not pass through it.
    """
    axes = len(graph.image)
    if axes > 3:
        raise NetworkError(
            f"{graph.where}: the model takes inputs of {axes} axes; allowed: images "
            "(height, width, channels), (height, width), or rows."
        )
    builder = _Builder(axes, stored, graph)
    # Without memory: PyTorch's own first weights would be drawn for nothing.
    with torch.device("meta"):
        builder.run(_entering(image, axes))
    return Assembled(module=builder.module, weights=builder.weights, names=tuple(builder.names))


def _entering(image: Shape, axes: int) -> Shape:
    if axes == 3:
        return (image[2], *image[:2])
    return image[:2] if axes == 2 else (prod(image),)


def materialise(assembled: Assembled) -> KerasNetwork:
    """The module with first weights as the file's initialisers draw them."""
    module = assembled.module
    _allocate(module)
    tensors = module.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, (_, _, weight) in assembled.weights.items():
            initialise(tensors[name], weight.shape, weight.initialiser)
    return module


class _Builder:
    """Builds layer by layer, each for the shapes that the layers before it give."""

    def __init__(self, axes: int, stored: Mapping[str, np.ndarray], graph: Graph) -> None:
        self.module = KerasNetwork(axes)
        self.weights: dict[str, tuple[Layer, int, Weight]] = {}
        self.names: list[str] = []
        self._stored, self._graph = stored, graph
        self._shared: dict[tuple[str, ...], tuple[str, tuple[Weight, ...]]] = {}

    def run(self, image: Shape) -> None:
        numbers = {self._graph.source: 0}
        shapes = {self._graph.source: image}
        last_use = {value: at for at, call in enumerate(self._graph.calls) for value in call.values}
        for at, call in enumerate(self._graph.calls):
            name, shapes[call.gives] = self._built(
                call, tuple(shapes[value] for value in call.values)
            )
            numbers[call.gives] = at + 1
            step = Step(
                name=name,
                inputs=tuple(numbers[value] for value in call.values),
                gives=at + 1,
                last_uses=tuple(
                    numbers[value] for value in dict.fromkeys(call.values) if last_use[value] == at
                ),
            )
            self.module.steps.append(step)
            self.names.append(name)

    def _built(self, call: Call, shapes: tuple[Shape, ...]) -> tuple[str, Shape]:
        """Name of the call's module and the shape that it gives."""
        affine = affine_of(call, self._stored)
        if affine is None:
            made = translate(call.layer, shapes)
        else:
            made = Translated(module=Scale(affine.scale, affine.shift), gives=shapes[0])
        path = call.layer.path
        if path in self._shared:  # called before: the same weights
            if self._shared[path][1] != made.weights:
                raise call.layer.refuse("is shared between inputs of different shapes")
            return self._shared[path][0], made.gives
        name = self._free_name(path)
        self._shared[path] = name, made.weights
        self.module.layers[name] = made.module
        for number, weight in enumerate(made.weights):
            self.weights[f"layers.{name}.{weight.tensor}"] = (call.layer, number, weight)
        return name, made.gives

    def _free_name(self, path: tuple[str, ...]) -> str:
        """A layer's own name, with those of the models around it if it is taken."""
        for depth in range(len(path) - 1, -1, -1):
            name = re.sub(r"\W", "_", "_".join(path[depth:]))
            if name not in self.module.layers and not hasattr(self.module.layers, name):
                return name
        # Taken all the same: by a method of PyTorch's modules (`type`, `half`), for example.
        while name in self.module.layers or hasattr(self.module.layers, name):
            name += "_"
        return name


def _allocate(module: nn.Module) -> None:
    # `to_empty` imports half of PyTorch for tensors without memory: 0.8 s.
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(torch.zeros(parameter.shape)))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, torch.zeros(buffer.shape))
