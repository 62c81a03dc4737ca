"""Methods of values that are no networks: samples, lists, losses, trainers, unknown things."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from headstart.audit.program import functions, net_methods, other_modules, trainers
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.torch_loops import trained_on
from headstart.audit.program.values import (
    Constant,
    Each,
    External,
    Function,
    Instance,
    Items,
    Parameters,
    Prediction,
    Table,
    Tensor,
    Unknown,
    Value,
    Weights,
    key_of,
    number_in,
    text_in,
)
from headstart.audit.program.what_data import data_of, is_item_of_loop

_SELECTING = {
    "take", "skip", "sample", "head", "tail", "filter", "select", "query", "drop", "shard",
    "drop_duplicates", "train_test_split", "groupby", "partition",
}  # fmt: skip
_STATISTICS = {"mean", "std", "var", "min", "max", "ptp", "sum"}
_FACTS = {"unique", "nunique", "value_counts", "count", "any", "all", "item", "argmax", "argsort"}
_OF_NETS = {
    "compile", "evaluate", "load_state_dict", "state_dict", "eval", "requires_grad_",
    "load_weights", "set_weights", "get_weights", "fit_generator", "named_parameters",
}  # fmt: skip


def net_of(machine: Machine, value: Unknown, node: ast.AST) -> Net:
    """The network that an unknown value proves to be."""
    if value.key not in machine.promoted:
        net = machine.new_net("network", "unknown", node, origin="unknown")
        key = value.key
        is_named = isinstance(key, tuple) and isinstance(key[-1], str)
        net.name = str(key[-1]) if is_named else ""  # type: ignore[index]
        machine.promoted[value.key] = net
    return machine.promoted[value.key]


def promoted(machine: Machine, value: Unknown, name: str, arguments: Arguments) -> Net | None:
    """The network whose method this is; None for anything else."""
    if value.key in machine.promoted:
        return machine.promoted[value.key]
    is_fit = name == "fit" and {"epochs", "validation_data"} & set(arguments.named)
    is_train = name == "train" and len(arguments.positional) <= 1 and not arguments.named
    is_of_net = name in _OF_NETS or is_fit or is_train
    return net_of(machine, value, arguments.node) if is_of_net else None


def call_method(machine: Machine, owner: Value, name: str, arguments: Arguments) -> Value:
    """`owner.name(...)`."""
    if name in ("backward", "minimize"):
        passes = arguments.predictions()
        passes |= owner.forwards if isinstance(owner, Prediction) else frozenset()
        trained_on(machine, passes, arguments.node)
        return Constant(None)
    caller: Callable[[Machine, Any, str, Arguments], Value] | None = _CALLERS.get(type(owner))
    if caller is not None:
        return caller(machine, owner, name, arguments)
    if isinstance(owner, Tensor):
        layers = arguments.layers() or ()
        return Tensor(tuple(dict.fromkeys((*owner.layers, *layers))))
    return _of_unknown(machine, owner, name, arguments)


def _of_unknown(machine: Machine, owner: Value, name: str, arguments: Arguments) -> Value:
    if isinstance(owner, Unknown):
        if is_item_of_loop(owner.key) and name in ("to", "cuda", "float", "long", "cpu", "view"):
            return owner
        net = promoted(machine, owner, name, arguments)
        if net is not None:
            return net_methods.call_method(machine, net, name, arguments)
        if name == "split" and arguments.data():
            return Each(Items([machine.fresh(), machine.fresh()]), folds=True)
        if name in ("fit_transform", "transform", "fit"):
            return _scaled(owner, name, arguments)
        if name in ("gradient", "compute_gradients"):
            trained_on(machine, arguments.predictions(), arguments.node)
            return machine.fresh()
    return other_modules.unknown_call(machine, name, arguments)


def _scaled(owner: Value, name: str, arguments: Arguments) -> Value:
    data = data_of(arguments.positional[0]) if arguments.positional else None
    if data is None or name == "fit":
        return owner
    return data if data.holds == "labels" else data.scaled("standardised")


def _of_data(machine: Machine, owner: Data, name: str, arguments: Arguments) -> Value:
    if name in _SELECTING:
        keys = [key_of(value) for value in (*arguments.positional, *arguments.named.values())]
        if name == "train_test_split":
            return replace(owner, splits=("split", machine.tick()))
        return owner.selected((name, *keys))
    if name in _STATISTICS:
        return Unknown(("statistic", name, owner.paths))
    if name in _FACTS or name.startswith("num_"):
        return Unknown(("fact", name, key_of(owner)))
    if name in ("map", "with_transform", "set_transform", "apply"):
        return _mapped(machine, owner, arguments)
    if name in ("batch", "padded_batch"):
        size = number_in(arguments.first_of("batch_size", position=0))
        return owner.updated(batch_size=None if size is None else int(size))
    if name in ("concatenate", "append"):
        others = arguments.data()
        paths = owner.paths.union(*(other.paths for other in others))
        return owner.updated(paths=paths)
    if name == "random_split":
        return replace(owner, splits=("split", machine.tick()))
    if name in ("train_dataloader", "dataloader"):
        return owner.selected(("part", "train"))
    if name == "__getitem__":
        return owner
    return replace(owner, buffer=0)


def _mapped(machine: Machine, owner: Data, arguments: Arguments) -> Value:
    """A function applied to every sample."""
    function = arguments.first_of("map_func", "function", position=0)
    if not isinstance(function, Function):
        return owner.updated(opaque=True)
    pair: list[Value] = [owner.half("images"), owner.half("labels")]
    wanted = len(function.node.args.args)
    given: list[Value] = pair[:wanted] if wanted > 1 else [owner]
    result = data_of(machine.call(function, given, {}, arguments.node))
    if result is None or not result.paths & owner.paths:
        return owner.updated(opaque=True)
    return result.updated(batch_size=owner.batch_size)


def _of_prediction(machine: Machine, owner: Prediction, name: str, arguments: Arguments) -> Value:
    forwards = owner.forwards | arguments.predictions()
    if name in ("eq", "ne") or (name in ("update", "add") and arguments.data()):
        machine.scored.update(forwards)
    return Prediction(forwards)


def _of_items(machine: Machine, owner: Items, name: str, arguments: Arguments) -> Value:
    first = arguments.positional[0] if arguments.positional else None
    if name in ("append", "add") and first is not None:
        if len(owner.items) < 200:
            owner.items.append(first)
        return Constant(None)
    if name == "extend" and isinstance(first, Items):
        owner.items += first.items[:200]
        return Constant(None)
    if name == "pop" and owner.items:
        return owner.items.pop()
    return owner if name in ("copy", "parameters") else machine.fresh()


def _of_table(machine: Machine, owner: Table, name: str, arguments: Arguments) -> Value:
    if name == "items":
        return Items([Items([Constant(key), value]) for key, value in owner.items.items()])
    if name == "values":
        return Items(list(owner.items.values()))
    if name == "keys":
        return Items([Constant(key) for key in owner.items])
    if name in ("get", "pop", "setdefault"):
        key = arguments.get("key", 0)
        default = arguments.get("default", 1) or machine.fresh()
        known = key.value if isinstance(key, Constant) else None
        return owner.items.get(known, default)
    if name == "update" and arguments.positional and isinstance(arguments.positional[0], Table):
        owner.items |= arguments.positional[0].items
    return machine.fresh()


def _of_weights(machine: Machine, owner: Weights, name: str, arguments: Arguments) -> Value:
    return owner


def _of_each(machine: Machine, owner: Each, name: str, arguments: Arguments) -> Value:
    return owner


def _of_parameters(machine: Machine, owner: Parameters, name: str, arguments: Arguments) -> Value:
    if name == "requires_grad_":
        for net in owner.nets:
            net_methods.call_method(machine, net, name, arguments)
    return owner


def _of_constant(machine: Machine, owner: Constant, name: str, arguments: Arguments) -> Value:
    text = text_in(owner)
    if text is not None and name in ("lower", "upper", "strip", "title"):
        return Constant(getattr(text, name)())
    keys = [key_of(value) for value in (*arguments.positional, *arguments.named.values())]
    return Unknown(("method", name, key_of(owner), *keys))


def _of_instance(machine: Machine, owner: Instance, name: str, arguments: Arguments) -> Value:
    if owner.of_file is not None and name in owner.of_file.methods:
        return functions.call_method(machine, owner.of_file, name, owner, arguments)
    return trainers.call_method(machine, owner, name, arguments)


def _of_external(machine: Machine, owner: External, name: str, arguments: Arguments) -> Value:
    return other_modules.call_external(machine, f"{owner.path}.{name}", arguments)


_CALLERS: dict[type, Callable[[Machine, Any, str, Arguments], Value]] = {
    Data: _of_data,
    Prediction: _of_prediction,
    Items: _of_items,
    Table: _of_table,
    Weights: _of_weights,
    Each: _of_each,
    Parameters: _of_parameters,
    Constant: _of_constant,
    Instance: _of_instance,
    External: _of_external,
}
