"""Names and their values, with the time at which each was bound."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.audit.program.values import Value


@dataclass(slots=True)
class Scope:
    """Names of a module or of one call of a function."""

    outer: "Scope | None" = None
    values: dict[str, "Value"] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)

    def find(self, name: str) -> "tuple[Value, int] | None":
        """Value of a name and the time at which it was bound."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name], scope.times[name]
            scope = scope.outer
        return None

    def bind(self, name: str, value: "Value", time: int) -> None:
        """Bind a name; one declared `global` or `nonlocal` is bound where it lives."""
        scope = self
        if name in self.shared:
            while scope.outer is not None and (scope is self or name not in scope.values):
                scope = scope.outer
        scope.values[name] = value
        scope.times[name] = time
