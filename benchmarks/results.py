"""Measurements, the figures made of them, their CSV file and their table. No heavy import."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

COLUMNS = (
    "question", "subject", "side", "quantity", "unit", "n", "median", "least", "most",
    "mode", "data", "threads", "machine", "versions", "date",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Repeated measurements of one quantity of one side of one question, in the order taken."""

    question: str
    subject: str
    side: str
    quantity: str
    unit: str
    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all samples of one run have in common."""

    mode: Literal["short", "full"]
    data: str
    threads: str
    machine: str
    versions: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A ratio (or a plain number) with the values of each repeat, and what it should be.

    `target` is a least value, or a greatest one where `at_most` holds; None for what is only
    reported.
    """

    name: str
    values: tuple[float, ...]
    target: float | None = None
    at_most: bool = False
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None where there is none."""
        if self.target is None:
            return None
        middle = median(self.values)
        return middle <= self.target if self.at_most else middle >= self.target


def ratio(
    name: str, over: Sample, under: Sample, target: float | None = None, *, at_most: bool = False
) -> Figure:
    """`over` divided by `under`, repeat by repeat: both sides of a repeat ran one after the other.

    Raises:
        ValueError: the sides were not repeated equally often.
    """
    pairs = zip(over.values, under.values, strict=True)
    values = tuple(first / second for first, second in pairs)
    return Figure(name=name, values=values, target=target, at_most=at_most)


def write_csv(path: Path, samples: Iterable[Sample], setting: Setting) -> None:
    """One row a sample, with what it was measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for sample in samples:
            writer.writerow(
                [sample.question, sample.subject, sample.side, sample.quantity, sample.unit]
                + [len(sample.values)]
                + [f"{x:.4g}" for x in (sample.middle, min(sample.values), max(sample.values))]
                + [setting.mode, setting.data, setting.threads]
                + [setting.machine, setting.versions, setting.date]
            )


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table: figure, value, spread, target, met or not."""
    rows = [
        "| figure | median | least - most | n | target | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for figure in figures:
        middle, least, most = (f(figure.values) for f in (median, min, max))
        sign = "at most" if figure.at_most else "at least"
        target = "" if figure.target is None else f"{sign} {figure.target:g}"
        met = {None: "", True: "yes", False: "no"}[figure.met]
        rows.append(
            f"| {figure.name} | {middle:.2f} {figure.unit} | {least:.2f} - {most:.2f} "
            f"| {len(figure.values)} | {target} | {met} |"
        )
    return "\n".join(rows)
