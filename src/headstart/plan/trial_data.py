"""What a trial works on: a task at a size with a seed, in numbers and as parts of a payload."""

from dataclasses import dataclass
from functools import cached_property

from headstart.core.hashing import Json
from headstart.plan.payloads import (
    data_payload,
    images_name,
    images_payload,
    preprocessing_payload,
    test_payload,
)
from headstart.study.data_checks import task_counts
from headstart.study.dataset_facts import DatasetFacts, Facts, Shape
from headstart.study.shapes import LayerFacts, layers_of
from headstart.study.sizes import SizeSpec
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import DataRef, TaskSpec

EVERYTHING = SizeSpec(kind="all")
MOST_FITTED = 2000


@dataclass(frozen=True, kw_only=True)
class TrialData:
    """The data side of one training. `role` is `source`, `target` or `self`.

    A run on the target itself (`self`) draws the same subset as the target's arms.
    """

    study: StudySpec
    facts: Facts
    pair: Pair
    task_name: str
    size: SizeSpec
    seed: int
    role: str

    def __str__(self) -> str:
        return f"{self.task_name}, {self.size.label}, seed {self.seed}"

    @property
    def task(self) -> TaskSpec:
        """The task."""
        return self.study.tasks[self.task_name]

    @cached_property
    def known(self) -> DatasetFacts:
        """Facts of the task's data set."""
        return self.facts[str(self.task.data)]

    @cached_property
    def shape(self) -> Shape:
        """Shape of the task's images once decoded."""
        shape = self.known.image_shape(self.task.data.decoding)
        assert shape is not None, "the checks of a study refuse images that differ"
        return shape

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the data set's classes under each class of the task."""
        return tuple(self.task.groups(self.known.classes).values())

    @property
    def num_classes(self) -> int:
        """Classes of the task, those without images (original labels) included."""
        return len(self.groups)

    @cached_property
    def available(self) -> int:
        """Training images of the task once validation and test are taken out."""
        return self.task.split.num_left(sum(task_counts(self.task, self.known)))

    @cached_property
    def num_images(self) -> int:
        """Training images at this size."""
        filled = sum(1 for group in self.groups if group)
        return self.size.num_images(filled, self.available)

    @cached_property
    def layers(self) -> tuple[LayerFacts, ...]:
        """The network as this task shapes it."""
        return layers_of(self.study.network, self.shape, self.num_classes)

    @cached_property
    def datasets(self) -> dict[str, DataRef]:
        """Where the pair's data is found, by the name of its images."""
        tasks = [self.study.tasks[name] for name in (self.pair.source, self.pair.target)]
        return {
            images_name(images_payload(self.facts[str(task.data)], task.data)): task.data
            for task in tasks
        }

    def training_data(self) -> Json:
        """The training images, as a payload says it."""
        return data_payload(self._images, self.groups, self.task, self._subset())

    def fitted_data(self) -> Json:
        """Those of the training images, at most 2,000, on which the fit is measured afterwards.

        They are the first in drawing order; where all images are taken, they are drawn for this.
        """
        if self.num_images <= MOST_FITTED:
            return self.training_data()
        first = {"images": MOST_FITTED, **self._stream()}
        if self.size.kind == "per_class":
            filled = sum(1 for group in self.groups if group)
            first = {"per_class": max(1, MOST_FITTED // filled), **self._stream()}
        return data_payload(self._images, self.groups, self.task, first)

    def test_data(self) -> Json:
        """The test images, as a payload says it."""
        return test_payload(self._images, self.groups, self.task)

    def preprocessing(self) -> Json:
        """Scaling, and the data whose statistics standardise."""
        spec = self.study.preprocessing
        measured = {
            "source": self._other(task_name=self.pair.source, size=EVERYTHING, role="source"),
            "task": self._other(task_name=self.task_name, size=EVERYTHING, role=self.role),
            "own": self,
        }[spec.statistics]
        return preprocessing_payload(spec, measured.training_data())

    @property
    def _images(self) -> Json:
        return images_payload(self.known, self.task.data)

    def _other(self, *, task_name: str, size: SizeSpec, role: str) -> "TrialData":
        return TrialData(
            study=self.study,
            facts=self.facts,
            pair=self.pair,
            task_name=task_name,
            size=size,
            seed=self.seed,
            role=role,
        )

    def _subset(self) -> Json | None:
        """The subset drawn for the seed, or None where all images are taken, nothing drawn."""
        if self.num_images == self.available:
            return None
        if self.size.kind == "per_class":
            return {"per_class": int(self.size.value), **self._stream()}
        return {"images": self.num_images, **self._stream()}

    def _stream(self) -> Json:
        """What the draw of a subset depends on."""
        return {"seed": self.seed, "role": "source" if self.role == "source" else "target"}
