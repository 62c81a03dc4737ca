"""Assignment to names, attributes, items and slices."""

import ast
from dataclasses import replace
from typing import Any

from headstart.audit.program.freezing import freeze
from headstart.audit.program.iteration import loop_items
from headstart.audit.program.machine import Machine
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data, overlap
from headstart.audit.program.scope import Scope
from headstart.audit.program.story import Overwriting
from headstart.audit.program.values import (
    Constant,
    Each,
    Instance,
    Items,
    Parameters,
    Table,
    Unknown,
    Value,
    key_of,
    truth_in,
)


def store(machine: Machine, target: ast.expr, value: Value, scope: Scope) -> None:
    """Bind a target of an assignment or a loop."""
    if isinstance(target, ast.Name):
        _store_name(machine, target.id, value, scope)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(machine, target.elts, value, scope)
    elif isinstance(target, ast.Starred):
        store(machine, target.value, value, scope)
    elif isinstance(target, ast.Attribute):
        _store_attribute(machine, machine.evaluate(target.value, scope), target, value)
    elif isinstance(target, ast.Subscript):
        _store_item(machine, target, value, scope)


def _store_name(machine: Machine, name: str, value: Value, scope: Scope) -> None:
    if isinstance(value, Net) and not value.name and value.owner is None:
        value.name = name
    if isinstance(value, Data) and value.holds == "labels" and scope is machine.module:
        if not value.buffer:
            value = replace(value, buffer=machine.tick())
        machine.buffer_names.setdefault(value.buffer, {})[name] = machine.clock
    scope.bind(name, value, machine.tick())


def _unpack(machine: Machine, targets: list[ast.expr], value: Value, scope: Scope) -> None:
    parts = unpacked(machine, value, len(targets))
    starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
    if starred is not None and len(parts) >= len(targets) - 1:
        after = len(targets) - starred - 1
        rest = parts[starred : len(parts) - after]
        parts = [*parts[:starred], Items(rest), *parts[len(parts) - after :]]
    for position, target in enumerate(targets):
        found = parts[position] if position < len(parts) else machine.fresh()
        store(machine, target, found, scope)


def unpacked(machine: Machine, value: Value, count: int) -> list[Value]:
    """A value taken apart into so many."""
    match value:
        case Items(items):
            return items
        case Data() if value.splits is not None:
            whole = value.updated(splits=None)
            return [whole.selected(("split", value.splits, i)) for i in range(count)]
        case Data() if value.holds == "both" and count == 2:
            return [value.half("images"), value.half("labels")]
        case Data() if value.is_batch:
            return [value] * count
        case Data():
            return [value.selected(("unpacked", count, i)) for i in range(count)]
        case Each():
            return [loop_items(value, ("each",))[0]] * count
        case Unknown(key):
            return [Unknown(("index", key, ("constant", i))) for i in range(count)]
        case Constant() | Table():
            return [machine.fresh() for _ in range(count)]
        case _:
            return [value] * count


def _store_attribute(machine: Machine, owner: Value, target: ast.Attribute, value: Value) -> None:
    if isinstance(owner, Each):
        owner = owner.item
    if target.attr in ("trainable", "requires_grad"):
        if isinstance(owner, Net | Parameters):
            truth = truth_in(value)
            freeze(machine, owner, None if truth is None else not truth, target)
    elif isinstance(owner, Net):
        _store_part(owner, target.attr, value)
    elif isinstance(owner, Instance):
        owner.attributes[target.attr] = value


def _store_part(owner: Net, name: str, value: Value) -> None:
    """A layer put into a network by its name, often a new head."""
    before = owner.attributes.get(name)
    if isinstance(before, Net):
        owner.parts = [part for part in owner.parts if part is not before]
    owner.attributes[name] = value
    inside = value.items if isinstance(value, Items) else [value]
    for part in inside:
        if isinstance(part, Net):
            part.name = part.name or f"{owner.name or 'self'}.{name}"
            owner.add(part)
            owner.head_new = owner.head_new or owner.of_file is None


def _store_item(machine: Machine, target: ast.Subscript, value: Value, scope: Scope) -> None:
    owner = machine.evaluate(target.value, scope)
    if isinstance(target.slice, ast.Slice):
        return
    index = machine.evaluate(target.slice, scope)
    known: Any = index.value if isinstance(index, Constant) else None
    if isinstance(owner, Table):
        owner.items[known if isinstance(index, Constant) else key_of(index)] = value
    elif isinstance(owner, Items):
        if isinstance(known, int) and -len(owner.items) <= known < len(owner.items):
            owner.items[known] = value
    elif isinstance(owner, Net):
        _store_part(owner, f"[{known}]", value)
        top = owner.owner
        while top is not None:
            top.head_new, top = True, top.owner
    elif isinstance(owner, Data) and owner.holds == "labels" and owner.buffer:
        _note_change(machine, target, owner)


def _note_change(machine: Machine, target: ast.Subscript, labels: Data) -> None:
    """Labels are changed in their own array, perhaps after a network was trained on them."""
    place, name = machine.place(target), ast.unparse(target.value)
    machine.stores.setdefault(labels.buffer, (machine.tick(), place))
    if any(overlap(training.data, labels) for training in machine.story.trainings):
        _overwritten(machine, Overwriting(place=place, name=name, other=name, used=place))


def _overwritten(machine: Machine, found: Overwriting) -> None:
    if all(known.place != found.place for known in machine.story.overwritten):
        machine.story.overwritten.append(found)


def note_use(machine: Machine, node: ast.Name, value: Data, bound: int) -> None:
    """Labels that are read by a name that they had before they were changed by another."""
    stored = machine.stores.get(value.buffer)
    if stored is None or machine.frames or bound > stored[0]:
        return
    others = [name for name in machine.buffer_names.get(value.buffer, {}) if name != node.id]
    if others:
        found = Overwriting(
            place=stored[1], name=others[-1], other=node.id, used=machine.place(node)
        )
        _overwritten(machine, found)
