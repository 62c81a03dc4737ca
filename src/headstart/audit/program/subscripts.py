"""Items, slices and masks of values."""

import ast
from collections.abc import Callable
from typing import Any

from headstart.audit.program.attributes import part_of
from headstart.audit.program.machine import Machine
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.scope import Scope
from headstart.audit.program.values import (
    Constant,
    Each,
    Items,
    Parameters,
    Prediction,
    Table,
    Tensor,
    Unknown,
    Value,
    Weights,
    key_of,
)

_PARTS = {"train", "test", "validation", "val", "valid", "training", "dev", "unsupervised"}


def subscript(machine: Machine, value: Value, index: ast.expr, scope: Scope) -> Value:
    """`value[index]`."""
    if isinstance(index, ast.Slice):
        bounds = [
            Constant(None) if bound is None else machine.evaluate(bound, scope)
            for bound in (index.lower, index.upper, index.step)
        ]
        return _sliced(machine, value, bounds, index)
    if isinstance(index, ast.Tuple) and index.elts:
        return _of_axes(machine, value, index, scope)
    return item(machine, value, machine.evaluate(index, scope), index)


def _of_axes(machine: Machine, value: Value, index: ast.Tuple, scope: Scope) -> Value:
    """`value[a, b]`: only the first axis selects samples."""
    if isinstance(value, Data):
        first = index.elts[0]
        for other in index.elts[1:]:
            if not isinstance(other, ast.Slice):
                machine.evaluate(other, scope)
        is_ellipsis = isinstance(first, ast.Constant) and first.value is ...
        return value if is_ellipsis else subscript(machine, value, first, scope)
    return item(machine, value, machine.evaluate(index, scope), index)


def item(machine: Machine, value: Value, index: Value, node: ast.expr) -> Value:
    """Item at an index that has been evaluated."""
    reader: Callable[[Machine, Any, Value, ast.expr], Value] | None = _READERS.get(type(value))
    if reader is not None:
        return reader(machine, value, index, node)
    if isinstance(value, Tensor | Prediction | Weights | Parameters):
        return value
    return Unknown(("index", key_of(value), key_of(index)))


def _of_items(machine: Machine, value: Items, index: Value, node: ast.expr) -> Value:
    if isinstance(index, Constant) and isinstance(index.value, int):
        try:
            return value.items[index.value]
        except IndexError:
            return machine.fresh()
    nets = [part for part in value.items if isinstance(part, Net)]
    if nets and len(nets) == len(value.items):  # one of them, and not known which
        return machine.new_net(nets[0].kind, nets[0].framework, node, origin="unknown")
    return Unknown(("index", key_of(value), key_of(index)))


def _of_table(machine: Machine, value: Table, index: Value, node: ast.expr) -> Value:
    key = index.value if isinstance(index, Constant) else key_of(index)
    if key in value.items:
        return value.items[key]
    alike = list(value.items.values())
    return alike[0] if len(alike) == 1 else Unknown(("index", id(value), key_of(index)))


def _of_each(machine: Machine, value: Each, index: Value, node: ast.expr) -> Value:
    return value.item


def _of_data(machine: Machine, value: Data, index: Value, node: ast.expr) -> Value:
    known = index.value if isinstance(index, Constant) else None
    if value.splits is not None and isinstance(known, int):
        return value.updated(splits=None).selected(("split", value.splits, known))
    if value.is_batch:
        if isinstance(known, int) and value.holds == "both" and known in (0, 1):
            return value.half("labels" if known else "images")
        if isinstance(known, str):
            return value.half("labels" if known in ("label", "labels", "y") else "images")
        return value
    if isinstance(known, str):
        if known in _PARTS:
            return value.selected(("part", known))
        return value  # a column
    if isinstance(known, int):
        if value.holds == "both":  # images and labels in a row
            return value.half("labels" if known in (1, -1) else "images")
        return value.selected(("item", known))
    if known is None and isinstance(index, Constant):
        return value  # a new axis
    return value.selected(("mask", key_of(index)))


def _of_net(machine: Machine, value: Net, index: Value, node: ast.expr) -> Value:
    number = index.value if isinstance(index, Constant) else None
    if value.listed and isinstance(number, int) and -len(value.parts) <= number < len(value.parts):
        return value.parts[number]
    return part_of(machine, value, f"[{number}]", node)


def _sliced(machine: Machine, value: Value, bounds: list[Value], node: ast.Slice) -> Value:
    known: list[Any] = [bound.value if isinstance(bound, Constant) else ... for bound in bounds]
    if isinstance(value, Items):
        if _is_slice(known):
            return Items(value.items[slice(*known)])
        return value
    if isinstance(value, Data):
        if known[:2] == [None, None] or value.splits is not None or value.is_batch:
            return value
        if known[0] is not None and known[0] != 0 and known[1] == -1:
            machine.story.cuts.append(machine.place(node.upper or node))
        return value.selected(("slice", *map(key_of, bounds)))
    if isinstance(value, Net):
        return _some_layers(machine, value, known, node)
    if isinstance(value, Constant) and isinstance(value.value, str):
        return Constant(value.value[slice(*known)]) if _is_slice(known) else machine.fresh()
    if isinstance(value, Each | Tensor | Prediction | Weights | Parameters):
        return value
    return Unknown(("slice", key_of(value), *map(key_of, bounds)))


def _is_slice(bounds: list[Any]) -> bool:
    """Whether the bounds of a slice are known, and ones that a list can be sliced by."""
    return all(bound is None or type(bound) is int for bound in bounds) and bounds[2] != 0


def _some_layers(machine: Machine, net: Net, known: list[Any], node: ast.Slice) -> Value:
    """Layers of an `nn.Sequential`, which is sliced to another one."""
    if not net.listed or not _is_slice(known):
        return part_of(machine, net, "some layers", node.lower or node.upper or ast.Constant(0))
    some = machine.new_net(net.kind, net.framework, node.lower or node.upper or ast.Constant(0))
    some.listed = True
    for part in net.parts[slice(*known)]:
        some.add(part)
    return some


_READERS: dict[type, Callable[[Machine, Any, Value, ast.expr], Value]] = {
    Items: _of_items,
    Table: _of_table,
    Each: _of_each,
    Data: _of_data,
    Net: _of_net,
}
