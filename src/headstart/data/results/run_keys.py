"""Keys of the runs of a table: arm, size and seed of every row, as one number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headstart.core.errors import DataError, Problem
from headstart.core.names import few, natural_order
from headstart.data.results.roles import Role
from headstart.data.results.table import Coded, ResultTable

ONE = "0"  # name of the seed or fold of results that name none


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One trained model: what it was, and its answers or its score.

    `images` are positions in `Results.images`, in rising order; labels and answers are positions in
    `Results.classes`. A run of a summary has a `score` and no answers. `numbers` are further facts
    by role, as far as they are known.
    """

    arm: str
    size: str
    seed: int
    numbers: Mapping[Role, float]
    images: np.ndarray | None = None  # (images,)
    labels: np.ndarray | None = None  # (images,)
    answers: np.ndarray | None = None  # (images,)
    probabilities: np.ndarray | None = None  # (images, classes)
    score: float | None = None


class RunKeys:
    """Arm, size and seed of every row, as one number; names of sizes and seeds."""

    def __init__(self, table: ResultTable) -> None:
        rows = table.num_rows
        single = Coded(codes=np.zeros(rows, np.int32), names=(ONE,))
        self.arm = table.names["arm"]
        self.size = table.names.get("size", Coded(codes=single.codes, names=("",)))
        seed, fold = table.names.get("seed"), table.names.get("fold")
        self.num_folds = 0 if fold is None else len(fold.names)
        self.sizes = tuple(natural_order(self.size.names))
        self.notes: list[str] = []
        if any(name.isdecimal() for name in self.sizes):
            self.notes.append("sizes that are numbers are taken for numbers of labelled images")
        if seed is None:
            seed = single
            if fold is None and "label" not in table.names and _repeats(self.arm, self.size):
                self.notes.append(
                    "no column names the seed: runs are numbered through the file, and not paired"
                )
                seed = Coded(
                    codes=np.arange(rows, dtype=np.int32), names=tuple(map(str, range(rows)))
                )
        self.seed_codes, self.seeds = self._seeds(seed, fold)
        self.num_seeds = len(self.seeds)
        self.codes = (
            self.arm.codes.astype(np.int64) * len(self.size.names) + self.size.codes
        ) * self.num_seeds + self.seed_codes

    def _seeds(self, seed: Coded, fold: Coded | None) -> tuple[np.ndarray, tuple[int, ...]]:
        """Codes of seeds, and their numbers; with folds each pair of both is one."""
        if fold is not None:
            pairs = seed.codes.astype(np.int64) * len(fold.names) + fold.codes
            distinct, codes = np.unique(pairs, return_inverse=True)
            if len(seed.names) == 1:
                return self._numbered(
                    codes.reshape(-1), [fold.names[p % len(fold.names)] for p in distinct], "fold"
                )
            names = [
                f"{seed.names[p // len(fold.names)]}, fold {fold.names[p % len(fold.names)]}"
                for p in distinct
            ]
            return self._numbered(codes.reshape(-1), names, "seed and fold")
        return self._numbered(seed.codes, seed.names, "seed")

    def _numbered(
        self, codes: np.ndarray, names: Sequence[str], what: str
    ) -> tuple[np.ndarray, tuple[int, ...]]:
        if all(name.isdecimal() and len(name) < 16 for name in names):
            return codes, tuple(map(int, names))
        order = natural_order(names)
        shown = [f"{number} is {name}" for number, name in enumerate(order)]
        self.notes.append(f"numbers of each {what}: {few(shown, 4)}")
        return codes, tuple(order.index(name) for name in names)

    def place(self, code: int) -> tuple[str, str, int]:
        """Arm, size and seed of a number."""
        rest, seed = divmod(code, self.num_seeds)
        arm, size = divmod(rest, len(self.size.names))
        return self.arm.names[arm], self.size.names[size], self.seeds[seed]

    def text(self, code: int) -> str:
        """A run in a sentence."""
        arm, size, seed = self.place(code)
        return f"{arm}{f', size {size}' if size else ''}, seed {seed}"


def _repeats(arm: Coded, size: Coded) -> bool:
    """Whether an arm has several rows at a size."""
    places = arm.codes.astype(np.int64) * len(size.names) + size.codes
    return len(np.unique(places)) < len(places)


def numbers_of(table: ResultTable, rows: np.ndarray) -> dict[Role, float]:
    """Further facts of a run: the numbers that are the same in all its rows."""
    facts: dict[Role, float] = {}
    for role, column in table.numbers.items():
        first = column[rows[0]]
        if role != "accuracy" and np.isfinite(first) and (column[rows] == first).all():
            facts[role] = float(first)
    return facts


def refusal(problems: Sequence[Problem], head: str = "") -> DataError:
    """All that is wrong with results as one error, below a first line."""
    listed = "\n".join(f"  {number}. {one}" for number, one in enumerate(problems, 1))
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return DataError(f"{head or f'the results have {count}'}:\n{listed}")
