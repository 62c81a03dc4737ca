"""A graph of Keras layers as one torch module."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import HeadstartError
from headstart.networks.keras.affine import affine_of
from headstart.networks.keras.graph import Call, Graph, Layer, Value
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
        """Images as the first layer of the file takes them: as images, without channels, as rows."""
        if self._input_axes == 3:
            return inputs
        pixels = inputs.permute(0, 2, 3, 1)
        return pixels.squeeze(3) if self._input_axes == 2 else pixels.flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A module with random tensors, and what its tensors are in the file.

    Attributes:
        module: the network; its tensors are on the meta device.
        weights: layer, number in the layer and description of every tensor, by name.
        names: name in `module.layers` of each call, in the order of the graph.
    """

    module: KerasNetwork
    weights: Mapping[str, tuple[Layer, int, Weight]]
    names: tuple[str, ...]


def assemble(graph: Graph, image: Shape, stored: Mapping[str, np.ndarray]) -> Assembled:
    """The module of a graph for images (height, width, channels).

    Raises:
        HeadstartError: a layer is not translated, or images of this shape do not pass through it.
    """
    axes = len(graph.image)
    if axes > 3:
        raise HeadstartError(
            f"{graph.where}: the model takes inputs of {axes} axes; allowed: images "
            "(height, width, channels), (height, width), or rows."
        )
    with torch.device("meta"):
        module = KerasNetwork(axes)
        builder = _Builder(module, stored, graph)
        shown = torch.empty(1, image[2], *image[:2])
        with torch.no_grad():
            builder.run(module.entered(shown))
    return Assembled(module=module, weights=builder.weights, names=tuple(builder.names))


def materialise(assembled: Assembled) -> KerasNetwork:
    """The module with first weights as the file's initialisers draw them."""
    module = assembled.module.to_empty(device=torch.get_default_device())
    tensors = module.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, (_, _, weight) in assembled.weights.items():
            initialise(tensors[name], weight.shape, weight.initialiser)
    return module


class _Builder:
    """Builds layer by layer, each for the shapes that the layers before it give."""

    def __init__(
        self, module: KerasNetwork, stored: Mapping[str, np.ndarray], graph: Graph
    ) -> None:
        self._module, self._stored, self._graph = module, stored, graph
        self._names: dict[tuple[str, ...], str] = {}
        self.weights: dict[str, tuple[Layer, int, Weight]] = {}
        self.names: list[str] = []

    def run(self, images: Tensor) -> None:
        numbers = {self._graph.source: 0}
        shown: dict[Value, Tensor] = {self._graph.source: images}
        last_use = {value: at for at, call in enumerate(self._graph.calls) for value in call.values}
        for at, call in enumerate(self._graph.calls):
            given = [shown[value] for value in call.values]
            name = self._module_for(call, tuple(tuple(value.shape[1:]) for value in given))
            shown[call.gives] = self._shown(call, self._module.layers[name], given)
            numbers[call.gives] = at + 1
            step = Step(
                name=name,
                inputs=tuple(numbers[value] for value in call.values),
                gives=at + 1,
                last_uses=tuple(
                    numbers[value] for value in dict.fromkeys(call.values) if last_use[value] == at
                ),
            )
            self._module.steps.append(step)
            self.names.append(name)

    def _module_for(self, call: Call, shapes: tuple[Shape, ...]) -> str:
        path = call.layer.path
        if path in self._names:  # called before: the same weights
            return self._names[path]
        affine = affine_of(call, self._stored)
        if affine is None:
            made = translate(call.layer, shapes)
        else:
            made = Translated(module=Scale(affine.scale, affine.shift))
        name = self._names[path] = self._free_name(path)
        self._module.layers[name] = made.module
        for number, weight in enumerate(made.weights):
            self.weights[f"layers.{name}.{weight.tensor}"] = (call.layer, number, weight)
        return name

    def _free_name(self, path: tuple[str, ...]) -> str:
        """A layer's own name, with those of the models around it if it is taken."""
        for depth in range(len(path) - 1, -1, -1):
            name = re.sub(r"\W", "_", "_".join(path[depth:]))
            if name not in self._module.layers and not hasattr(self._module.layers, name):
                return name
        return f"{name}_{len(self._names)}"

    def _shown(self, call: Call, module: nn.Module, given: list[Tensor]) -> Tensor:
        try:
            found = module(*given)
        except (RuntimeError, ValueError, IndexError) as error:
            shapes = " and ".join(str(tuple(value.shape[1:])) for value in given)
            raise HeadstartError(
                f"{call.layer.where}: layer {call.layer} cannot take what it is given "
                f"({shapes}, channels first): {error}. The file is for {self._graph.sizes}."
            ) from None
        assert isinstance(found, Tensor)
        return found
