"""Results of the user's own training loop: added run by run, saved at once, judged at the end."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data.results.opening import results_from
from headstart.data.results.saved_runs import RunSource, append_run, read_runs
from headstart.flow.judge import MARGIN_PP, JudgedResults, JudgeOptions, judged, name_of
from headstart.flow.shown import ShownAnalysis, shown
from headstart.study.training import MetricName

DEFAULT_FILE = Path("headstart-results.jsonl")

PathsOf = Path | str | Sequence[Path | str]
"""One path or several."""


class Results:
    """Answers of models that any program has trained.

    Every run that is added is in the file before `add` returns; a file that is there already is
    gone on with, so that each training may run in another process.

    Args:
        path: the file, which `headstart judge` reads too.
        control: the arm that all others are compared with.
        classes: names of the classes, where labels are numbers from 0 on.

    Raises:
        DataError: the file is there and holds no runs.

    Example:
        >>> results = Results(tmp / "results.jsonl", control="scratch")
        >>> for seed in range(3):
        ...     results.add(arm="scratch", seed=seed, labels=[0, 1, 1, 0], answers=[0, 0, 0, 0])
        ...     results.add(arm="frozen", seed=seed, labels=[0, 1, 1, 0], answers=[0, 1, 1, 0])
        >>> results.judge().comparisons[0].gain_pp
        50.0
    """

    def __init__(
        self,
        path: Path | str = DEFAULT_FILE,
        *,
        control: str | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        self.path = Path(path)
        self.control = control
        self.classes = tuple(map(str, classes))
        self.runs, self.torn = read_runs(self.path) if self.path.exists() else ([], 0)

    def add(
        self,
        *,
        arm: str,
        seed: int,
        labels: Any,
        answers: Any,
        images: Any = None,
        size: str | int | None = None,
        fold: int | None = None,
        validation_accuracy: float | None = None,
        updates: int | None = None,
        learning_rate: float | None = None,
        trainable_parameters: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Add the answers of one trained model, and save them.

        Args:
            arm: what was trained, such as scratch, frozen, full.
            seed: the seed of the training; the same number in all arms pairs them.
            labels: true classes (images,), or one-hot (images, classes).
            answers: predicted classes (images,), or probabilities or logits (images, classes);
                arrays of numpy, torch, TensorFlow, JAX, columns of pandas or polars, or lists, of
                batches too.
            images: names of the test images; without them the order is that of the other runs.
            size: number of labelled training images, or another name of the amount.
            fold: of a cross-validation.
            validation_accuracy: chooses the arm that the headline names.
            updates: number of updates, to check that budgets are equal.
            learning_rate: as it was.
            trainable_parameters: as many as were trained.
            seconds: that training took.

        Raises:
            DataError: lengths differ, answers are neither classes nor scores of classes, or the
                same run was added before with other answers.
        """
        given = as_array(answers)
        record: dict[str, Any] = {
            "arm": str(arm), "seed": int(seed), "size": None if size is None else str(size),
            "fold": fold, "images": None if images is None else [str(i) for i in as_array(images)],
            "labels": self._classes(as_array(labels), "labels"),
            "answers": self._classes(given, "answers"), **self._probabilities(given),
            "validation_accuracy": validation_accuracy, "updates": updates,
            "learning_rate": learning_rate, "trainable_parameters": trainable_parameters,
            "seconds": seconds,
        }  # fmt: skip
        record = {name: value for name, value in record.items() if value is not None}
        _require_equal_lengths(record)
        for run in self.runs:
            if all(run.get(name) == record.get(name) for name in ("arm", "seed", "size", "fold")):
                if run["answers"] == record["answers"] and run["labels"] == record["labels"]:
                    return
                raise DataError(
                    f"{arm}, seed {seed} was added before, with other answers. Give a repeated "
                    f"training another seed, or begin a new file in place of {self.path}."
                )
        append_run(self.path, record)
        self.runs.append(record)

    def judge(
        self,
        *,
        margin: float = MARGIN_PP,
        metric: MetricName = "accuracy",
        images: PathsOf | None = None,
    ) -> ShownAnalysis:
        """The verdict on all runs so far; printing it gives the headline and the table.

        Args:
            margin: smallest difference that matters to you, in percentage points.
            metric: plain or balanced accuracy.
            images: folders or archives of the data set's images, training and test together, which
                are searched for copies of the test images that were named in `add`; those found are
                left out.

        Raises:
            DataError: with all that is wrong with the results, or that the images are not there.
        """
        done = self.judged(margin=margin, metric=metric, images=images)
        return shown(done.analysis, done.summary)

    def judged(
        self, *, margin: float, metric: MetricName, images: PathsOf | None = None
    ) -> JudgedResults:
        """The analysis, with what was understood of the results.

        Args:
            margin: smallest difference that matters to you, in percentage points.
            metric: plain or balanced accuracy.
            images: folders or archives of the data set's images, as in `judge`.

        Raises:
            DataError: with all that is wrong with the results, or that the images are not there.
        """
        started = time.perf_counter()
        if not self.runs:
            raise DataError(f"{self.path}: no run was added yet. Call add(...) after a training.")
        source = RunSource(self.runs, str(self.path), self.torn)
        given = [images] if isinstance(images, str | Path) else images or []
        options = JudgeOptions(
            control=self.control,
            metric=metric,
            margin_pp=margin,
            images=tuple(str(one) for one in given),
        )
        results = results_from([(str(self.path), source, {})], {})
        return judged(results, name_of(str(self.path)), options, "", started)

    def _classes(self, array: np.ndarray, what: str) -> list[Any]:
        """Classes as names or numbers."""
        if array.ndim == 2:
            array = array.argmax(1) if array.shape[1] > 1 else _of_one_column(array[:, 0])
        if array.ndim != 1:
            raise DataError(
                f"{what} have the shape {array.shape}. Expected (images,), or (images, classes) "
                "with a score for each class."
            )
        if array.dtype.kind == "f":
            if not (array == np.rint(array)).all():
                raise DataError(
                    f"{what} are fractions, such as {array[array != np.rint(array)][0]:g}. "
                    f"Expected classes: {what}=(scores > 0.5).astype(int), or (images, classes)."
                )
            array = array.astype(np.int64)
        values = array.tolist()
        if self.classes and array.dtype.kind in "iub":
            beyond = [value for value in values if not 0 <= value < len(self.classes)]
            if beyond:
                raise DataError(
                    f"{what} hold the class {beyond[0]}, beyond the {len(self.classes)} that are "
                    "named. Expected numbers from 0 on."
                )
            return [self.classes[value] for value in values]
        return [value if isinstance(value, int | str) else str(value) for value in values]

    def _probabilities(self, array: np.ndarray) -> dict[str, list[float]]:
        """Probabilities of every class, where the answers are some."""
        if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f":
            return {}
        if not ((array >= 0).all() and np.allclose(array.sum(1), 1, atol=1e-3)):
            return {}
        names = self.classes or tuple(map(str, range(array.shape[1])))
        columns = array.astype(np.float64).round(7).T
        return {f"p_{name}": column.tolist() for name, column in zip(names, columns, strict=False)}


def _of_one_column(column: np.ndarray) -> np.ndarray:
    """Classes as they are, or of two classes by the probability or logit of the second."""
    if column.dtype.kind != "f" or (column == np.rint(column)).all():
        return column
    probabilities = column.min() >= 0 and column.max() <= 1
    return (column > (0.5 if probabilities else 0)).astype(int)


def as_array(given: Any) -> np.ndarray:
    """An array of numpy from one of any library, a column of a frame, or a list, of batches too."""
    if hasattr(given, "detach"):  # torch, whose half precision numpy does not know
        given = given.detach().cpu()
        given = given.float() if given.is_floating_point() else given
    if isinstance(given, list | tuple) and given and getattr(given[0], "ndim", 0) > 0:
        return np.concatenate([as_array(batch) for batch in given])
    if hasattr(given, "to_numpy"):
        given = given.to_numpy()
    array = np.asarray(given)
    if array.dtype.kind == "O":
        array = array.astype(str)
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16 of JAX


def _require_equal_lengths(record: dict[str, Any]) -> None:
    lengths = {name: len(value) for name, value in record.items() if isinstance(value, list)}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{number:,} {name}" for name, number in lengths.items())
        raise DataError(f"{counts}. Expected as many of each: one for every test image.")
    if not lengths["labels"]:
        raise DataError("there are no labels. Expected one for every test image.")
