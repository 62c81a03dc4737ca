"""Calls: of functions and classes of the file, of networks, and of other modules."""

import ast
from collections.abc import Callable
from typing import Any

from headstart.audit.program import functions, methods, net_methods, other_modules
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Net
from headstart.audit.program.values import (
    ClassOfFile,
    External,
    Function,
    Instance,
    Method,
    Tensor,
    Unknown,
    Value,
    key_of,
    truth_in,
)


def call(machine: Machine, callee: Value, arguments: Arguments) -> Value:
    """Result of a call."""
    caller: Callable[[Machine, Any, Arguments], Value] | None = _CALLERS.get(type(callee))
    if caller is not None:
        return caller(machine, callee, arguments)
    return other_modules.unknown_call(machine, "", arguments)


def _function(machine: Machine, callee: Function, arguments: Arguments) -> Value:
    return functions.call_function(machine, callee, arguments)


def _class(machine: Machine, callee: ClassOfFile, arguments: Arguments) -> Value:
    """An object of a class of the file: a network, a data set or anything else."""
    lasts = {last_name(base) for base in callee.bases}
    name = callee.node.name
    if lasts & {"Module", "LightningModule", "Model", "Layer", "PreTrainedModel", "Sequential"}:
        torch = any(
            base.startswith(("torch", "pytorch", "lightning", "pl.", "nn."))
            for base in callee.bases
        )
        net = machine.new_net(name, "torch" if torch else "keras", arguments.node)
        net.of_file, net.whole_known = callee, False
        functions.call_method(machine, callee, "__init__", net, arguments)
        return net
    if name.endswith("Callback") or "Callback" in lasts:
        return Instance(kind=name, arguments={}, key=machine.fresh().key, of_file=callee)
    data = arguments.data()
    made = Instance(
        kind=name,
        arguments=arguments.as_named(),
        key=("instance", name, *map(key_of, arguments.deep())),
        of_file=callee,
    )
    functions.call_method(machine, callee, "__init__", made, arguments)
    is_data = any("Dataset" in last or "Sequence" in last for last in lasts)
    if is_data or (data and {"__getitem__", "__iter__"} & set(callee.methods)):
        return other_modules.data_of_class(made, arguments)
    return made


def _net(machine: Machine, callee: Net, arguments: Arguments) -> Value:
    """A network called: inside another one, or for samples."""
    layers = arguments.layers()
    if layers is not None:
        if truth_in(arguments.named.get("training")) is False:
            callee.inference = True
        return Tensor((*[layer for layer in layers if layer is not callee], callee))
    return net_methods.forward(machine, callee, arguments)


def _external(machine: Machine, callee: External, arguments: Arguments) -> Value:
    return other_modules.call_external(machine, callee.path, arguments)


def _method(machine: Machine, callee: Method, arguments: Arguments) -> Value:
    owner = callee.owner
    if isinstance(owner, Net):
        return net_methods.call_method(machine, owner, callee.name, arguments)
    return methods.call_method(machine, owner, callee.name, arguments)


def _unknown(machine: Machine, callee: Unknown, arguments: Arguments) -> Value:
    """Something unknown is called: a method of it, or it may be a network."""
    key = callee.key
    if isinstance(key, tuple) and key[:1] == ("attribute",) and len(key) == 3:
        promoted = methods.promoted(machine, Unknown(key[2]), str(key[1]), arguments)
        if promoted is not None:
            return net_methods.call_method(machine, promoted, str(key[1]), arguments)
        return methods.call_method(machine, Unknown(key[2]), str(key[1]), arguments)
    is_parameter = isinstance(key, tuple) and key[:1] == ("parameter",)
    if key in machine.promoted or (is_parameter and "model" in str(key)):
        net = methods.net_of(machine, callee, arguments.node)
        return net_methods.forward(machine, net, arguments)
    return other_modules.unknown_call(machine, _name(arguments.node), arguments)


def _name(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _instance(machine: Machine, callee: Instance, arguments: Arguments) -> Value:
    if callee.of_file is not None and "__call__" in callee.of_file.methods:
        return functions.call_method(machine, callee.of_file, "__call__", callee, arguments)
    return other_modules.unknown_call(machine, callee.kind, arguments)


_CALLERS: dict[type, Callable[[Machine, Any, Arguments], Value]] = {
    Function: _function,
    ClassOfFile: _class,
    Net: _net,
    External: _external,
    Method: _method,
    Unknown: _unknown,
    Instance: _instance,
}
