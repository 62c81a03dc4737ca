"""Networks and layers as the text builds them, and where their weights come from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from headstart.audit.program.names import last_name
from headstart.audit.source import Place

if TYPE_CHECKING:
    from headstart.audit.program.story import Site
    from headstart.audit.program.values import ClassOfFile, Value

Framework: TypeAlias = Literal["keras", "torch", "unknown"]
Origin: TypeAlias = Literal["fresh", "pretrained", "unknown"]

NORMALISING = ("BatchNorm", "SyncBatchNorm")
DROPPING = ("Dropout", "DropPath", "GaussianNoise", "GaussianDropout")
SCALING = ("Rescaling", "Normalization", "BatchNorm", "LayerNorm")


@dataclass(frozen=True, slots=True)
class Change:
    """Change of a network at a time and a place; no value where it is not certain."""

    time: int
    place: Place
    value: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """Weights of other networks put into a network."""

    time: int
    place: Place
    nets: tuple["Net", ...]


@dataclass(slots=True, eq=False)
class Net:
    """Network or layer: `parts` are the networks and layers that it shares with others.

    `kind` is the dotted name of what made it. `whole_known` says that a layer holds nothing that
    the text does not show, `listed` that the text lists the parts in order. `clone_of` has its
    architecture alone. `head_new` is true once a layer was replaced or removed. `inference` is true
    where it is called with `training=False` inside another network.
    """

    number: int
    kind: str
    framework: Framework
    built: "Site"
    origin: Origin = "fresh"
    name: str = ""
    whole_known: bool = False
    listed: bool = False
    of_file: "ClassOfFile | None" = None
    parts: list["Net"] = field(default_factory=list)
    attributes: dict[str, "Value"] = field(default_factory=dict)
    owner: "Net | None" = None
    clone_of: "Net | None" = None
    copies: list[Copy] = field(default_factory=list)
    freezing: list[Change] = field(default_factory=list)
    loads: list[Change] = field(default_factory=list)
    compiled: list[Change] = field(default_factory=list)
    head_new: bool = False
    inference: bool = False
    mode: Literal["train", "eval", "either"] = "train"
    settings: dict[str, "Value"] = field(default_factory=dict)

    def everything(self) -> Iterator["Net"]:
        """The network and all networks and layers in it, each once."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            net = waiting.pop()
            if net.number not in seen:
                seen.add(net.number)
                yield net
                waiting += reversed(net.parts)

    def leaves(self) -> list["Net"]:
        """The layers without parts, in order."""
        return [net for net in self.everything() if not net.parts]

    def add(self, part: "Net") -> None:
        """Add a layer or network as the last part."""
        if part is not self and all(part is not known for known in self.parts):
            self.parts.append(part)
            part.owner = part.owner or self

    def has(self, kinds: tuple[str, ...]) -> bool:
        """Whether a layer of one of these kinds is seen in it."""
        return any(last_name(net.kind).startswith(kinds) for net in self.everything())

    def may_have(self, kinds: tuple[str, ...]) -> bool:
        """Whether such a layer may be in it: seen, or in a part that the text does not show."""
        return self.has(kinds) or not all(net.whole_known for net in self.leaves())

    def shares_with(self, other: "Net") -> bool:
        """Whether the two have a network or layer in common."""
        mine = {net.number for net in self.everything()}
        return any(net.number in mine for net in other.everything())

    def frozen_at(self, time: int) -> bool | None:
        """Whether it was frozen at a time; None where that is not certain."""
        before = [change for change in self.freezing if change.time <= time]
        return before[-1].value if before else False

    def frozen_layers(self, time: int) -> list["Net"]:
        """Layers that were certainly frozen at a time."""
        return [net for net in self.leaves() if net.frozen_at(time)]

    def called(self) -> str:
        """Its name in the program, as a message has it."""
        return f"`{self.name}`" if self.name else f"the {last_name(self.kind)}"
