"""State of the interpreter: time, place, loops, and the story so far."""

import ast
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from headstart.audit.program.nets import Framework, Net, Origin
from headstart.audit.program.samples import Data
from headstart.audit.program.scope import Scope
from headstart.audit.program.story import Site, Story
from headstart.audit.program.values import Key, Unknown, Value, mentions
from headstart.audit.source import Cell, Place, Unseen


class Follow(Protocol):
    """The functions that follow a program, each in its own file and in need of the others."""

    def evaluate(self, machine: "Machine", node: ast.expr, scope: Scope) -> Value:
        """Value of an expression."""

    def execute(self, machine: "Machine", body: Sequence[ast.stmt], scope: Scope) -> None:
        """Follow statements."""

    def call(
        self,
        machine: "Machine",
        callee: Value,
        positional: list[Value],
        named: dict[str, Value],
        node: ast.AST,
    ) -> Value:
        """Result of a call."""


_MOST_STEPS = 200_000
_MOST_NETS = 5_000
DEEPEST = 14


class TooLong(Exception):
    """The program has more steps, or more networks and layers, than are followed."""


class Returned(Exception):
    """The function that is being followed returns for certain."""


@dataclass(slots=True)
class Loop:
    """Loop that is being followed: how often it runs, and over what.

    `number` is the time at which it began. `seeds` is true for a loop over seeds or folds.
    """

    number: int
    count: float | None = None
    over_data: bool = False
    key: Key = None
    seeds: bool = False


@dataclass(slots=True)
class Frame:
    """Call of a function that is being followed."""

    node: ast.AST
    uncertain: int
    loops: int
    returned: list[Value] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass of samples through a network."""

    number: int
    net: Net
    data: Data
    site: Site
    mode: str
    gradients: bool


class Machine:
    """What the interpreter knows while it follows a program."""

    def __init__(self, cells: list[Cell], follow: Follow) -> None:
        self._follow = follow
        self.story = Story(cells=cells)
        self.module = Scope()
        self.clock = 0
        self.steps = 0
        self.cell = cells[0]
        self.frames: list[Frame] = []
        self.loops: list[Loop] = []
        self.callers: list[Place] = []
        self.uncertain = 0
        self.without_gradients = 0
        self.forwards: list[Forward] = []
        self.trained: set[int] = set()
        self.scored: set[int] = set()
        self.predicted: set[int] = set()
        self.trained_keys: set[Hashable] = set()
        self.stars: list[str] = []
        self.functions_called: set[int] = set()
        self.buffer_names: dict[int, dict[str, int]] = {}
        self.stores: dict[int, tuple[int, Place]] = {}
        self.saved: dict[Key, Net] = {}
        self.promoted: dict[Key, Net] = {}

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """Value of an expression."""
        self.step()
        return self._follow.evaluate(self, node, scope)

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Follow statements in order."""
        self._follow.execute(self, body, scope)

    def call(
        self, callee: Value, positional: list[Value], named: dict[str, Value], node: ast.AST
    ) -> Value:
        """Result of a call."""
        return self._follow.call(self, callee, positional, named, node)

    def tick(self) -> int:
        """The next moment."""
        self.clock += 1
        return self.clock

    def step(self) -> None:
        """Count a step.

        Raises:
            TooLong: there have been too many.
        """
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise TooLong

    def place(self, node: ast.AST) -> Place:
        """Place of a node of the cell that is being followed."""
        end = node.end_lineno if isinstance(node, ast.expr) else None
        return self.cell.place(getattr(node, "lineno", 1), end)

    def site(self, node: ast.AST) -> Site:
        """This moment at a node."""
        place = self.place(node)
        return Site(
            time=self.tick(),
            place=place,
            called=self.callers[0] if self.callers else place,
            repeats=any(loop.seeds for loop in self.loops),
            loops=tuple(loop.number for loop in self.loops),
        )

    def fresh(self) -> Unknown:
        """A value that equals no other."""
        return Unknown(("fresh", self.tick()))

    def new_net(
        self, kind: str, framework: Framework, node: ast.AST, *, origin: Origin = "fresh"
    ) -> Net:
        """A network or layer that is built here.

        Raises:
            TooLong: there are too many.
        """
        if len(self.story.nets) >= _MOST_NETS:
            raise TooLong
        net = Net(
            number=len(self.story.nets),
            kind=kind,
            framework=framework,
            built=self.site(node),
            origin=origin,
        )
        self.story.nets.append(net)
        return net

    def cannot_see(self, why: str, node: ast.AST | None = None) -> None:
        """Record what the text does not show, once."""
        unseen = Unseen(why=why, place=None if node is None else self.place(node))
        if unseen not in self.story.unseen:
            self.story.unseen.append(unseen)

    @property
    def is_certain(self) -> bool:
        """Whether the present line runs for certain."""
        return self.uncertain == 0

    @property
    def returns_for_certain(self) -> bool:
        """Whether a `return` at the present line ends its function for certain."""
        if not self.frames:
            return False
        frame = self.frames[-1]
        return self.uncertain == frame.uncertain and len(self.loops) == frame.loops

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """Within the block everything depends on a condition that is not known."""
        self.uncertain += 1
        try:
            yield
        finally:
            self.uncertain -= 1

    @contextmanager
    def looping(self, loop: Loop) -> Iterator[Loop]:
        """Within the block a loop is being followed."""
        self.loops.append(loop)
        try:
            yield loop
        finally:
            self.loops.pop()

    def new_loop(
        self, count: float | None, key: Key, *, over_data: bool = False, seeds: bool = False
    ) -> Loop:
        """A loop that begins now."""
        return Loop(self.tick(), count, over_data=over_data, key=key, seeds=seeds)

    def seed_with(self, key: Key, node: ast.AST) -> bool:
        """A seed is set; whether it depends on a loop, which then is a loop over seeds."""
        self.story.seeds.append(self.site(node))
        return self.draws_by(key)

    def draws_by(self, key: Key) -> bool:
        """A draw depends on a value; whether that value depends on a loop, which then is one over
        seeds."""
        loops = [loop for loop in self.loops if loop.key is not None and mentions(key, loop.key)]
        for loop in loops:
            loop.seeds = True
        return bool(loops)

    def epochs_of(self, net: Net) -> float | None:
        """How often the present line runs on all samples since a network was built."""
        epochs = 1.0
        for loop in self.loops:
            if loop.number > net.built.time and not loop.over_data:
                if loop.count is None:
                    return None
                epochs *= loop.count
        return epochs
