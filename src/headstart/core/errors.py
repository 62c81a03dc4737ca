"""The errors a user can meet, each saying what was given, what is allowed and what to do.

HeadstartError
├── SpecError       a study says something impossible (all problems of it at once)
├── DataError       a data set is missing, torn or not what it claims to be
├── CheckpointError a file of pretrained weights is missing, torn or does not fit the network
├── NetworkError    a network is not known, not installed or cannot be used as asked
├── CheckFailed     a check of one's own training loop found a fault, and was to raise it
├── OutputError     a report cannot be written where it was asked for
├── ExportError     a trained model cannot be written in the form that was asked for
├── ClusterError    a cluster is not there, or its nodes lack what a study needs
├── DeviceError     there is no such device, or another than the study's was to compute
└── StoreError      the store cannot be opened, read or written
    ├── StoreFull      the disk under the store has no room left
    └── StoreDamaged   a stored result is not what was written
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import takewhile

from headstart.core.names import in_a_row, natural_order


class HeadstartError(Exception):
    """Base of all errors that a user can meet: the one to catch."""


class DataError(HeadstartError, ValueError):
    """A data set is missing, torn or not what it claims to be."""


class CheckpointError(HeadstartError, ValueError):
    """A file of pretrained weights is missing, torn or does not fit the network."""


class NetworkError(HeadstartError, ValueError):
    """A network is not known, not installed or cannot be used as asked."""


class CheckFailed(HeadstartError, AssertionError):
    """A check found a fault; the text is what it found."""


class OutputError(HeadstartError):
    """A page or tables cannot be written where they were asked for."""


class ExportError(HeadstartError):
    """A trained model cannot be written in the form that was asked for."""


class ClusterError(HeadstartError):
    """A cluster is not there, or its nodes lack what a study needs."""


class DeviceError(HeadstartError):
    """There is no such device here, or another kind of device than the study's was to compute."""


class StoreError(HeadstartError):
    """The store cannot be opened, read or written."""


class StoreFull(StoreError):
    """The disk under the store has no room left; what was finished before is kept."""


class StoreDamaged(StoreError):
    """A stored result is not what was written.

    `key` names the step that can be computed again once it is dropped; empty where none can.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message, key)
        self.key = key

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a study: where, what was given, what is allowed, what to do."""

    where: str
    message: str
    allowed: str = ""
    fix: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """What is wrong, then what is allowed and what to do as far as they are known."""
        first = f"{self.where}: {self.message}" if self.where else self.message
        return (first, *filter(None, (self.allowed, self.fix)))

    def __str__(self) -> str:
        return "\n     ".join(self.lines)


class SpecError(HeadstartError, ValueError):
    """A study says something impossible.

    Args:
        problems: all of them, not only the first; the attribute of this name holds them.
        origin: what has them, as the text begins: a file's name, or "the study".
    """

    def __init__(self, problems: Sequence[Problem], origin: str = "the study") -> None:
        self.problems = tuple(problems)
        self.origin = origin
        count = len(self.problems)
        head = f"{origin} has {count} problem{'s' if count != 1 else ''}:"
        body = [f"  {number}. {problem}" for number, problem in enumerate(self.problems, 1)]
        super().__init__("\n".join([head, *body]))

    def __reduce__(self) -> tuple[type["SpecError"], tuple[tuple[Problem, ...], str]]:
        return SpecError, (self.problems, self.origin)


def nearest(given: str, known: Iterable[str]) -> str:
    """A sentence that suggests the known name nearest to `given`, or an empty string.

    Of several that are as near, it is the one that begins most alike.
    """
    wanted = given.lower()
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(wanted, by_lower, n=max(len(by_lower), 1), cutoff=0.5)
    if not close:
        return ""
    best = SequenceMatcher(None, close[0], wanted).ratio()
    as_near = takewhile(lambda name: SequenceMatcher(None, name, wanted).ratio() == best, close)
    name = max(as_near, key=lambda name: _same_start(name, wanted))
    return f"Did you mean '{by_lower[name]}'?"


def _same_start(one: str, other: str) -> int:
    """Number of letters that two names begin with alike."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in pairs)


def known_names(known: Iterable[str]) -> str:
    """A sentence that lists what is known, sorted; of very many the first ones."""
    return f"Known: {in_a_row(natural_order(known))}."


def unknown(what: str, given: str, known: Iterable[str], where: str = "") -> Problem:
    """The problem of a name that is not known."""
    names = list(known)
    return Problem(
        where=where,
        message=f"{what} '{given}' is not known.",
        allowed=known_names(names),
        fix=nearest(given, names),
    )
