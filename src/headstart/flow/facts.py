"""Facts of a study gathered: of its data sets, of its networks, of its checkpoints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headstart.core.errors import DataError, HeadstartError, Problem
from headstart.data.datasets import facts_of
from headstart.data.find import where
from headstart.networks.facts import content_of, input_facts_of
from headstart.networks.facts import facts_of as network_facts_of
from headstart.networks.pretrained import checkpoint_file, file_hash
from headstart.study.checks import source_of
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.facts import CheckpointFacts, Facts, network_key
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import InputFacts, NetworkFacts
from headstart.study.partial_study import PartialStudy
from headstart.study.tasks import DataRef, TaskSpec


def gather_facts(
    parts: PartialStudy, measured: Mapping[DataRef, DatasetFacts] | None = None
) -> tuple[Facts, list[Problem]]:
    """What is known of everything a study names, and a problem for whatever cannot be had.

    `measured` are data sets whose facts are known already.
    """
    found = _Found()
    for data, facts in (measured or {}).items():
        found.measured(data, facts)
    found.datasets_of(parts)
    for where_, network, tasks in _library_uses(parts):
        found.network(where_, network, tasks)
    for name, source in parts.get("sources", {}).items():
        if source.pretrained is not None:
            found.checkpoint(name, source.pretrained, source.weights)
    found.problems += _augmentation(parts)
    return found.facts, found.problems


@dataclass(slots=True)
class _Found:
    """What has been found so far."""

    datasets: dict[str, DatasetFacts] = field(default_factory=dict)
    networks: dict[str, NetworkFacts] = field(default_factory=dict)
    inputs: dict[str, InputFacts | None] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, CheckpointFacts] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)

    @property
    def facts(self) -> Facts:
        """All of it."""
        return Facts(
            datasets=self.datasets,
            networks=self.networks,
            inputs=self.inputs,
            contents=self.contents,
            checkpoints=self.checkpoints,
        )

    def measured(self, data: DataRef, facts: DatasetFacts) -> None:
        """A data set whose facts are known already."""
        self._asked.add(str(data))
        self.datasets[data.origin] = facts

    def datasets_of(self, parts: PartialStudy) -> None:
        """The data sets of tasks, and of images that checkpoints have seen."""
        for name, task in parts.get("tasks", {}).items():
            read_whole = name not in parts.repaired.get("tasks", ())
            self._dataset(f"tasks.{name}.dataset", task, reported=read_whole)
        for name, source in parts.get("sources", {}).items():
            seen = self.facts.seen_task(source)
            if seen is not None:
                self._dataset(f"sources.{name}.seen", seen, reported=True)

    def _dataset(self, place: str, task: TaskSpec, *, reported: bool) -> None:
        if str(task.data) in self._asked:
            return  # a data set that several tasks are on is missed once
        self._asked.add(str(task.data))
        try:
            self.datasets[task.data.origin] = facts_of(task.data)
        except DataError as error:
            # How the images of a task that was read in part are to be decoded is not known.
            if reported or not _lies_somewhere(task.dataset):
                self.problems.append(Problem(where=place, message=str(error)))

    def network(self, place: str, network: LibraryNetwork, tasks: list[TaskSpec]) -> None:
        """A library's network for the images and classes of tasks."""
        if str(network) not in self._asked:
            self._asked.add(str(network))
            try:
                self.inputs[str(network)] = input_facts_of(network)
                if content := content_of(network):
                    self.contents[str(network)] = content
            except HeadstartError as error:
                self.problems.append(Problem(where=place, message=str(error)))
        if str(network) not in self.inputs:
            return
        for task in tasks:
            if self.facts.knows(task) and self.facts.shape(task, network) is not None:
                self._network_for(place, network, task)

    def _network_for(self, place: str, network: LibraryNetwork, task: TaskSpec) -> None:
        try:
            num_classes = len(task.groups(self.facts.of(task).classes))
        except LookupError:
            return  # classes that are not there are a problem of their own
        image = self.facts.image(task, network)
        key = network_key(network, image, num_classes)
        if key in self._asked:
            return
        self._asked.add(key)
        try:
            self.networks[key] = network_facts_of(network, image, num_classes)
        except HeadstartError as error:
            self.problems.append(Problem(where=place, message=str(error)))

    def checkpoint(self, name: str, network: LibraryNetwork, weights: str | None) -> None:
        """The file of a pretrained source."""
        place = f"sources.{name}.{'pretrained' if weights is None else 'weights'}"
        if weights is None and str(network) in self._asked and str(network) not in self.inputs:
            return  # a network that is not known has no weights to look for
        try:
            file = checkpoint_file(network, None if weights is None else Path(weights))
            self.checkpoints[name] = CheckpointFacts(path=str(file), content=file_hash(file))
        except HeadstartError as error:
            self.problems.append(Problem(where=place, message=str(error)))


def _library_uses(
    parts: PartialStudy,
) -> Iterator[tuple[str, LibraryNetwork, list[TaskSpec]]]:
    """Every library network of a pair: where it is named, and the tasks whose images it sees."""
    tasks = parts.get("tasks", {})
    for pair in parts.get("pairs", ()):
        source = source_of(parts, pair)
        network = source.pretrained or parts.get("network")
        if isinstance(network, LibraryNetwork):
            place = f"sources.{pair.source}.pretrained" if source.pretrained else "network"
            names = [name for name in (source.task, pair.target) if name in tasks]
            yield place, network, [tasks[name] for name in names]


def _augmentation(parts: PartialStudy) -> Iterator[Problem]:
    """A problem where images are to be augmented and what does it is not installed."""
    sections: dict[str, Any] = {name: parts.get(name) for name in ("training", "source_training")}
    sections |= {f"arms[{index}].training": arm.training for index, arm in parts.numbered("arms")}
    for place, training in sections.items():
        if training is not None and training.augment and find_spec("torchvision") is None:
            yield Problem(
                where=f"{place}.augment",
                message="needs torchvision, which is not installed.",
                fix="Install it: pip install 'headstart[torchvision]'",
            )


def _lies_somewhere(dataset: str) -> bool:
    try:
        where(dataset)
    except DataError:
        return False
    return True
