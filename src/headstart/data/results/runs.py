"""Results of other programs by run: the answers, or the score, of each arm, size and seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from headstart.core.errors import DataError, Problem
from headstart.core.names import few
from headstart.data.results.answers import answers_by_run
from headstart.data.results.run_keys import Run, RunKeys, numbers_of, refusal
from headstart.data.results.table import EMPTY, Coded, ResultTable, empty_cells

_NAMED = 3  # of many that a message is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All runs of some results.

    Attributes:
        runs: in the order of the file.
        arms: their names, in the order of the file.
        sizes: their names, from small to large; one empty name where there is no such column.
        classes: names of classes, sorted.
        images: names of the test images.
        named: whether a column names them; else they are rows in their order.
        groups: group of each test image (images,); None where no column says groups.
        folds: number of folds that the same images were split into; 0 where runs are seeds.
        notes: what was understood, for the user to check.
    """

    runs: tuple[Run, ...]
    arms: tuple[str, ...]
    sizes: tuple[str, ...]
    classes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    named: bool = False
    groups: np.ndarray | None = None
    folds: int = 0
    notes: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether there is an answer to each test image, and not a score for each run."""
        return bool(self.classes)

    def without(self, images: Sequence[np.ndarray]) -> "Results":
        """Results without the answers to some images.

        Args:
            images: of every run the positions of the images to leave out, among those that it has
                answered.

        Raises:
            DataError: of a run no answer is left.
        """
        runs = [_left(run, at) for run, at in zip(self.runs, images, strict=True)]
        there = [run.images for run in runs if run.images is not None]
        if emptied := [run for run in runs if run.images is not None and not len(run.images)]:
            shown = few([f"{run.arm}, seed {run.seed}" for run in emptied], _NAMED)
            raise DataError(
                f"every test image is left out of {shown}: there is nothing to judge there. Test "
                "on other images, or judge the results without such runs."
            )
        at = np.unique(np.concatenate(there))
        return replace(
            self,
            runs=tuple(
                replace(run, images=np.searchsorted(at, run.images))
                for run in runs
                if run.images is not None
            ),
            images=tuple(self.images[one] for one in at.tolist()),
            groups=None if self.groups is None else self.groups[at],
        )


def _left(run: Run, gone: np.ndarray) -> Run:
    """A run without its answers at some positions."""
    arrays = {
        name: np.delete(array, gone, 0)
        for name in ("images", "labels", "answers", "probabilities")
        if (array := getattr(run, name)) is not None
    }
    return replace(run, **arrays)


def results_of(table: ResultTable, notes: Sequence[str] = ()) -> Results:
    """Runs of a table of answers or of scores.

    Raises:
        DataError: with all that is wrong: empty cells, two answers of a run to an image, two labels
            of an image, images that no column names and rows do not show.
    """
    if problems := list(_empty_cells(table)):
        raise refusal(problems)
    keys = RunKeys(table)
    rows = answers_by_run(table, keys) if "label" in table.names else None
    runs = tuple(rows.runs(table, keys) if rows else _scored(table, keys))
    return Results(
        runs=runs,
        arms=table.names["arm"].names,
        sizes=keys.sizes,
        classes=rows.classes if rows else (),
        images=rows.images if rows else (),
        named=rows is not None and "image" in table.names,
        groups=rows.groups if rows else None,
        folds=keys.num_folds,
        notes=(*notes, *keys.notes, *(rows.notes if rows else ())),
    )


def _empty_cells(table: ResultTable) -> Iterator[Problem]:
    for role, column in table.names.items():
        number = int(empty_cells(column).sum())
        if number:
            yield Problem(
                where="",
                message=f"{number:,} of {len(column.codes):,} rows name no {role}"
                f"{_written(column)}.",
                allowed="Expected one in every row.",
                fix="Remove those rows, or fill them in; a run that was stopped has no answers.",
            )
    scores = table.numbers.get("accuracy")
    if scores is not None:
        yield from _impossible_scores(scores)


def _impossible_scores(scores: np.ndarray) -> Iterator[Problem]:
    missing = int(np.isnan(scores).sum())
    if missing:
        yield Problem(
            where="",
            message=f"{missing:,} of {len(scores):,} runs have no accuracy.",
            allowed="Expected one for each run.",
            fix="Remove the rows of runs that did not finish.",
        )
    wrong = scores[(scores < 0) | (scores > 100)]
    if len(wrong):
        yield Problem(
            where="",
            message=f"accuracies such as {wrong[0]:g} are no shares of right answers.",
            allowed="Expected 0 to 1, or 0 to 100 per cent.",
        )


def _scored(table: ResultTable, keys: RunKeys) -> Iterator[Run]:
    """Runs of a summary: a row for each."""
    scores = table.numbers["accuracy"]
    percent = bool((scores > 1).any())
    if percent:
        keys.notes.append("accuracies are taken for per cent, since some are above 1")
    codes, counts = np.unique(keys.codes, return_counts=True)
    twice = [keys.text(int(code)) for code in codes[counts > 1]]
    if twice:
        raise refusal([_twice(twice)])
    for row, code in enumerate(keys.codes):
        arm, size, seed = keys.place(int(code))
        yield Run(
            arm=arm,
            size=size,
            seed=seed,
            numbers=numbers_of(table, np.array([row])),
            score=float(scores[row]) / (100 if percent else 1),
        )


def _written(column: Coded) -> str:
    """What empty cells of a column hold, where it is a word."""
    words = [f"'{name}'" for name in column.names if name and name.lower() in EMPTY]
    return f" ({' or '.join(words)} counts as empty)" if words else ""


def _twice(runs: Sequence[str]) -> Problem:
    """Runs with several rows, where each is a score."""
    return Problem(
        where="",
        message=f"more than one row of the same run: {few(list(runs), _NAMED)}.",
        allowed="Expected a score once for each arm, size and seed.",
        fix="Give repeated runs other seeds, or name the column that has them: --column seed=NAME.",
    )
