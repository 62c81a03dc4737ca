"""From Keras' description of a network, of version 2 or 3, to its graph."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headstart.core.errors import NetworkError
from headstart.networks.keras.files import KerasFile
from headstart.networks.keras.graph import Call, Graph, Layer, Operand, Value

_MODELS = ("Functional", "Model", "Sequential")
_Place = tuple[str, int, int]
"""Name of a layer, number of its call, number of what that call gives."""

# What TensorFlow's functions are called that Keras 2 writes into graphs; Keras 3 has own classes.
_FUNCTIONS = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.truediv": "TrueDivide",
    "math.divide": "TrueDivide",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
}
_ACTIVATIONS = {f"nn.{name}": name for name in ("relu", "relu6", "silu", "gelu", "softmax", "elu")}


def parse(file: KerasFile) -> Graph:
    """The graph that a file describes.

    Raises:
        NetworkError: it is no Sequential or Functional model with one input and one output.
    """
    kind = file.config.get("class_name")
    if kind not in _MODELS:
        raise NetworkError(
            f"{file.path}: the model is a {kind}, whose Python code is not in the file. "
            "Allowed: Sequential and Functional models."
        )
    try:
        return _Reader(file).graph()
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise NetworkError(
            f"{file.path}: its description of the network is not understood ({error!r})."
        ) from error


class _Reader:
    """Writes out models one in another; values are numbered as they appear."""

    def __init__(self, file: KerasFile) -> None:
        self._file = file
        self._calls: list[Call] = []
        self._num_values = 0

    def graph(self) -> Graph:
        model = self._file.config
        source = self._value()
        shape = _input_shape(model)
        given: tuple[Value, ...] = (source,)
        outputs = self._model(model, (), "layers", given, training=None)
        if len(outputs) != 1:
            raise NetworkError(
                f"{self._file.path}: the model has {len(outputs)} outputs; allowed: one."
            )
        return Graph(
            image=shape,
            source=source,
            calls=tuple(self._calls),
            output=outputs[0],
            where=str(self._file.path),
        ).pruned()

    def _value(self) -> Value:
        self._num_values += 1
        return Value(self._num_values)

    def _model(
        self,
        model: Mapping[str, Any],
        path: tuple[str, ...],
        store: str,
        given: Sequence[Value],
        training: bool | None,
    ) -> tuple[Value, ...]:
        layers = _layers(model)
        stores = dict(zip(map(_name, layers), _stores(layers, store), strict=True))
        if model["class_name"] == "Sequential":
            (value,) = given
            for layer in layers:
                if layer["class_name"] != "InputLayer":
                    name = _name(layer)
                    (value,) = self._call(layer, path, stores[name], (value,), training)
            return (value,)
        return self._functional(model["config"], path, stores, given, training)

    def _functional(
        self,
        config: Mapping[str, Any],
        path: tuple[str, ...],
        stores: Mapping[str, str],
        given: Sequence[Value],
        training: bool | None,
    ) -> tuple[Value, ...]:
        inputs = list(_places(config["input_layers"]))
        if len(inputs) != len(given):
            raise NetworkError(
                f"{self._file.path}: the model '{config['name']}' has {len(inputs)} inputs; "
                f"given: {len(given)}. Allowed: models with one input, the images."
            )
        known = dict(zip(inputs, given, strict=True))
        waiting = [
            (layer, number, node)
            for layer in config["layers"]
            for number, node in enumerate(layer.get("inbound_nodes") or ())
        ]
        while waiting:
            later = []
            for layer, number, node in waiting:
                operands, mode = _operands(node)
                if not all(not _is_place(o) or o in known for o in operands):
                    later.append((layer, number, node))
                    continue
                found = tuple(known[o] if _is_place(o) else o for o in operands)
                name, mode = _name(layer), training if mode is None else mode
                gives = self._call(layer, path, stores[name], found, mode)
                known |= {(name, number, at): value for at, value in enumerate(gives)}
            if len(later) == len(waiting):
                raise NetworkError(
                    f"{self._file.path}: layer '{_name(later[0][0])}' is called with what no "
                    "layer gives."
                )
            waiting = later
        return tuple(known[place] for place in _places(config["output_layers"]))

    def _call(
        self,
        layer: Mapping[str, Any],
        path: tuple[str, ...],
        store: str,
        operands: tuple[Operand, ...],
        training: bool | None,
    ) -> tuple[Value, ...]:
        inside = (*path, _name(layer))
        if layer["class_name"] in _MODELS:
            values = tuple(operand for operand in operands if isinstance(operand, Value))
            return self._model(layer, inside, f"{store}/layers", values, training)
        kind, config = _named(layer)
        made = Layer(
            path=inside,
            kind=kind,
            config=config,
            store=store,
            keras=self._file.major,
            where=str(self._file.path),
        )
        call = Call(layer=made, operands=operands, gives=self._value(), training=training)
        self._calls.append(call)
        return (call.gives,)


def _named(layer: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    kind, config = layer["class_name"], layer["config"]
    function = config.get("function")
    if kind == "TFOpLambda" and function in _ACTIVATIONS:
        return "Activation", {**config, "activation": _ACTIVATIONS[function]}
    if kind == "TFOpLambda":
        return _FUNCTIONS.get(function, f"TFOpLambda {function}"), config
    return kind, config


def _layers(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    config = model["config"]
    # The oldest Sequential files hold the list alone.
    return list(config if isinstance(config, list) else config["layers"])


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("name") or layer["config"]["name"])


def _stores(layers: Sequence[Mapping[str, Any]], store: str) -> Iterator[str]:
    """Groups of layers in a `.keras` file: by class and by order, not by name."""
    count: Counter[str] = Counter()
    for layer in layers:
        kind = snake_case(layer["class_name"])
        yield f"{store}/{kind}_{count[kind]}" if count[kind] else f"{store}/{kind}"
        count[kind] += 1


def snake_case(kind: str) -> str:
    """A kind of layer as Keras writes it in names: Conv2D is conv2d, ReLU is re_lu."""
    apart = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub("([a-z])([A-Z])", r"\1_\2", apart).lower()


def _input_shape(model: Mapping[str, Any]) -> tuple[int | None, ...]:
    """Shape of the images without the batch, from the first layer that gives one."""
    layers = _layers(model)
    if model["class_name"] != "Sequential":
        wanted = next(_places(model["config"]["input_layers"]))[0]
        layers = [layer for layer in layers if _name(layer) == wanted]
    first = layers[0]
    if first["class_name"] in _MODELS:
        return _input_shape(first)
    config = first["config"]
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if shape is None and model["class_name"] == "Sequential":
        shape = model["config"].get("build_input_shape")
    return tuple(shape[1:]) if shape else (None, None, None)


def _places(nested: Any) -> Iterator[_Place]:
    """Every [layer, call, tensor] of a nested structure, in order."""
    if _is_triple(nested):
        yield (nested[0], nested[1], nested[2])
    elif isinstance(nested, Mapping):
        for part in nested.values():
            yield from _places(part)
    elif isinstance(nested, list | tuple):
        for part in nested:
            yield from _places(part)


def _is_triple(nested: Any) -> bool:
    return (
        isinstance(nested, list | tuple)
        and len(nested) in (3, 4)
        and isinstance(nested[0], str)
        and isinstance(nested[1], int)
        and isinstance(nested[2], int)
    )


def _is_place(operand: Any) -> bool:
    return isinstance(operand, tuple) and isinstance(operand[0], str)


def _operands(node: Any) -> tuple[list[Any], bool | None]:
    """What a call is given, in order, and the mode that it is called in if the file says one."""
    if isinstance(node, Mapping):
        named = node.get("kwargs", {})
        positional = list(_flat(node["args"]))
    else:
        entries = [node] if node and isinstance(node[0], str) else list(node)
        named = entries[0][3] if entries and len(entries[0]) > 3 else {}
        positional = [(entry[0], entry[1], entry[2]) for entry in entries]
    others = (named[key] for key in ("x1", "x", "x2", "y", "inputs") if key in named)
    mode = named.get("training")
    operands = [*positional, *(operand for other in others for operand in _flat(other))]
    return operands, mode if isinstance(mode, bool) else None


def _flat(nested: Any) -> Iterator[Any]:
    """Places, numbers and rows of numbers of a nested argument."""
    if isinstance(nested, Mapping):
        config = nested["config"]
        if nested["class_name"] == "__keras_tensor__":
            yield tuple(config["keras_history"])
        else:  # __numpy__ and __tensor__: an array
            yield from _flat(config["value"])
    elif _is_triple(nested):
        yield (nested[0], nested[1], nested[2])
    elif isinstance(nested, list | tuple):
        if nested and all(isinstance(part, int | float) for part in nested):
            yield tuple(map(float, nested))
        else:
            for part in nested:
                yield from _flat(part)
    elif isinstance(nested, int | float) and not isinstance(nested, bool):
        yield float(nested)
