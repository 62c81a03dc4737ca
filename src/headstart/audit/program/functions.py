"""Functions of the file followed where they are called."""

import ast
from dataclasses import replace

from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import DEEPEST, Frame, Machine, Returned
from headstart.audit.program.samples import Data
from headstart.audit.program.scope import Scope
from headstart.audit.program.torch_loops import turns_gradients_off
from headstart.audit.program.values import (
    ClassOfFile,
    Constant,
    Each,
    Function,
    Items,
    Key,
    Table,
    Unknown,
    Value,
)


def call_method(
    machine: Machine, of: ClassOfFile, name: str, owner: Value, arguments: Arguments
) -> Value:
    """A method of a class of the file; an unknown value if there is none."""
    method = of.methods.get(name)
    if method is None:
        return machine.fresh()
    return call_function(machine, replace(method, owner=owner), arguments)


def call_function(machine: Machine, function: Function, arguments: Arguments) -> Value:
    """Follow a function with its arguments; an unknown value where it calls itself."""
    node = function.node
    machine.functions_called.add(id(node))
    depth = sum(frame.node is node for frame in machine.frames)
    if depth > 1 or len(machine.frames) >= DEEPEST:
        return machine.fresh()
    scope = Scope(outer=function.scope)
    _bind(machine, function, arguments, scope)
    caller, place = machine.cell, machine.place(arguments.node)
    frame = Frame(node=node, uncertain=machine.uncertain, loops=len(machine.loops))
    machine.frames.append(frame)
    machine.callers.append(place)
    machine.cell = function.cell
    quiet = any(map(turns_gradients_off, getattr(node, "decorator_list", [])))
    machine.without_gradients += quiet
    try:
        if isinstance(node, ast.Lambda):
            return machine.evaluate(node.body, scope)
        machine.execute(node.body, scope)
    except Returned:
        pass
    finally:
        machine.without_gradients -= quiet
        machine.cell = caller
        machine.callers.pop()
        machine.frames.pop()
    return _result(frame)


def _result(frame: Frame) -> Value:
    """What a function gives back: of several results one that is known."""
    if frame.yielded:
        item = frame.yielded[0]
        inside = item.items if isinstance(item, Items) else [item]
        data = next((value for value in inside if isinstance(value, Data)), None)
        return Each(item, data=data)
    known = [value for value in frame.returned if not isinstance(value, Constant | Unknown)]
    if known:
        return known[-1]
    return frame.returned[-1] if frame.returned else Constant(None)


def _bind(machine: Machine, function: Function, arguments: Arguments, scope: Scope) -> None:
    given = function.node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    positional = list(arguments.positional)
    if function.owner is not None:
        positional.insert(0, function.owner)
    time = machine.tick()
    for name, default in zip(reversed(names), reversed(given.defaults), strict=False):
        scope.bind(name, machine.evaluate(default, function.scope), time)
    for argument, keyword_default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if keyword_default is not None:
            value = machine.evaluate(keyword_default, function.scope)
            scope.bind(argument.arg, value, time)
    for name, value in zip(names, positional, strict=False):
        scope.bind(name, value, time)
    if given.vararg is not None:
        scope.bind(given.vararg.arg, Items(positional[len(names) :]), time)
    known = {*names, *(argument.arg for argument in given.kwonlyargs)}
    others: dict[Key, Value] = {}
    for name, value in arguments.named.items():
        if name in known:
            scope.bind(name, value, time)
        else:
            others[name] = value
    if given.kwarg is not None:
        scope.bind(given.kwarg.arg, Table(others), time)
    for name in known - set(scope.values):
        scope.bind(name, Unknown(("parameter", function.node.lineno, name)), time)
