"""Result of a check: facts as fields, a sentence as text, and an error only if asked for."""

from abc import ABC, abstractmethod
from typing import Self

from headstart.core.errors import CheckFailed


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
