"""Attributes read from values."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from headstart.audit.program.machine import Machine
from headstart.audit.program.names import canonical
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.values import (
    Constant,
    Each,
    External,
    Function,
    Instance,
    Items,
    Method,
    Parameters,
    Prediction,
    Tensor,
    Unknown,
    Value,
    Weights,
    key_of,
)

_WEIGHTS_OF_NET = {"weights", "trainable_weights", "non_trainable_weights"}
_VARIABLES = {"trainable_variables", "variables", "trainable_parameters"}
_FACTS_OF_DATA = {
    "shape", "size", "ndim", "dtype", "classes", "class_names", "class_indices", "class_to_idx",
    "num_classes", "samples", "n", "element_spec", "columns", "index", "features", "cardinality",
}  # fmt: skip
_ARRAYS_OF_DATA = {
    "values": "both", "data": "images", "images": "images", "imgs": "images",
    "targets": "labels", "labels": "labels", "target": "labels", "T": "both",
    "dataset": "both", "iloc": "both", "loc": "both",
}  # fmt: skip
_METHODS_OF_NET = {
    "fit", "fit_generator", "evaluate", "evaluate_generator", "predict", "predict_generator",
    "predict_on_batch", "predict_classes", "train_on_batch", "test_on_batch", "compile", "add",
    "pop", "get_layer", "set_weights", "get_weights", "load_weights", "save_weights", "save",
    "save_pretrained", "summary", "eval", "train", "to", "cuda", "cpu", "half", "float", "double",
    "parameters", "named_parameters", "children", "named_children", "modules", "named_modules",
    "buffers", "state_dict", "load_state_dict", "requires_grad_", "apply", "zero_grad", "forward",
    "call", "build", "reset_classifier", "freeze", "unfreeze", "freeze_backbone", "append",
    "register_buffer", "register_parameter", "add_module", "init_weights", "get_config",
    "count_params", "load_from_checkpoint", "type", "items", "values", "keys", "extend",
    "reset_states", "get_parameter", "compute_output_shape", "log", "log_dict",
    "save_hyperparameters", "num_parameters", "push_to_hub", "gradient_checkpointing_enable",
    "fine_tune", "fit_one_cycle", "validate", "lr_find", "get_preds", "show_results", "export",
    "load", "test_model", "stop_training", "tta", "register_forward_hook",
}  # fmt: skip


def load(machine: Machine, value: Value, name: str, node: ast.expr) -> Value:
    """An attribute of a value."""
    reader: Callable[[Machine, Any, str, ast.expr], Value] | None = _READERS.get(type(value))
    if reader is not None:
        return reader(machine, value, name, node)
    return Method(value, name)


def _of_external(machine: Machine, value: External, name: str, node: ast.expr) -> Value:
    return External(canonical(f"{value.path}.{name}"))


def _of_unknown(machine: Machine, value: Unknown, name: str, node: ast.expr) -> Value:
    found = machine.promoted.get(value.key)
    if found is not None:
        return load(machine, found, name, node)
    return Unknown(("attribute", name, value.key))


def _of_instance(machine: Machine, value: Instance, name: str, node: ast.expr) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if value.of_file is not None:
        method = value.of_file.methods.get(name)
        if method is not None:
            return _bound(machine, method, value, node)
        if not value.of_file.bases or value.of_file.bases == ("object",):
            return Unknown(("attribute", name, value.key))
    return Method(value, name)


def _bound(machine: Machine, method: Function, owner: Value, node: ast.expr) -> Value:
    """A method of the file, or the value of a property."""
    decorators = getattr(method.node, "decorator_list", [])
    names = {ast.unparse(decorator).split(".")[-1] for decorator in decorators}
    if "staticmethod" in names:
        return method
    bound = replace(method, owner=owner)
    if names & {"property", "cached_property"}:
        return machine.call(bound, [], {}, node)
    return bound


def _of_data(machine: Machine, value: Data, name: str, node: ast.expr) -> Value:
    if name in _FACTS_OF_DATA:
        return Unknown(("fact", name, key_of(value)))
    if name in _ARRAYS_OF_DATA:
        which = _ARRAYS_OF_DATA[name]
        return value if which == "both" else value.half(which)  # type: ignore[arg-type]
    return Method(value, name)


def _of_net(machine: Machine, value: Net, name: str, node: ast.expr) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if value.of_file is not None and name in value.of_file.methods:
        return _bound(machine, value.of_file.methods[name], value, node)
    if name == "layers":
        return layers_of(machine, value, node)
    if name in ("output", "outputs"):
        return Tensor(_outputs_up_to(value))
    if name in ("input", "inputs", "input_shape", "output_shape", "name", "training", "device"):
        return Tensor(()) if name.startswith("input") and "shape" not in name else machine.fresh()
    if name == "trainable":
        frozen = value.frozen_at(machine.clock)
        return machine.fresh() if frozen is None else Constant(not frozen)
    if name in _WEIGHTS_OF_NET:
        return Weights((value,))
    if name in _VARIABLES:
        return Parameters((value,))
    if name in _METHODS_OF_NET:
        return Method(value, name)
    if name.endswith(("_dim", "_size", "features", "_channels", "config", "cfg", "history")):
        return Unknown(("fact", name, value.number))
    return part_of(machine, value, name, node)


def layers_of(machine: Machine, net: Net, node: ast.AST) -> Items | Each:
    """Layers of a network, one by one where the text shows them all."""
    if net.listed and net.parts:
        return Items(list(net.parts))
    return Each(part_of(machine, net, "layers", node))


def part_of(machine: Machine, net: Net, name: str, node: ast.AST) -> Net:
    """Part of a network of another module, which the text does not show further."""
    known = net.attributes.get(name)
    if isinstance(known, Net):
        return known
    part = machine.new_net(f"{net.kind}.{name}", net.framework, node, origin=net.origin)
    part.freezing, part.copies, part.loads = [*net.freezing], [*net.copies], [*net.loads]
    part.clone_of = net.clone_of
    part.name = f"{net.name}.{name}" if net.name else name
    net.attributes[name] = part
    net.add(part)
    return part


def _outputs_up_to(layer: Net) -> tuple[Net, ...]:
    """Layers that lead to the output of a layer: those before it in the network it is in."""
    owner = layer.owner
    if owner is None or not any(part is layer for part in owner.parts):
        return (layer,) if not layer.parts or not layer.whole_known else tuple(layer.parts)
    position = next(i for i, part in enumerate(owner.parts) if part is layer)
    return tuple(owner.parts[: position + 1])


def _of_prediction(machine: Machine, value: Prediction, name: str, node: ast.expr) -> Value:
    if name in ("loss", "logits", "data", "last_hidden_state", "pooler_output", "history", "T"):
        return value
    return Method(value, name)


_READERS: dict[type, Callable[[Machine, Any, str, ast.expr], Value]] = {
    External: _of_external,
    Unknown: _of_unknown,
    Instance: _of_instance,
    Data: _of_data,
    Net: _of_net,
    Prediction: _of_prediction,
}
