"""Cells of a study's grid: one arm at one size of one pair of tasks."""

from typing import Protocol

from headstart.plan.allocation import Cell as Cell

ONE_SIZE = "as given"
"""Size of results from elsewhere that name none."""


class InCell(Protocol):
    """A record that belongs to a cell."""

    @property
    def source(self) -> str:
        """Name of the source task."""

    @property
    def target(self) -> str:
        """Name of the target task."""

    @property
    def size(self) -> str:
        """Label of the target size."""

    @property
    def arm(self) -> str:
        """Name of the arm."""


def cell_of(record: InCell) -> Cell:
    """Cell of a trial, a result or a comparison."""
    return (record.source, record.target, record.size, record.arm)


def beside(cell: Cell, arm: str) -> Cell:
    """Cell of another arm at the same size of the same pair."""
    return (*cell[:3], arm)
