"""Results of another program as evidence: answers by arm, size and seed, or scores alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from headstart.analyse.cells import ONE_SIZE, Cell, beside
from headstart.analyse.evidence import AnswerEvidence, Budget, Tested
from headstart.analyse.given_images import GivenImages
from headstart.analyse.unpaired import Scores, common_seeds
from headstart.core.hashing import Json
from headstart.data.results.roles import Role
from headstart.data.results.run_keys import Run
from headstart.metrics import Metric, losses_of, metrics_of
from headstart.study.training import MetricName

Pairing = Literal["same images", "a part each", "other images", "folds of each arm"]
"""How the test images of runs at one size go together: the same for all runs; for each seed a part,
the same for all arms; other ones in each arm; or split into folds by each arm for itself."""

TARGET = "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArm:
    """An arm of results from elsewhere; all but the control are what they are about."""

    name: str
    transfers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDesign:
    """What is asked of results from elsewhere (`evidence.Design`)."""

    name: str
    control: str
    all_arms: tuple[GivenArm, ...]
    seeds: tuple[int, ...]
    metric: MetricName
    looks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRun(Tested):
    """Answers of one model that another program has trained, and what the program says of it.

    `probabilities` are those of all classes (images, classes), None where they are not known.
    """

    probabilities: np.ndarray | None
    size_of_training: int | None
    numbers: Mapping[Role, float]

    @property
    def num_images(self) -> int | None:
        """Number of labelled training images; None where it is not known."""
        return self.size_of_training


def num_training(size: str) -> int | None:
    """Number of training images that a size names; None of another name."""
    plain = size.replace(",", "").replace("_", "")
    return int(plain) if plain.isdecimal() and len(plain) < 16 else None


def size_name(size: str) -> str:
    """Name of a size in cells; results that name none have one."""
    return size or ONE_SIZE


def cell_at(run: Run) -> Cell:
    """Cell of a run."""
    return ("", TARGET, size_name(run.size), run.arm)


def metrics_in(run: Run, labels: np.ndarray, answers: np.ndarray, at: np.ndarray) -> Json:
    """Metrics of the answers at some positions; those of probabilities where there are any."""
    if run.probabilities is not None:
        probabilities = run.probabilities[at]
        with np.errstate(divide="ignore"):  # a true class that was held impossible
            losses = losses_of(labels, np.log(probabilities))
        found = metrics_of(labels, answers, probabilities, losses)
        values: dict[str, float] = {"brier": found.brier, "ece": found.ece}
        if np.isfinite(found.nll):
            values["nll"] = found.nll
        balanced = found.balanced_accuracy
    else:
        values = {}  # recalls as in `metrics_of`, so that both agree to the last digit
        right = np.bincount(labels[labels == answers], minlength=int(labels.max()) + 1)
        counts = np.bincount(labels)
        balanced = float((right[counts > 0] / counts[counts > 0]).mean())
    return {
        "accuracy": float((labels == answers).mean()),
        "balanced_accuracy": balanced,
        **{name: values.get(name) for name in ("nll", "brier", "ece")},
    }


def given_run(run: Run, at: np.ndarray, metric: Metric, images: np.ndarray | None) -> GivenRun:
    """Answers of a run at some positions of its images."""
    assert run.labels is not None
    assert run.answers is not None
    labels, answers = run.labels[at], run.answers[at]
    probabilities = run.probabilities
    if probabilities is not None and len(at) < len(probabilities):  # the largest array there is
        probabilities = probabilities[at]
    return GivenRun(
        labels=labels,
        classes=answers,
        metrics=metrics_in(run, labels, answers, at) if len(labels) else None,
        metric=metric,
        images=images,
        probabilities=probabilities,
        size_of_training=num_training(run.size),
        numbers=run.numbers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenEvidence(AnswerEvidence):
    """Evidence of results from elsewhere.

    Attributes:
        classes: names of all classes.
        scores: of results without answers to single images, by cell.
        num_folds: folds of a cross-validation, 0 where runs are seeds.
        pairings: how test images go together, by size.
        groups: group of each test image, by size, where images come in groups.
        grouped: whether test images come in groups.
        left_out: what was left out of the test images, or not paired, and why.
        copies: runs with the same answers, as if one were a copy of the other.
        names: names of all test images.
        tested: positions among them of the images that all runs at a size have, by size.
        images: the files of the test images and what was found among them; None without any.
        numbers: further facts of each run, by cell.
    """

    study: GivenDesign
    classes: tuple[str, ...]
    scores: Mapping[Cell, Scores]
    num_folds: int
    pairings: Mapping[str, Pairing] = field(default_factory=dict)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    grouped: bool = False
    left_out: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tested: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: GivenImages | None = None
    numbers: Mapping[Cell, tuple[Mapping[Role, float], ...]] = field(default_factory=dict)

    def class_names(self, target: str) -> tuple[str, ...]:
        """Names of all classes, in the order of their labels."""
        return self.classes

    @property
    def seeds(self) -> Mapping[Cell, Collection[int]]:
        """Seeds of every cell."""
        return {cell: scores.seeds for cell, scores in self.scores.items()}

    def num_paired(self, cell: Cell) -> int:
        """Number of seeds that a cell and its control are compared by."""
        own = tuple(self.seeds[cell])
        control = tuple(self.seeds.get(beside(cell, self.study.control), own))
        return len(common_seeds(own, control)) or min(len(own), len(control))

    def with_control(self, cell: Cell) -> list[Cell]:
        """A cell and its control, as far as there are scores of them."""
        both = (cell, beside(cell, self.study.control))
        return [one for one in both if one in self.scores]

    @property
    def num_tested(self) -> dict[Cell, int]:
        """Number of test images of cells whose runs say it."""
        return {
            cell: int(min(one["n"] for one in numbers))
            for cell, numbers in self.numbers.items()
            if all(one.get("n", 0) >= 1 for one in numbers)
        }

    def budgets(self) -> Iterator[tuple[Cell, Budget]]:
        """Updates of every cell, where they are known; seeds of one cell may differ in them."""
        for cell, numbers in self.numbers.items():
            found = {int(one["updates"]) for one in numbers if "updates" in one}
            yield cell, (max(found, default=0), num_training(cell[2]))


def known_updates(numbers: Iterable[tuple[Mapping[Role, float], ...]]) -> bool:
    """Whether every run says how many updates it had."""
    return all("updates" in one for of_cell in numbers for one in of_cell)
