"""Freezing, loading and copying of weights, in a network and everything in it."""

import ast

from headstart.audit.program.machine import Machine
from headstart.audit.program.nets import Change, Copy, Net
from headstart.audit.program.values import Parameters


def freeze(machine: Machine, owner: Net | Parameters, frozen: bool | None, node: ast.AST) -> None:
    """Freeze or thaw; None where only some of it may be frozen."""
    value = frozen if machine.is_certain else None
    change = Change(machine.tick(), machine.place(node), value)
    for net in owner.nets if isinstance(owner, Parameters) else (owner,):
        for part in net.everything():
            if value is None or part.frozen_at(change.time) is not value:
                part.freezing.append(change)


def load(machine: Machine, net: Net, node: ast.AST) -> None:
    """Weights come from a file or a place that the text does not show."""
    change = Change(machine.tick(), machine.place(node))
    for part in net.everything():
        part.loads.append(change)


def copy(machine: Machine, net: Net, sources: tuple[Net, ...], node: ast.AST) -> None:
    """Weights come from other networks."""
    known = Copy(machine.tick(), machine.place(node), sources)
    for part in net.everything():
        part.copies.append(known)
