"""One comparison as the worth of an arm is read off it."""

from dataclasses import dataclass

from headstart.analyse.cells import Cell
from headstart.analyse.records import Record

BySeed = dict[int, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One transfer arm against the control at one size, over the seeds that both have.

    `sizes` is the control at every size of the pair; `fresh` the same strategy from fresh weights
    under its name, where the study has it.
    """

    cell: Cell
    control: str
    arm: tuple[Record, ...]
    against: tuple[Record, ...]
    sizes: tuple[BySeed, ...]
    fresh: tuple[str, BySeed]
    chance: float
    source_flops: int

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of both."""
        return tuple(record.trial.seed for record in self.arm)
