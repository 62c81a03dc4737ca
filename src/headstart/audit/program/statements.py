"""Statements followed in order: assignments, loops, conditions, definitions."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace

from headstart.audit.program import arrays, storing
from headstart.audit.program.iteration import passes
from headstart.audit.program.machine import Machine, Returned
from headstart.audit.program.names import canonical
from headstart.audit.program.samples import Data
from headstart.audit.program.scope import Scope
from headstart.audit.program.torch_loops import note_pick, turns_gradients_off
from headstart.audit.program.values import (
    ClassOfFile,
    Constant,
    External,
    Function,
    Items,
    truth_in,
)


def execute(machine: Machine, body: Sequence[ast.stmt], scope: Scope) -> None:
    """Follow statements in order."""
    for node in body:
        machine.step()
        try:
            _STATEMENTS.get(type(node), _nothing)(machine, node, scope)
        except Returned:
            if machine.frames:
                raise
            return  # a cell or script that ends itself


def _nothing(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    """Statements that change nothing that is followed."""


def _expression(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Expr)
    machine.evaluate(node.value, scope)


def _assign(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Assign)
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        storing.store(machine, target, value, scope)


def _annotated(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.AnnAssign)
    if node.value is not None:
        storing.store(machine, node.target, machine.evaluate(node.value, scope), scope)


def _augmented(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.AugAssign)
    before = machine.evaluate(node.target, scope)
    other = machine.evaluate(node.value, scope)
    value = arrays.arithmetic(node.op, before, other)
    if isinstance(before, Items) and isinstance(value, Items):
        before.items = value.items
        return
    if isinstance(before, Data) and isinstance(value, Data):
        value = replace(value, buffer=before.buffer)
    storing.store(machine, node.target, value, scope)


def _for(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.For | ast.AsyncFor)
    iterable = machine.evaluate(node.iter, scope)
    for item, loop in passes(machine, iterable):
        with machine.looping(loop):
            storing.store(machine, node.target, item, scope)
            machine.execute(node.body, scope)
    machine.execute(node.orelse, scope)


def _while(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.While)
    machine.evaluate(node.test, scope)
    loop = machine.new_loop(None, ("loop", machine.tick()))
    with machine.looping(loop):
        machine.execute(node.body, scope)
    machine.execute(node.orelse, scope)


def _if(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.If)
    known = True if _is_main(node.test) else truth_in(machine.evaluate(node.test, scope))
    if known is not None:
        machine.execute(node.body if known else node.orelse, scope)
        return
    note_pick(machine, node)
    _branches(machine, (node.body, node.orelse), scope)


def _branches(machine: Machine, bodies: Iterable[Sequence[ast.stmt]], scope: Scope) -> None:
    """Follow bodies each of which may run or not."""
    for body in bodies:
        with machine.perhaps():
            machine.execute(body, scope)


def _is_main(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(test))


def _with(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.With | ast.AsyncWith)
    quiet = 0
    for item in node.items:
        value = machine.evaluate(item.context_expr, scope)
        quiet += turns_gradients_off(item.context_expr)
        text = ast.unparse(item.context_expr)
        if text.endswith(")") and "set_grad_enabled(" in text:
            quiet += _is_off(machine, item.context_expr, scope)
        if item.optional_vars is not None:
            storing.store(machine, item.optional_vars, value, scope)
    machine.without_gradients += quiet
    try:
        machine.execute(node.body, scope)
    finally:
        machine.without_gradients -= quiet


def _is_off(machine: Machine, context: ast.expr, scope: Scope) -> bool:
    """Whether `set_grad_enabled(...)` may turn gradients off."""
    given = context.args[:1] if isinstance(context, ast.Call) else []
    return not given or truth_in(machine.evaluate(given[0], scope)) is not True


def _function(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for decorator in node.decorator_list:
        machine.evaluate(decorator, scope)
    function = Function(node, scope, machine.cell)
    scope.bind(node.name, function, machine.tick())


def _class(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.ClassDef)
    bases: list[str] = []
    methods: dict[str, Function] = {}
    for base in node.bases:
        value = machine.evaluate(base, scope)
        if isinstance(value, ClassOfFile):
            bases += value.bases
            methods |= value.methods
        else:
            bases.append(value.path if isinstance(value, External) else ast.unparse(base))
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            methods[part.name] = Function(part, scope, machine.cell)
    scope.bind(node.name, ClassOfFile(node, tuple(bases), methods), machine.tick())


def _return(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Return)
    value = Constant(None) if node.value is None else machine.evaluate(node.value, scope)
    if machine.frames:
        machine.frames[-1].returned.append(value)
        if machine.returns_for_certain:
            raise Returned


def _raise(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    if machine.returns_for_certain:
        raise Returned


def _import(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Import)
    for alias in node.names:
        name = alias.asname or alias.name.split(".")[0]
        path = alias.name if alias.asname else name
        scope.bind(name, External(canonical(path)), machine.tick())


def _import_from(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.ImportFrom)
    module = node.module or "."
    for alias in node.names:
        if alias.name == "*":
            machine.stars.append(canonical(module))
            continue
        path = External(canonical(f"{module}.{alias.name}"))
        scope.bind(alias.asname or alias.name, path, machine.tick())


def _try(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Try)
    machine.execute(node.body, scope)
    _branches(machine, (handler.body for handler in node.handlers), scope)
    machine.execute(node.orelse, scope)
    machine.execute(node.finalbody, scope)


def _global(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Global | ast.Nonlocal)
    scope.shared.update(node.names)


def _match(machine: Machine, node: ast.stmt, scope: Scope) -> None:
    assert isinstance(node, ast.Match)
    machine.evaluate(node.subject, scope)
    _branches(machine, (case.body for case in node.cases), scope)


_STATEMENTS = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.If: _if,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Try: _try,
    ast.Global: _global,
    ast.Nonlocal: _global,
    ast.Match: _match,
}
