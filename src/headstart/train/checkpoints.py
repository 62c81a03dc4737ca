"""Checkpoint selection of a finished training: the best weights on validation, or the last."""

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.study.training import Keep as Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best validation accuracy of one phase, and the update (of the trial) it was seen at."""

    update: int
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The weights that count: the phase they come from, and which of that phase's weights."""

    phase: int
    which: Keep


def choose(best: Sequence[Best | None], keep: Keep) -> Checkpoint:
    """The checkpoint of a training whose phases had these bests; ties go to the earlier one.

    A phase in which validation was not measured offers none. With no measurement at all, or with
    `keep = "last"`, the last weights count.
    """
    offered = [(index, found) for index, found in enumerate(best) if found is not None]
    if keep == "last" or not offered:
        return Checkpoint(phase=len(best) - 1, which="last")
    index, _ = max(offered, key=lambda item: (item[1].accuracy, -item[0]))
    return Checkpoint(phase=index, which="best")
