"""Allocation of seeds to the comparisons of a study: how many each has, and why some get no more.

A study with planned looks (`seeds = "auto"`) begins with the same seeds everywhere. After each
round the comparisons whose evidence is short go on to the next look, as far as the time allows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headstart.core.hashing import Json

Cell = tuple[str, str, str, str]
"""(source, target, size, arm)."""

HOPELESS = 2  # times the seeds of the last look: a guess that is larger will hardly come true
TRUSTED = 8  # seeds from which on a guess is trusted

Stop = Literal["budget", "out of reach"]
"""Why a comparison without a verdict gets no further seeds before the last planned look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Number of seeds of each cell; one that is not named has `first`.

    `stopped` names the comparisons that get no more, though they have no verdict, with the reason.
    """

    first: int
    numbers: Mapping[Cell, int] = field(default_factory=dict)
    stopped: Mapping[Cell, Stop] = field(default_factory=dict)

    def number(self, cell: Cell) -> int:
        """Number of seeds of a cell."""
        return self.numbers.get(cell, self.first)

    def seeds(self, cells: Iterable[Cell], planned: tuple[int, ...]) -> dict[Cell, tuple[int, ...]]:
        """Seeds of some cells, of those that are planned."""
        return {cell: planned[: self.number(cell)] for cell in cells}

    @property
    def most(self) -> int:
        """The largest number of seeds of any cell."""
        return max(self.numbers.values(), default=self.first)

    @property
    def as_json(self) -> Json:
        """The allocation as a store keeps it."""
        named = dict.fromkeys((*self.numbers, *self.stopped))
        cells = [[*cell, self.number(cell), self.stopped.get(cell)] for cell in named]
        return {"first": self.first, "cells": cells}

    def going_on(self, numbers: Mapping[Cell, int], stopped: Mapping[Cell, Stop]) -> "Allocation":
        """The allocation with further seeds for some cells, and others stopped."""
        more = {cell: number for cell, number in numbers.items() if number > self.number(cell)}
        return replace(self, numbers={**self.numbers, **more}, stopped={**self.stopped, **stopped})


def allocation_from(given: Json) -> Allocation:
    """An allocation as a store kept it."""
    cells = [(tuple(names), number, stop) for *names, number, stop in given["cells"]]
    return Allocation(
        first=given["first"],
        numbers={cell: number for cell, number, _ in cells},
        stopped={cell: stop for cell, _, stop in cells if stop},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenComparison:
    """A comparison that could go on to its next look.

    `needed` is about how many seeds would decide it, None where that is not known; `by_images` says
    that no number of them would, only more test images. `look` is the number at the next look,
    `number` the present one. `with_it` are the cells that need the same seeds: the arm, and the
    control and other arms beside it.
    """

    cell: Cell
    number: int
    look: int
    needed: int | None
    with_it: tuple[Cell, ...]
    by_images: bool = False

    def out_of_reach(self, last: int) -> bool:
        """Whether the seeds of the last planned look would hardly decide it.

        A guess from few seeds is not trusted: it may be several times too large.
        """
        if self.by_images:
            return True
        return self.number >= TRUSTED and (self.needed or 0) > HOPELESS * last


def affordable(
    comparisons: Iterable[OpenComparison],
    steps_of: Callable[[OpenComparison], frozenset[str]],
    seconds_of: Callable[[frozenset[str]], float],
    seconds: float,
) -> tuple[OpenComparison, ...]:
    """The comparisons whose next look fits the time, those that promise a verdict soonest first.

    What a verdict may take is the cost of each further seed times the seeds that may be needed.
    Steps that two comparisons share, such as a source run, are paid for once.

    Args:
        comparisons: those that could go on.
        steps_of: keys of the steps that a next look takes beyond those of all looks so far.
        seconds_of: about how long steps take.
        seconds: time there is.
    """
    steps = {one: steps_of(one) for one in comparisons}

    def price(one: OpenComparison) -> float:
        wanted = max(one.needed or one.look, one.look)
        return seconds_of(steps[one]) * (wanted - one.number) / (one.look - one.number)

    chosen, paid, left = [], frozenset[str](), seconds
    for one in sorted(steps, key=price):
        cost = seconds_of(steps[one] - paid)
        if cost <= left:
            chosen.append(one)
            paid, left = paid | steps[one], left - cost
    return tuple(chosen)
