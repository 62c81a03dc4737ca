"""Keras layers as a declared network, where they are a chain of layers that one can be written of.

A declared network has the fast paths of training and a study file that says what it is. What it
cannot say (skip connections, depthwise convolutions, scaling layers) stays a Keras file.
"""

from collections import Counter
from dataclasses import dataclass

from headstart.networks.keras.architecture import Architecture, read, remarks
from headstart.networks.keras.declared_layers import CannotSay, initialiser_of, translated
from headstart.networks.keras.graph import Graph, Layer
from headstart.networks.keras.keep import is_automatic
from headstart.study.base import HEAD
from headstart.study.declared import (
    AnyLayer,
    Conv,
    DeclaredNetwork,
    Dense,
    Flatten,
    GlobalAveragePool,
    HeadSpec,
    StageSpec,
)

_PENALTIES = ("_regularizer", "_constraint")  # how Keras ends the names of such settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What became of the layers of a file.

    Attributes:
        network: the declared network; None where the layers are no such one.
        notes: what was translated, changed and left out, or why it could not be.
    """

    network: DeclaredNetwork | None
    notes: tuple[str, ...]


def declaration(name: str) -> Declaration:
    """The network in a Keras file as a declared one.

    Raises:
        NetworkError: the file cannot be read.
    """
    source = read(name)
    try:
        network = _network(source)
    except CannotSay as reason:
        return Declaration(network=None, notes=(f"no declared network, for {reason}",))
    graph = source.headed.graph
    penalties = sorted(
        {
            f"{key} of {call.layer.kind}"
            for call in graph.calls
            for key, value in call.layer.config.items()
            if key.endswith(_PENALTIES) and value is not None
        }
    )
    left_out = [f"not used: {', '.join(penalties)}"] if penalties else []
    num = len({call.layer.path for call in graph.calls})
    how = f"{num} layers translated into a declared network, which has the fast paths of training"
    notes = (how, *source.headed.notes, *remarks(graph), *left_out)
    return Declaration(network=network, notes=notes)


def _network(source: Architecture) -> DeclaredNetwork:
    graph, head = source.headed.graph, source.headed.head
    if source.input is not None:
        raise CannotSay("its scaling layers say how images are prepared")
    if head is None or head.layer.kind != "Dense" or head != graph.calls[-1]:
        raise CannotSay("it does not end in a Dense layer of one output a class")
    _check_chain(graph)
    flat = len(graph.image) == 1
    stages = _Stages()
    if flat:
        stages.add(Flatten())
    for call in graph.calls[:-1]:
        flat = stages.take(call.layer, flat)
    if not flat:
        raise CannotSay(f"{head.layer} is given images, not rows")
    if not head.layer.config.get("use_bias", True):
        raise CannotSay(f"{head.layer} has no bias")
    single = source.headed.classes == 1
    return DeclaredNetwork(
        stages=stages.made(),
        head=HeadSpec(
            output="sigmoid" if single else "softmax", initialiser=initialiser_of(head.layer)
        ),
    )


def _check_chain(graph: Graph) -> None:
    before, seen = graph.source, set[tuple[str, ...]]()
    for call in graph.calls:
        if call.operands != (before,) or graph.users(before) != 1:
            raise CannotSay("its layers are no single chain")
        if call.layer.path in seen:
            raise CannotSay(f"{call.layer} is called several times")
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

    def take(self, layer: Layer, flat: bool) -> bool:
        """Add a layer; gives whether its output is flat."""
        made = translated(layer, flat)
        if made and isinstance(made[0], Conv | Dense):
            self._stages.append((self._name(layer), []))
        self.add(*made)
        return flat or any(isinstance(one, Flatten | GlobalAveragePool) for one in made)

    def made(self) -> tuple[StageSpec, ...]:
        """All stages."""
        if not self._stages:
            raise CannotSay("it has no layer with weights before the last")
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
