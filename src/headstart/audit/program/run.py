"""A parsed file followed from its first line to its last."""

import ast
from collections.abc import Sequence

from headstart.audit.program import calls, expressions, functions, statements
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine, TooLong
from headstart.audit.program.scope import Scope
from headstart.audit.program.story import Story
from headstart.audit.program.torch_loops import finish_forwards
from headstart.audit.program.values import Function, Unknown, Value
from headstart.audit.source import Source


class _Follow:
    """The functions that follow a program."""

    def evaluate(self, machine: Machine, node: ast.expr, scope: Scope) -> Value:
        return expressions.evaluate(machine, node, scope)

    def execute(self, machine: Machine, body: Sequence[ast.stmt], scope: Scope) -> None:
        statements.execute(machine, body, scope)

    def call(
        self,
        machine: Machine,
        callee: Value,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.AST,
    ) -> Value:
        return calls.call(machine, callee, Arguments(positional, named, node))


def story_of(source: Source) -> Story:
    """What a program does: its networks, trainings and tests in order."""
    machine = Machine(source.cells, _Follow())
    try:
        for cell in source.cells:
            machine.cell = cell
            statements.execute(machine, cell.tree.body, machine.module)
        _follow_uncalled(machine)
    except TooLong:
        machine.cannot_see("The program is too long to be followed to its end.")
    except RecursionError:
        machine.cannot_see("Expressions are nested too deeply to be followed to the end.")
    finish_forwards(machine)
    machine.story.unseen = [*source.unseen, *machine.story.unseen]
    return machine.story


def _follow_uncalled(machine: Machine) -> None:
    """Follow functions that the file defines and never calls; what they are given is not known."""
    for name, value in list(machine.module.values.items()):
        if not isinstance(value, Function) or isinstance(value.node, ast.Lambda):
            continue
        if id(value.node) in machine.functions_called:
            continue
        given = value.node.args
        required = given.args[: len(given.args) - len(given.defaults)]
        named: dict[str, Value] = {
            argument.arg: Unknown(("parameter", name, argument.arg)) for argument in required
        }
        machine.cell = value.cell
        functions.call_function(machine, value, Arguments([], named, value.node))
