"""Expressions evaluated to what the text says of them."""

import ast
import builtins
from collections.abc import Callable
from typing import Any

from headstart.audit.program import arrays, attributes
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.calls import call
from headstart.audit.program.iteration import items_of, passes, unrolled
from headstart.audit.program.machine import Machine
from headstart.audit.program.samples import Data
from headstart.audit.program.scope import Scope
from headstart.audit.program.storing import note_use, store
from headstart.audit.program.subscripts import subscript
from headstart.audit.program.values import (
    LONGEST,
    Constant,
    External,
    Function,
    Items,
    Prediction,
    Table,
    Unknown,
    Value,
    Weights,
    key_of,
    truth_in,
)


def evaluate(machine: Machine, node: ast.expr, scope: Scope) -> Value:
    """Value of an expression."""
    return _EXPRESSIONS.get(type(node), _unknown)(machine, node, scope)


def _unknown(machine: Machine, node: ast.expr, scope: Scope) -> Value:
    return machine.fresh()


def _constant(machine: Machine, node: Any, scope: Scope) -> Value:
    return Constant(node.value)


def _name(machine: Machine, node: Any, scope: Scope) -> Value:
    found = scope.find(node.id)
    if found is None:
        if hasattr(builtins, node.id):
            return External(f"builtins.{node.id}")
        if machine.stars:
            return External(f"{machine.stars[-1]}.{node.id}")
        return Unknown(("name", node.id))
    value, bound = found
    if isinstance(value, Data) and value.buffer:
        note_use(machine, node, value, bound)
    return value


def _attribute(machine: Machine, node: Any, scope: Scope) -> Value:
    return attributes.load(machine, machine.evaluate(node.value, scope), node.attr, node)


def _call(machine: Machine, node: Any, scope: Scope) -> Value:
    callee = machine.evaluate(node.func, scope)
    positional = _spread(machine, node.args, scope)
    named: dict[str, Value] = {}
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            named[keyword.arg] = value
        elif isinstance(value, Table):
            named |= {str(key): item for key, item in value.items.items()}
        else:
            named["**"] = value
    return call(machine, callee, Arguments(positional, named, node))


def _spread(machine: Machine, parts: list[ast.expr], scope: Scope) -> list[Value]:
    """Values in order; of one with a star, its items where they are known and not too many."""
    values: list[Value] = []
    for part in parts:
        value = machine.evaluate(part, scope)
        items = items_of(value) if isinstance(part, ast.Starred) else None
        if items is None or len(values) + len(items) > LONGEST:
            items = [value]
        values += items
    return values


def _subscript(machine: Machine, node: Any, scope: Scope) -> Value:
    return subscript(machine, machine.evaluate(node.value, scope), node.slice, scope)


def _binary(machine: Machine, node: Any, scope: Scope) -> Value:
    left, right = machine.evaluate(node.left, scope), machine.evaluate(node.right, scope)
    return arrays.arithmetic(node.op, left, right)


def _unary(machine: Machine, node: Any, scope: Scope) -> Value:
    value = machine.evaluate(node.operand, scope)
    return arrays.negated(node.op, value)


def _compare(machine: Machine, node: Any, scope: Scope) -> Value:
    values = [machine.evaluate(part, scope) for part in (node.left, *node.comparators)]
    return arrays.compared(machine, node.ops, values)


def _boolean(machine: Machine, node: Any, scope: Scope) -> Value:
    values = [machine.evaluate(part, scope) for part in node.values]
    truths = [truth_in(value) for value in values]
    decides = isinstance(node.op, ast.Or)
    for value, truth in zip(values, truths, strict=True):
        if truth is None:
            return Unknown(("boolean", *map(key_of, values)))
        if truth == decides:
            return value
    return values[-1]


def _conditional(machine: Machine, node: Any, scope: Scope) -> Value:
    known = truth_in(machine.evaluate(node.test, scope))
    if known is not None:
        return machine.evaluate(node.body if known else node.orelse, scope)
    with machine.perhaps():
        first = machine.evaluate(node.body, scope)
        second = machine.evaluate(node.orelse, scope)
    return second if isinstance(first, Constant) else first


def _sequence(machine: Machine, node: Any, scope: Scope) -> Value:
    return Items(_spread(machine, node.elts, scope))


def _starred(machine: Machine, node: Any, scope: Scope) -> Value:
    return machine.evaluate(node.value, scope)


def _table(machine: Machine, node: Any, scope: Scope) -> Value:
    table = Table({})
    for key, part in zip(node.keys, node.values, strict=True):
        value = machine.evaluate(part, scope)
        if key is not None:
            known = machine.evaluate(key, scope)
            table.items[known.value if isinstance(known, Constant) else key_of(known)] = value
        elif isinstance(value, Table):
            table.items |= value.items
    return table


def _comprehension(machine: Machine, node: Any, scope: Scope) -> Value:
    """List, set, generator or dictionary over one iterable or several."""
    inner = Scope(outer=scope)
    found: list[tuple[Value | None, Value]] = []
    source = machine.evaluate(node.generators[0].iter, scope)
    if isinstance(source, Weights):
        return source

    def follow(generators: list[ast.comprehension]) -> None:
        if not generators:
            key = machine.evaluate(node.key, inner) if isinstance(node, ast.DictComp) else None
            body = node.value if isinstance(node, ast.DictComp) else node.elt
            found.append((key, machine.evaluate(body, inner)))
            return
        first, *others = generators
        iterable = source if first is node.generators[0] else machine.evaluate(first.iter, inner)
        for item, loop in passes(machine, iterable):
            with machine.looping(loop):
                store(machine, first.target, item, inner)
                truths = [truth_in(machine.evaluate(test, inner)) for test in first.ifs]
                if False not in truths:
                    follow(others)

    follow(node.generators)
    return _collected(node, source, found)


def _collected(node: Any, source: Value, found: list[tuple[Value | None, Value]]) -> Value:
    if isinstance(node, ast.DictComp):
        keyed = {
            key.value if isinstance(key, Constant) else key_of(key): value
            for key, value in found
            if key is not None
        }
        return Table(keyed)
    if unrolled(source) is not None:
        return Items([value for _, value in found])
    if found and isinstance(found[0][1], Prediction):
        return found[0][1]
    return Unknown(("comprehension", ast.dump(node), key_of(source)))


def _lambda(machine: Machine, node: Any, scope: Scope) -> Value:
    return Function(node, scope, machine.cell)


def _walrus(machine: Machine, node: Any, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    store(machine, node.target, value, scope)
    return value


def _text(machine: Machine, node: Any, scope: Scope) -> Value:
    parts = [
        machine.evaluate(part.value, scope) if isinstance(part, ast.FormattedValue) else part.value
        for part in node.values
    ]
    if all(isinstance(part, str | Constant) for part in parts):
        known = [part.value if isinstance(part, Constant) else part for part in parts]
        text = "".join(map(str, known))
        return Constant(text) if len(text) <= LONGEST else machine.fresh()
    return Unknown(("text", *[part if isinstance(part, str) else key_of(part) for part in parts]))


def _yield(machine: Machine, node: Any, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope) if node.value is not None else Constant(None)
    if machine.frames:
        machine.frames[-1].yielded.append(value)
    return machine.fresh()


_EXPRESSIONS: dict[type[ast.expr], Callable[[Machine, Any, Scope], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Starred: _starred,
    ast.Dict: _table,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.JoinedStr: _text,
    ast.Await: _starred,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
