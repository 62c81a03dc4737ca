"""Keras layers as a declared network, where they are a chain of layers that one can be written of.

A declared network has the fast paths of training and a study file that says what it is. What it
cannot say (skip connections, depthwise convolutions, scaling layers) stays a Keras file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headstart.networks.keras.architecture import Architecture, read, remarks
from headstart.networks.keras.graph import Call, Graph, Layer
from headstart.networks.keras.keep import is_automatic
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
    Gelu,
    GlobalAveragePool,
    HeadSpec,
    Initialiser,
    LeakyRelu,
    MaxPool,
    Relu,
    StageSpec,
    Tanh,
)

_INITIALISERS: Mapping[str, Initialiser] = {
    "HeNormal": "he_normal",
    "HeUniform": "he_uniform",
    "GlorotNormal": "glorot_normal",
    "GlorotUniform": "glorot_uniform",
    "LecunNormal": "lecun_normal",
}
_PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What became of the layers of a file.

    Attributes:
        network: the declared network; None where the layers are no such one.
        notes: what was translated, changed and left out, or why it could not be.
    """

    network: DeclaredNetwork | None
    notes: tuple[str, ...]


class _CannotSay(Exception):
    """A layer or a setting that no declared network has; the text says which."""


def declaration(name: str) -> Declaration:
    """The network in a Keras file as a declared one.

    Raises:
        NetworkError: the file cannot be read.
    """
    source = read(name)
    try:
        network = _network(source)
    except _CannotSay as reason:
        return Declaration(network=None, notes=(f"no declared network, for {reason}",))
    graph = source.headed.graph
    penalties = sorted({f"{key} of {call.layer.kind}" for call, key in _penalties(graph)})
    left_out = [f"not used: {', '.join(penalties)}"] if penalties else []
    num = len({call.layer.path for call in graph.calls})
    how = f"{num} layers translated into a declared network, which has the fast paths of training"
    notes = (how, *source.headed.notes, *remarks(graph), *left_out)
    return Declaration(network=network, notes=notes)


def _penalties(graph: Graph) -> Iterator[tuple[Call, str]]:
    for call in graph.calls:
        yield from ((call, key) for key in _PENALTIES if call.layer.config.get(key) is not None)


def _network(source: Architecture) -> DeclaredNetwork:
    graph, head = source.headed.graph, source.headed.head
    if source.input is not None:
        raise _CannotSay("its scaling layers say how images are prepared")
    if head is None or head.layer.kind != "Dense" or head != graph.calls[-1]:
        raise _CannotSay("it does not end in a Dense layer of one output a class")
    _check_chain(graph)
    flat = len(graph.image) == 1
    stages = _Stages()
    if flat:
        stages.add(Flatten())
    for call in graph.calls[:-1]:
        flat = stages.translated(call.layer, flat)
    if not flat:
        raise _CannotSay(f"{head.layer} is given images, not rows")
    if not head.layer.config.get("use_bias", True):
        raise _CannotSay(f"{head.layer} has no bias")
    single = source.headed.classes == 1
    return DeclaredNetwork(
        stages=stages.made(),
        head=HeadSpec(
            output="sigmoid" if single else "softmax", initialiser=_initialiser(head.layer)
        ),
    )


def _check_chain(graph: Graph) -> None:
    before, seen = graph.source, set[tuple[str, ...]]()
    for call in graph.calls:
        if call.operands != (before,) or graph.users(before) != 1:
            raise _CannotSay("its layers are no single chain")
        if call.layer.path in seen:
            raise _CannotSay(f"{call.layer} is called several times")
        seen.add(call.layer.path)
        before = call.gives


class _Stages:
    """Stages as they grow: each begins with a layer that has weights, other layers follow it."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, list[AnyLayer]]] = []
        self._ahead: list[AnyLayer] = []  # before the first layer with weights
        self._count: Counter[str] = Counter()

    def add(self, *layers: AnyLayer) -> None:
        """Layers that belong to the stage at hand."""
        (self._stages[-1][1] if self._stages else self._ahead).extend(layers)

    def translated(self, layer: Layer, flat: bool) -> bool:
        """A layer added; gives whether its output is flat."""
        translator = _TRANSLATORS.get(layer.kind)
        if translator is None:
            raise _CannotSay(f"{layer} is of a kind that it does not have")
        made = translator(layer, flat)
        if isinstance(made[0], Conv | Dense) if made else False:
            self._stages.append((self._name(layer), []))
        self.add(*made)
        return flat or any(isinstance(one, Flatten | GlobalAveragePool) for one in made)

    def made(self) -> tuple[StageSpec, ...]:
        """All stages."""
        if not self._stages:
            raise _CannotSay("it has no layer with weights before the last")
        first, layers = self._stages[0]
        stages = [(first, [*self._ahead, *layers]), *self._stages[1:]]
        return tuple(StageSpec(name=name, layers=tuple(layers)) for name, layers in stages)

    def _name(self, layer: Layer) -> str:
        """The layer's own name, if its author gave one that a stage can have; else counted."""
        taken = {HEAD, *(name for name, _ in self._stages)}
        own = layer.name
        usable = own.isascii() and own.isidentifier() and own[0].isalpha()
        if usable and own not in taken and not is_automatic(layer.kind, own):
            return own
        stem = "conv" if layer.kind == "Conv2D" else "dense"
        while True:
            self._count[stem] += 1
            name = f"{stem}{self._count[stem]}"
            if name not in taken:
                return name


def _square(layer: Layer, *names: str) -> int:
    """A setting that is the same in height and width."""
    given = layer.setting(*names, default=1)
    sides = set(given) if isinstance(given, list | tuple) else {given}
    if len(sides) != 1:
        raise _CannotSay(f"{layer} has {names[0]} {tuple(given)}, not a square")
    return int(sides.pop())


def _initialiser(layer: Layer) -> Initialiser:
    how = layer.setting("kernel_initializer", default="GlorotUniform")
    name = how.get("class_name") if isinstance(how, Mapping) else how
    bias = layer.setting("bias_initializer", default="Zeros")
    of_bias = bias.get("class_name") if isinstance(bias, Mapping) else bias
    known = {key.lower(): value for key, value in _INITIALISERS.items()}
    found = known.get(str(name).replace("_", "").lower()) or _scaled(how)
    if found is None or str(of_bias).lower() != "zeros":
        raise _CannotSay(f"{layer} draws its first weights by {name}, its biases by {of_bias}")
    return found


def _scaled(how: Any) -> Initialiser | None:
    """The name of what Keras 2 writes as a VarianceScaling."""
    if not isinstance(how, Mapping) or how.get("class_name") != "VarianceScaling":
        return None
    config = how.get("config") or {}
    asked = (config.get("scale"), config.get("mode"), config.get("distribution"))
    known: dict[tuple[Any, ...], Initialiser] = {
        (2.0, "fan_in", "truncated_normal"): "he_normal",
        (2.0, "fan_in", "uniform"): "he_uniform",
        (1.0, "fan_avg", "truncated_normal"): "glorot_normal",
        (1.0, "fan_avg", "uniform"): "glorot_uniform",
        (1.0, "fan_in", "truncated_normal"): "lecun_normal",
    }
    return known.get(asked)


def _conv(layer: Layer, flat: bool) -> list[AnyLayer]:
    plain = _square(layer, "dilation_rate") == 1 and layer.setting("groups", default=1) == 1
    if not plain or layer.setting("data_format", default="channels_last") != "channels_last":
        raise _CannotSay(f"{layer} has groups, dilation, or channels first")
    padding = layer.setting("padding", default="valid")
    conv = Conv(
        channels=layer.config["filters"],
        kernel=_square(layer, "kernel_size"),
        stride=_square(layer, "strides"),
        padding="same" if padding == "same" else "valid",
        bias=bool(layer.setting("use_bias", default=True)),
        initialiser=_initialiser(layer),
    )
    return [conv, *_activation(layer)]


def _dense(layer: Layer, flat: bool) -> list[AnyLayer]:
    if not flat:
        raise _CannotSay(f"{layer} is given images, not rows")
    dense = Dense(
        units=layer.config["units"],
        bias=bool(layer.setting("use_bias", default=True)),
        initialiser=_initialiser(layer),
    )
    return [dense, *_activation(layer)]


def _window(layer: Layer) -> int:
    """Side of a pooling window whose neighbours do not overlap and that is not padded."""
    size = _square(layer, "pool_size")
    steps = _square(layer, "strides") if layer.config.get("strides") is not None else size
    if steps != size or layer.setting("padding", default="valid") != "valid":
        raise _CannotSay(f"{layer} has windows that overlap or are padded")
    return size


def _max_pool(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [MaxPool(size=_window(layer))]


def _average_pool(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [AveragePool(size=_window(layer))]


def _global_average(layer: Layer, flat: bool) -> list[AnyLayer]:
    if layer.setting("keepdims", default=False):
        raise _CannotSay(f"{layer} leaves the axes of its images")
    return [GlobalAveragePool()]


def _flatten(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [] if flat else [Flatten()]


def _dropout(layer: Layer, flat: bool) -> list[AnyLayer]:
    rate = float(layer.setting("rate", default=0.0))
    if layer.config.get("noise_shape") is not None:
        raise _CannotSay(f"{layer} has a noise_shape")
    return [Dropout(rate=rate)] if rate else []


def _relu(layer: Layer, flat: bool) -> list[AnyLayer]:
    if layer.config.get("max_value") is not None or layer.setting("threshold", default=0.0):
        raise _CannotSay(f"{layer} has a max_value or a threshold")
    slope = float(layer.setting("negative_slope", default=0.0))
    return [LeakyRelu(slope=slope) if slope else Relu()]


def _leaky_relu(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [LeakyRelu(slope=layer.leaky_slope)]


def _activation(layer: Layer, flat: bool = False) -> list[AnyLayer]:
    """The activation inside a layer, or of an Activation layer."""
    named = layer.config.get("activation")
    known: dict[Any, list[AnyLayer]] = {
        None: [],
        "linear": [],
        "relu": [Relu()],
        "tanh": [Tanh()],
        "gelu": [Gelu()],
        "leaky_relu": [
            LeakyRelu(slope=0.2)
        ],  # as Keras 3 has the name, which differs from the layer
    }
    if isinstance(named, Mapping) and named.get("class_name") in ("LeakyReLU", "ReLU"):
        inner = Layer(
            path=layer.path,
            kind=named["class_name"],
            config=named["config"],
            store=layer.store,
            keras=layer.keras,
            where=layer.where,
        )
        return _TRANSLATORS[inner.kind](inner, flat)
    if not isinstance(named, str | None) or named not in known:
        raise _CannotSay(f"{layer} has the activation {named}")
    return known[named]


def _batch_norm(layer: Layer, flat: bool) -> list[AnyLayer]:
    axis = layer.setting("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    whole = layer.setting("center", default=True) and layer.setting("scale", default=True)
    if axis not in (-1, 1 if flat else 3) or not whole:
        raise _CannotSay(f"{layer} works on another axis, or leaves out scale or centre")
    momentum = round(1 - float(layer.setting("momentum", default=0.99)), 12)
    return [BatchNorm(momentum=momentum, epsilon=float(layer.setting("epsilon", default=1e-3)))]


_TRANSLATORS: Mapping[str, Callable[[Layer, bool], list[AnyLayer]]] = {
    "Conv2D": _conv,
    "Dense": _dense,
    "MaxPooling2D": _max_pool,
    "AveragePooling2D": _average_pool,
    "GlobalAveragePooling2D": _global_average,
    "Flatten": _flatten,
    "Dropout": _dropout,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "Activation": _activation,
    "BatchNormalization": _batch_norm,
}
