"""Evidence for a verdict: what was asked, and answers by arm, size, seed and image.

It comes from the store of a headstart study (`records`, `gates.gate.Evidence`) or from any
other program (`given`). Comparisons, verdicts and sentences need no more than is named here.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from headstart.analyse.cells import Cell, beside
from headstart.core.hashing import Json
from headstart.metrics import ACCURACY, Metric
from headstart.study.training import MetricName

Fact = Literal["scores", "answers", "updates", "images", "trainings"]
"""What a check may need to know: a score for each seed, an answer to each test image, numbers of
updates and training images, the images of the data set, or all that headstart records of a training
that it runs."""
FACTS: frozenset[Fact] = frozenset({"scores", "answers", "updates", "images", "trainings"})


class DesignArm(Protocol):
    """An arm, as comparisons see it."""

    @property
    def name(self) -> str:
        """Name of the arm."""

    @property
    def transfers(self) -> bool:
        """Whether the study is about it, so that it belongs to the family of comparisons."""


class Design(Protocol):
    """What was asked, by a study file or of results from elsewhere."""

    @property
    def name(self) -> str:
        """Name of the study."""

    @property
    def control(self) -> str:
        """Arm that all others are compared with."""

    @property
    def all_arms(self) -> Sequence[DesignArm]:
        """Arms in order."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds in order."""

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of seeds at the looks that were planned; empty for a single look."""

    @property
    def metric(self) -> MetricName:
        """Name of the metric that verdicts are about."""


@dataclass(frozen=True, kw_only=True)  # without slots: what is asked for often is worked out once
class Tested:
    """Answers of one trained model to its test images, by whatever program.

    `images` are the positions of the test images among all images where each seed has a test part
    to itself, and else None. `metrics` are those of `headstart.metrics.Metrics`, None where they
    are not known.
    """

    labels: np.ndarray  # (images,)
    classes: np.ndarray  # (images,)
    metrics: Json | None
    metric: Metric = ACCURACY
    images: np.ndarray | None = None  # (images,)

    @property
    def num_images(self) -> int | None:
        """Number of labelled training images; None where it is not known."""
        return None

    @property
    def weights(self) -> tuple[str, ...]:
        """A name for the weights that were tested, the same for the same weights; else empty."""
        return ()

    @property
    def correct(self) -> np.ndarray:
        """Whether each test image was classified correctly (images,)."""
        return np.asarray(self.labels == self.classes)

    @property
    def scores(self) -> np.ndarray:
        """Each right answer as the weight of its image in the metric, a wrong one as 0 (images,).

        Their mean is the score, but for rounding.
        """
        return np.asarray(self.metric.weights(self.labels) * self.correct)

    @property
    def errors(self) -> np.ndarray:
        """Each wrong answer as the weight of its image, a right one as 0 (images,)."""
        return np.asarray(self.metric.weights(self.labels) * ~self.correct)

    @cached_property
    def score(self) -> float | None:
        """Score by the metric; None where no test image is left."""
        return self.metric.of(self.labels, self.classes) if len(self.labels) else None


Budget = tuple[int, int | None]
"""Updates, and labelled training images as far as they are known."""
TestedCells = Mapping[Cell, Mapping[int, Tested]]
"""Answers by cell and seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEvidence(ABC):
    """Input of the checks that read answers alone.

    Attributes:
        study: what was asked.
        records: the answers of each trained model.
        known: facts that checks may rely on; a check that needs another one says "not known".
    """

    study: Design
    records: TestedCells
    known: frozenset[Fact] = FACTS

    @property
    def seeds(self) -> Mapping[Cell, Collection[int]]:
        """Seeds of every cell."""
        return {cell: by_seed.keys() for cell, by_seed in self.records.items()}

    def num_paired(self, cell: Cell) -> int:
        """Number of seeds of a cell that its control has too, without a control of all."""
        own, control = self.seeds[cell], self.seeds.get(beside(cell, self.study.control))
        return len(set(own) if control is None else set(own) & set(control))

    @abstractmethod
    def class_names(self, target: str) -> Sequence[str]:
        """Names of the classes of a target, in the order of their labels."""

    def trained_on(self, target: str) -> Sequence[bool]:
        """Whether each class of a target had training images."""
        return [True] * len(self.class_names(target))

    def budgets(self) -> Iterable[tuple[Cell, Budget]]:
        """Budgets of cells that are to be equal at each size."""
        return ()

    def each_tested(self) -> Iterator[tuple[Cell, Tested]]:
        """Every trained model with its cell."""
        for cell, by_seed in self.records.items():
            for tested in by_seed.values():
                yield cell, tested

    def cells_of_pair(self, source: str, target: str) -> frozenset[Cell]:
        """Every cell of a pair."""
        return frozenset(cell for cell in self.records if cell[:2] == (source, target))

    def cells_of(self, arms: Iterable[str]) -> frozenset[Cell]:
        """Every cell of some arms."""
        names = set(arms)
        return frozenset(cell for cell in self.records if cell[3] in names)
