"""Context of a benefit: one transfer arm beside the control at one size."""

from dataclasses import dataclass

from headstart.analyse.cells import Cell
from headstart.analyse.records import Record

BySeed = dict[int, Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitContext:
    """One transfer arm and the control at one size, over their common seeds.

    `sizes` is the control at every size of the pair; `fresh` the same strategy from fresh weights
    under its name, where the study has it. `overlap` is the number of test images of a seed for
    each of its training images where seeds split the same images anew, and else 0.
    """

    cell: Cell
    control_name: str
    arm: tuple[Record, ...]
    control: tuple[Record, ...]
    sizes: tuple[BySeed, ...]
    fresh: tuple[str, BySeed]
    chance: float
    source_flops: int
    overlap: float

    @property
    def seeds(self) -> tuple[int, ...]:
        """Common seeds."""
        return tuple(record.trial.seed for record in self.arm)
