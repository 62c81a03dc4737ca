"""Result of a check: facts as fields, a sentence as text, and an error only if asked for."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Self

from headstart.core.errors import CheckFailed
from headstart.core.names import few


class Result(ABC):
    """What a check found. `ok` says whether it is as it should be, `str()` says what was found."""

    __slots__ = ()

    @property
    @abstractmethod
    def ok(self) -> bool:
        """Whether it is as it should be."""

    @abstractmethod
    def __str__(self) -> str:
        """What was found, in a sentence."""

    def check(self) -> Self:
        """The result itself, if it is as it should be.

        Raises:
            CheckFailed: it is not.
        """
        if not self.ok:
            raise CheckFailed(str(self))
        return self


class ClausedResult(Result):
    """A result whose sentence is a few clauses, the most important one first."""

    __slots__ = ()

    def __str__(self) -> str:
        return "; ".join(self._clauses()) + "."

    @abstractmethod
    def _clauses(self) -> Iterator[str]:
        """What was found, without the full stop."""


def name_clauses(*groups: tuple[str, Sequence[str]]) -> Iterator[str]:
    """A clause for each (what, names) that has names: what they are, and the first of them."""
    for what, names in groups:
        if names:
            yield f"{what}: {few(names)}"
