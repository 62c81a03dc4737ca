"""Values of the interpreter: what the text of a program says about a variable."""

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, Union

from headstart.audit.program.samples import Data, bounded
from headstart.audit.source import Cell

if TYPE_CHECKING:
    from headstart.audit.program.nets import Net
    from headstart.audit.program.scope import Scope

Key: TypeAlias = Hashable

LONGEST = 10_000
"""Most items of a list, or characters of a string, that are followed one by one."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Value that the text does not show; equal keys mean the same value."""

    key: Key

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", bounded(self.key))


@dataclass(frozen=True, slots=True)
class Constant:
    """Number, string, truth value or None."""

    value: Hashable


@dataclass(slots=True)
class Items:
    """List or tuple whose items are known."""

    items: list["Value"]


@dataclass(slots=True)
class Table:
    """Dictionary whose keys are known."""

    items: dict[Key, "Value"]


@dataclass(frozen=True, slots=True)
class Each:
    """Iterable whose items all look alike: a range, the batches of a data set."""

    item: "Value"
    count: float | None = None
    data: Data | None = None
    folds: bool = False


@dataclass(frozen=True, slots=True)
class External:
    """Thing of another module, by its dotted name."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """Function or lambda of the file; `owner` is the object of a method."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: "Scope"
    cell: Cell
    owner: "Value | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class ClassOfFile:
    """Class of the file, with the dotted names of its bases."""

    node: ast.ClassDef
    bases: tuple[str, ...]
    methods: dict[str, Function]


@dataclass(slots=True, eq=False)
class Instance:
    """Object: of a class of the file, or of an external class by its dotted name."""

    kind: str
    arguments: dict[str, "Value"]
    key: Key
    of_file: ClassOfFile | None = None
    attributes: dict[str, "Value"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = bounded(self.key)

    def named(self, *names: str) -> "Value | None":
        """The first argument of these names that was given."""
        return next((self.arguments[name] for name in names if name in self.arguments), None)


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """Method of a value that is no function of the file."""

    owner: "Value"
    name: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """Symbolic output of layers, as a functional model is built of them."""

    layers: tuple["Net", ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What networks gave for data, or what was computed of it: a loss, a score."""

    forwards: frozenset[int]


@dataclass(frozen=True, slots=True)
class Weights:
    """Values of the weights of networks: a state dict, a list of arrays."""

    nets: tuple["Net", ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of networks, which can be frozen or handed to an optimiser."""

    nets: tuple["Net", ...]


Value: TypeAlias = Union[
    Unknown, Constant, Items, Table, Each, External, Function, ClassOfFile, Instance, Method,
    Tensor, Prediction, Weights, Parameters, Data, "Net",
]  # fmt: skip


def key_of(value: "Value", depth: int = 3) -> Key:
    """Structural key of a value: equal keys mean the same value."""
    match value:
        case Unknown(key):
            return key
        case Constant(constant):
            return ("constant", constant)
        case Items(items) if depth:
            return ("items", *[key_of(item, depth - 1) for item in items[:50]])
        case External(path):
            return ("external", path)
        case Data():
            return ("data", value.paths, value.holds)
        case Instance():
            return value.key
        case Parameters(nets) | Weights(nets):
            return ("weights", *[net.number for net in nets])
        case Prediction(forwards):
            return ("prediction", forwards)
        case _:
            return ("object", id(value))


def mentions(key: Key, part: Key) -> bool:
    """Whether a key was made of another one."""
    return key == part or (isinstance(key, tuple) and any(mentions(item, part) for item in key))


def number_in(value: "Value | None") -> float | None:
    """A number that is known."""
    if isinstance(value, Constant) and isinstance(value.value, int | float):
        return None if isinstance(value.value, bool) else value.value
    return None


def text_in(value: "Value | None") -> str | None:
    """A string that is known."""
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


def truth_in(value: "Value | None") -> bool | None:
    """Whether a value is true; None where that is not known."""
    match value:
        case Constant(constant):
            return bool(constant)
        case Items(items):
            return bool(items)
        case Function() | ClassOfFile():
            return True
        case _:
            return None
