"""The head of a network: the layer that gives one output per class."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headstart.networks.keras.graph import Call, Graph, Layer, Value

_PROBABILITIES = ("softmax", "sigmoid", "log_softmax")
_WEIGHTLESS = (
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "AveragePooling2D",
    "Flatten",
    "Reshape",
    "Dropout",
    "Activation",
    "ReLU",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headed:
    """A graph that gives logits.

    Attributes:
        graph: without softmax or sigmoid behind the head.
        head: the call of the head; None where the file holds a trunk alone.
        classes: outputs of the head, 0 without one.
        notes: sentences on what was changed.
    """

    graph: Graph
    head: Call | None
    classes: int
    notes: tuple[str, ...]


def headed(graph: Graph) -> Headed:
    """A graph without the probabilities at its end, and its head."""
    graph, kind, notes = _without_probabilities(graph)
    last = graph.giver(graph.output)
    head = _dense(last) or (_convolution(graph, last) if kind else None)
    if head is None:
        notes.append("no head in the file: a dense layer on its pooled features is the head")
        return Headed(graph=graph, head=None, classes=0, notes=tuple(notes))
    own = head.layer.config["activation"]
    if head.layer.kind == "Dense" and own != "linear":
        kind = own
        notes.append(f"{own} of {head.layer} dropped: outputs are logits")
    classes = int(head.layer.config["units" if head.layer.kind == "Dense" else "filters"])
    if classes == 1:
        notes.append(f"{head.layer} has one unit: its output z stands for the logits (0, z)")
    elif kind == "sigmoid":
        notes.append(f"{head.layer} was trained with a sigmoid for each class, not a softmax")
    return Headed(graph=graph, head=head, classes=classes, notes=tuple(notes))


def with_classes(headed: Headed, classes: int) -> Graph:
    """The graph whose head has a number of outputs, one per class."""
    if headed.head is None:
        return _with_new_head(headed.graph, classes)
    key = "units" if headed.head.layer.kind == "Dense" else "filters"
    settings: dict[str, Any] = {key: classes}
    if key == "units":
        settings["activation"] = "linear"
    after = False
    calls = []
    for call in headed.graph.calls:
        if call == headed.head:
            after = True
            calls.append(_with(call, settings))
        elif after and call.layer.kind == "Reshape":
            shape = [classes if n == headed.classes else n for n in _target(call.layer)]
            calls.append(_with(call, {"target_shape": shape}))
        else:
            calls.append(call)
    return replace(headed.graph, calls=tuple(calls))


def _without_probabilities(graph: Graph) -> tuple[Graph, str, list[str]]:
    last = graph.giver(graph.output)
    kind = _activation(last.layer) if last else ""
    if last is None or kind not in ("linear", *_PROBABILITIES):
        return graph, "", []
    if kind == "linear":  # changes nothing, but says that logits end here
        return graph.without([last]), kind, []
    note = f"{last.layer} dropped: outputs are logits"
    return graph.without([last]), kind, [note]


def _activation(layer: Layer) -> str:
    if layer.kind == "Softmax":
        return "softmax"
    return str(layer.config.get("activation")) if layer.kind == "Activation" else ""


def _dense(call: Call | None) -> Call | None:
    if call is None or call.layer.kind != "Dense":
        return None
    return call if call.layer.config["activation"] in ("linear", *_PROBABILITIES) else None


def _convolution(graph: Graph, call: Call | None) -> Call | None:
    """A convolution of 1 x 1 that only layers without weights follow."""
    while call is not None and call.layer.kind in _WEIGHTLESS:
        call = graph.giver(call.values[0])
    if call is None or call.layer.kind not in ("Conv2D", "Convolution2D"):
        return None
    return call if set(call.layer.config["kernel_size"]) == {1} else None


def _target(layer: Layer) -> list[int]:
    return list(layer.config["target_shape"])


def _with(call: Call, settings: Mapping[str, Any]) -> Call:
    layer = replace(call.layer, config={**call.layer.config, **settings})
    return replace(call, layer=layer)


def _with_new_head(graph: Graph, classes: int) -> Graph:
    last = graph.calls[-1].layer
    number = max(call.gives.number for call in graph.calls)
    pooled, output = Value(number + 1), Value(number + 2)
    pool = replace(last, path=("head_pool",), kind="PooledFeatures", config={}, store="")
    settings = {"units": classes, "activation": "linear", "use_bias": True}
    dense = replace(last, path=("head",), kind="Dense", config=settings, store="")
    calls = (
        *graph.calls,
        Call(layer=pool, operands=(graph.output,), gives=pooled),
        Call(layer=dense, operands=(pooled,), gives=output),
    )
    return replace(graph, calls=calls, output=output)
