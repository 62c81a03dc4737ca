"""Shapes, parameters and operations of a declared network, counted without torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

from headstart.core.errors import Problem
from headstart.study.base import HEAD
from headstart.study.declared import (
    AnyLayer,
    AveragePool,
    BatchNorm,
    Conv,
    DeclaredNetwork,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool,
)
from headstart.study.network_facts import BlockFacts, LinearHead, NetworkFacts, Parameter, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """One layer in place: its stage, shapes, parameters and forward operations for one image."""

    stage: str
    index: int
    layer: AnyLayer
    shape_in: Shape
    shape_out: Shape
    parameters: tuple[Parameter, ...]
    flops: int


class ShapeError(ValueError):
    """A layer does not fit what comes before it."""


def num_outputs(network: DeclaredNetwork, num_classes: int) -> int:
    """Width of the head for a task with `num_classes` classes."""
    return 1 if network.head.output == "sigmoid" and num_classes == 2 else num_classes


def head_layer(network: DeclaredNetwork, num_classes: int) -> Dense:
    """The head as the dense layer it is."""
    return Dense(units=num_outputs(network, num_classes), initialiser=network.head.initialiser)


@lru_cache(maxsize=64)
def layers_of(network: DeclaredNetwork, image: Shape, num_classes: int) -> tuple[LayerFacts, ...]:
    """Every layer of the network in order, the head last.

    Raises:
        ShapeError: a layer does not fit; the text names stage and layer.
    """
    return tuple(_walk(network, image, num_classes))


def _walk(network: DeclaredNetwork, shape: Shape, num_classes: int) -> Iterator[LayerFacts]:
    head = (HEAD, 0, head_layer(network, num_classes))
    placed = [
        (stage.name, index, layer)
        for stage in network.stages
        for index, layer in enumerate(stage.layers)
    ]
    for stage, index, layer in [*placed, head]:
        try:
            facts = _place(stage, index, layer, shape)
        except ShapeError as error:
            raise ShapeError(f"stage '{stage}', layer {index} ({layer.kind}): {error}") from None
        yield facts
        shape = facts.shape_out


def _place(stage: str, index: int, layer: AnyLayer, shape: Shape) -> LayerFacts:
    out = _shape_after(layer, shape)
    parameters = tuple(_parameters(f"{stage}.{index}", layer, shape))
    weights = sum(p.size for p in parameters if p.kind == "weight")
    places = out[0] * out[1] if isinstance(layer, Conv) else 1
    return LayerFacts(
        stage=stage,
        index=index,
        layer=layer,
        shape_in=shape,
        shape_out=out,
        parameters=parameters,
        flops=2 * weights * places,
    )


def _shape_after(layer: AnyLayer, shape: Shape) -> Shape:
    match layer:
        case Conv():
            height, width, _ = _image(shape)
            return (_conv_size(layer, height), _conv_size(layer, width), layer.channels)
        case MaxPool() | AveragePool():
            height, width, channels = _image(shape)
            if min(height, width) < layer.size:
                raise ShapeError(f"a window of {layer.size} does not fit into {height}x{width}")
            return (height // layer.size, width // layer.size, channels)
        case GlobalAveragePool():
            return (_image(shape)[2],)
        case Flatten():
            return (prod(shape),)
        case Dense():
            if len(shape) != 1:
                raise ShapeError(
                    f"needs a flat input, but gets {_text(shape)}; "
                    "put 'flatten' or 'global_average_pool' before it"
                )
            return (layer.units,)
    return shape


def _conv_size(layer: Conv, size: int) -> int:
    if layer.padding == "same":
        return -(-size // layer.stride)
    if size < layer.kernel:
        raise ShapeError(f"a kernel of {layer.kernel} does not fit into a side of {size}")
    return (size - layer.kernel) // layer.stride + 1


def _parameters(prefix: str, layer: AnyLayer, shape: Shape) -> Iterator[Parameter]:
    match layer:
        case Conv():
            weight = (layer.channels, shape[-1], layer.kernel, layer.kernel)
            yield Parameter(name=f"{prefix}.weight", kind="weight", shape=weight)
            if layer.bias:
                yield Parameter(name=f"{prefix}.bias", kind="bias", shape=(layer.channels,))
        case Dense():
            yield Parameter(name=f"{prefix}.weight", kind="weight", shape=(layer.units, shape[0]))
            if layer.bias:
                yield Parameter(name=f"{prefix}.bias", kind="bias", shape=(layer.units,))
        case BatchNorm():
            yield Parameter(name=f"{prefix}.weight", kind="norm", shape=(shape[-1],))
            yield Parameter(name=f"{prefix}.bias", kind="norm", shape=(shape[-1],))


def _image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ShapeError(f"needs an image (height, width, channels), but gets {_text(shape)}")
    return shape


def _text(shape: Shape) -> str:
    return "x".join(str(side) for side in shape)


def shape_problem(network: DeclaredNetwork, image: Shape, num_classes: int) -> Problem | None:
    """What does not fit where images of a shape are given to a network; None if all does."""
    try:
        layers = layers_of(network, image, num_classes)
    except ShapeError as error:
        return Problem(where="network.stages", message=f"images of {_text(image)}: {error}.")
    if len(layers[-1].shape_out) != 1:  # pragma: no cover - the head is dense
        return Problem(where="network.stages", message="the head does not give a flat output.")
    return None


@lru_cache(maxsize=64)
def declared_facts(network: DeclaredNetwork, image: Shape, num_classes: int) -> NetworkFacts:
    """Facts of a declared network: one block a layer.

    Raises:
        ShapeError: a layer does not fit.
    """
    layers = layers_of(network, image, num_classes)
    weight, bias = (parameter.name for parameter in layers[-1].parameters)
    return NetworkFacts(
        blocks=tuple(_block(layer) for layer in layers),
        linear_head=LinearHead(weight=weight, bias=bias),
    )


def _block(layer: LayerFacts) -> BlockFacts:
    normalises = isinstance(layer.layer, BatchNorm)
    statistics = ("running_mean", "running_var") if normalises else ()
    return BlockFacts(
        stage=layer.stage,
        parameters=layer.parameters,
        buffers=tuple(f"{layer.stage}.{layer.index}.{name}" for name in statistics),
        dropout=isinstance(layer.layer, Dropout),
        batch_statistics=normalises,
        flops=layer.flops,
        shape_in=layer.shape_in,
        shape_out=layer.shape_out,
        peak_values=prod(layer.shape_out),
    )
