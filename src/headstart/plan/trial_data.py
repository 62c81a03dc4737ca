"""The data side of a trial: a task at a size with a seed, in numbers and as parts of a payload."""

from dataclasses import dataclass, replace
from functools import cached_property

from headstart.core.hashing import Json
from headstart.plan.payload_types import DataPayload, ImagesPayload, SubsetPayload
from headstart.plan.payloads import (
    data_payload,
    images_name,
    images_payload,
    network_inputs_payload,
    network_payload,
    preprocessing_payload,
    test_payload,
)
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import Facts
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import NetworkFacts, Shape
from headstart.study.part_counts import PartCounts, part_counts
from headstart.study.sizes import SizeSpec
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import DataRef, TaskSpec

EVERYTHING = SizeSpec(kind="all")
MOST_FITTED = 2000

# What `TrialData` works out once for all seeds.
OF_ALL_SEEDS = frozenset(
    {
        "known",
        "groups",
        "parts",
        "num_images",
        "num_fitted",
        "_filled",
        "network",
        "image",
        "network_facts",
        "datasets",
        "network_payload",
        "_images",
    }
)


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

    def of_seed(self, seed: int) -> "TrialData":
        """The same of another seed, with all that was worked out and is no matter of seeds."""
        other = replace(self, seed=seed)
        known = {name: value for name, value in vars(self).items() if name in OF_ALL_SEEDS}
        vars(other).update(known)
        return other

    @property
    def place(self) -> tuple[object, ...]:
        """What it is the data side of, but for the seed."""
        pair, size = self.pair, self.size
        return (pair.source, pair.target, self.task_name, size.kind, size.value, self.role)

    @property
    def task(self) -> TaskSpec:
        """The task."""
        return self.study.tasks[self.task_name]

    @cached_property
    def known(self) -> DatasetFacts:
        """Facts of the task's data set."""
        return self.facts.of(self.task)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the data set's classes under each class of the task."""
        return tuple(self.task.groups(self.known.classes).values())

    @property
    def num_classes(self) -> int:
        """Classes of the task, those without images (original labels) included."""
        return len(self.groups)

    @cached_property
    def parts(self) -> PartCounts:
        """Images of the task that there are to train, to validate and to test with."""
        return part_counts(self.task, self.known)

    @cached_property
    def num_images(self) -> int:
        """Training images at this size."""
        return self.size.num_images(self._filled, self.parts.num_train)

    @cached_property
    def _filled(self) -> int:
        """Classes with images of the data set."""
        return sum(1 for group in self.groups if group)

    @cached_property
    def network(self) -> AnyNetwork:
        """The network of the pair."""
        return self.facts.identified(self.study.network_of(self.pair))

    @cached_property
    def network_payload(self) -> Json:
        """The network, as a payload says it."""
        return network_payload(self.network)

    @cached_property
    def image(self) -> Shape:
        """Shape of the images as the network is given them."""
        return self.facts.image(self.task, self.network)

    @cached_property
    def network_facts(self) -> NetworkFacts:
        """Facts of the network for the task's images and classes."""
        return self.facts.network(self.network, self.task)

    @cached_property
    def datasets(self) -> dict[str, DataRef]:
        """Where the pair's data is found, by the name of its images."""
        source = self.study.source_of(self.pair)
        tasks = [self.study.tasks[name] for name in (source.task, self.pair.target) if name]
        if seen := self.facts.seen_task(source):
            tasks.append(self._like_target(seen))
        return dict(self._named(task) for task in tasks)

    @cached_property
    def training_data(self) -> DataPayload:
        """The training images, as a payload says it."""
        return data_payload(self._images, self.groups, self.task, self._subset(), self.seed)

    @cached_property
    def fitted_data(self) -> DataPayload:
        """Those of the training images, at most 2,000, on which the fit is measured afterwards.

        They are the first in drawing order; where all images are taken, they are drawn for this.
        """
        if self.num_images <= MOST_FITTED:
            return self.training_data
        first: SubsetPayload = {"images": self.num_fitted, **self._stream()}
        if self.size.kind == "per_class":
            first = {"per_class": self.num_fitted // self._filled, **self._stream()}
        return data_payload(self._images, self.groups, self.task, first, self.seed)

    @cached_property
    def num_fitted(self) -> int:
        """How many they are."""
        if self.num_images <= MOST_FITTED or self.size.kind != "per_class":
            return min(self.num_images, MOST_FITTED)
        return max(1, MOST_FITTED // self._filled) * self._filled

    @cached_property
    def test_data(self) -> DataPayload:
        """The test images, as a payload says it."""
        return test_payload(self._images, self.groups, self.task, self.seed)

    def all_test_data(self) -> DataPayload:
        """The test images of all seeds, which are the same where the split is not repeated."""
        return test_payload(self._images, self.groups, self.task, None)

    def seen_data(self) -> DataPayload | None:
        """The images that the pair's checkpoint has seen, as a payload says it, if they are given.

        They are decoded as the target's are, so that they can be compared.
        """
        seen = self.facts.seen_task(self.study.source_of(self.pair))
        if seen is None:
            return None
        task = self._like_target(seen)
        known = self.facts.of(task)
        groups = tuple(task.groups(known.classes).values())
        return data_payload(images_payload(known, self._data(task)), groups, task, None)

    @cached_property
    def preprocessing(self) -> Json:
        """Scaling, and the data whose statistics standardise. Floats are not scaled."""
        spec, wanted = self.study.preprocessing, self.facts.wanted(self.network)
        if self.known.floats:
            spec = spec.model_copy(update={"scale": "none"})
        if wanted is not None and spec.standardise in ("auto", "network"):
            return network_inputs_payload(wanted, "none" if self.known.floats else "unit")
        if spec.standardise in ("auto", "none"):
            return preprocessing_payload(spec, None, wanted)
        source = self.study.source_of(self.pair).task
        measured = {
            "source": self._other(self.pair.target if source is None else source, "source"),
            "task": self._other(self.task_name, self.role),
            "own": self,
        }[spec.statistics]
        return preprocessing_payload(spec, measured.training_data, wanted)

    @cached_property
    def _images(self) -> ImagesPayload:
        return images_payload(self.known, self._data(self.task))

    def _data(self, task: TaskSpec) -> DataRef:
        return self.facts.data(task, self.network)

    def _named(self, task: TaskSpec) -> tuple[str, DataRef]:
        data = self._data(task)
        return images_name(images_payload(self.facts.of(task), data)), data

    def _like_target(self, task: TaskSpec) -> TaskSpec:
        """A task whose images are decoded as the target's are."""
        return task.model_copy(update={"image": self.study.tasks[self.pair.target].image})

    def _other(self, task_name: str, role: str) -> "TrialData":
        return replace(self, task_name=task_name, size=EVERYTHING, role=role)

    def _subset(self) -> SubsetPayload | None:
        """The subset drawn for the seed, or None where all images are taken, nothing drawn."""
        if self.num_images == self.parts.num_train:
            return None
        if self.size.kind == "per_class":
            return {"per_class": int(self.size.value), **self._stream()}
        return {"images": self.num_images, **self._stream()}

    def _stream(self) -> SubsetPayload:
        """What the draw of a subset depends on."""
        return {"seed": self.seed, "role": "source" if self.role == "source" else "target"}
