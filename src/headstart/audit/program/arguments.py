"""Arguments of a call."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.values import Items, Parameters, Prediction, Table, Tensor, Value


@dataclass(frozen=True, slots=True)
class Arguments:
    """Positional and named arguments, and the call that they stand in."""

    positional: list[Value]
    named: dict[str, Value]
    node: ast.AST

    def get(self, name: str, position: int | None = None) -> Value | None:
        """An argument by its name, or by its position."""
        if name in self.named:
            return self.named[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def first_of(self, *names: str, position: int | None = None) -> Value | None:
        """The first argument that was given by one of these names, or by its position."""
        found = next((self.named[name] for name in names if name in self.named), None)
        return found if found is not None or position is None else self.get("", position)

    def as_named(self, *names: str) -> dict[str, Value]:
        """All arguments by name; positional ones take these names, and numbers after them."""
        given = {
            (names[i] if i < len(names) else str(i)): value
            for i, value in enumerate(self.positional)
        }
        return given | self.named

    def deep(self) -> Iterator[Value]:
        """All arguments, and what lies in lists and dictionaries among them."""
        waiting = [*self.positional, *self.named.values()]
        seen = 0
        while waiting and seen < 1000:
            seen += 1
            value = waiting.pop(0)
            yield value
            if isinstance(value, Items):
                waiting += value.items
            elif isinstance(value, Table):
                waiting += value.items.values()

    def data(self) -> list[Data]:
        """All samples among the arguments."""
        return [value for value in self.deep() if isinstance(value, Data)]

    def nets(self) -> list[Net]:
        """All networks among the arguments."""
        found: list[Net] = []
        for value in self.deep():
            if isinstance(value, Net):
                found.append(value)
            elif isinstance(value, Parameters):
                found += value.nets
        return found

    def predictions(self) -> frozenset[int]:
        """All passes through networks that the arguments come from."""
        forwards = [value.forwards for value in self.deep() if isinstance(value, Prediction)]
        return frozenset[int]().union(*forwards)

    def layers(self) -> tuple[Net, ...] | None:
        """Layers behind all symbolic tensors among the arguments; None without any."""
        tensors = [value for value in self.deep() if isinstance(value, Tensor)]
        if not tensors:
            return None
        return tuple(dict.fromkeys(layer for tensor in tensors for layer in tensor.layers))
