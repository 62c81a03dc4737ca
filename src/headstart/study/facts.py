"""Facts of a study for planning: its data sets, networks and checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from headstart.core.hashing import Json
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.declared import DeclaredNetwork
from headstart.study.declared_facts import declared_facts
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.network_facts import InputFacts, NetworkFacts, Shape
from headstart.study.network_files import FileNetwork
from headstart.study.sources import SourceSpec
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import DataRef, SplitSpec, TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFacts:
    """A file of pretrained weights: where it lies, and the SHA-256 of its bytes."""

    path: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts by the names under which a study mentions things.

    Attributes:
        datasets: by the data set (`task.data.origin`).
        networks: of library networks, by `network_key`.
        inputs: how a library's network wants its images prepared, by its name.
        checkpoints: the weight file of each pretrained source, by the source's name.
        contents: a hash of the files that a library's network is made of, by its name.
    """

    datasets: Mapping[str, DatasetFacts]
    networks: Mapping[str, NetworkFacts] = field(default_factory=dict)
    inputs: Mapping[str, InputFacts | None] = field(default_factory=dict)
    checkpoints: Mapping[str, CheckpointFacts] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    def of(self, task: TaskSpec) -> DatasetFacts:
        """Facts of a task's data set."""
        return self.datasets[task.data.origin]

    def knows(self, task: TaskSpec) -> bool:
        """Whether a task's data set is known."""
        return task.data.origin in self.datasets

    def identified(self, network: AnyNetwork) -> AnyNetwork:
        """The same network with the hash of the files that it is made of, if any are."""
        if isinstance(network, DeclaredNetwork) or str(network) not in self.contents:
            return network
        content = self.contents[str(network)]
        return FileNetwork(kind=network.kind, name=network.name, content=content)

    def wanted(self, network: AnyNetwork | None) -> InputFacts | None:
        """How a library's network wants its images prepared, if it says so."""
        return self.inputs.get(str(network)) if isinstance(network, LibraryNetwork) else None

    def data(self, task: TaskSpec, network: AnyNetwork | None) -> DataRef:
        """A task's data set as it is decoded: as the network wants it where the task does not say.

        A network that wants nothing is given photos of other proportions cropped, not stretched.
        """
        known, wanted = self.of(task), self.wanted(network)
        if not known.from_files:
            return task.data
        return task.data.preferring(wanted) if wanted else task.data.cropping(known)

    def shape(self, task: TaskSpec, network: AnyNetwork | None) -> Shape | None:
        """Shape of a task's images once decoded; None where they would differ."""
        return self.of(task).image_shape(self.data(task, network).decoding)

    def image(self, task: TaskSpec, network: AnyNetwork) -> Shape:
        """Shape of a task's images as a network is given them; grey ones may be repeated."""
        shape, wanted = self.shape(task, network), self.wanted(network)
        assert shape is not None, "the checks of a study refuse images that differ"
        return (*shape[:2], wanted.channels if wanted else shape[2])

    def network(self, network: AnyNetwork, task: TaskSpec) -> NetworkFacts:
        """Facts of a network for the images and classes of a task."""
        image, num_classes = self.image(task, network), len(task.groups(self.of(task).classes))
        if isinstance(network, DeclaredNetwork):
            return declared_facts(network, image, num_classes)
        return self.networks[network_key(network, image, num_classes)]

    def known_network(self, network: LibraryNetwork, task: TaskSpec) -> NetworkFacts | None:
        """The same of a library's network; None where it could not be looked at."""
        if self.shape(task, network) is None:
            return None
        image, num_classes = self.image(task, network), len(task.groups(self.of(task).classes))
        return self.networks.get(network_key(network, image, num_classes))

    def seen_task(self, source: SourceSpec) -> TaskSpec | None:
        """The images that a checkpoint was pretrained on as a task, where they are given."""
        if source.seen is None:
            return None
        return TaskSpec(dataset=source.seen, split=SplitSpec(validation=0))

    def of_pair(self, study: StudySpec, pair: Pair) -> NetworkFacts:
        """Facts of a pair's network for its target."""
        return self.network(study.network_of(pair), study.tasks[pair.target])


def network_key(network: LibraryNetwork, image: Shape, num_classes: int) -> str:
    """Key of the facts of a library network."""
    return f"{network} {'x'.join(map(str, image))} {num_classes}"


def facts_json(facts: Facts) -> Json:
    """Facts as a store keeps them; of a study without library networks the data sets alone."""
    datasets = {name: known.model_dump(mode="json") for name, known in facts.datasets.items()}
    if not facts.networks:
        return datasets
    return {"datasets": datasets, **_REST.dump_python(_rest(facts), mode="json")}


def facts_from(stored: Json) -> Facts:
    """Facts that a store has kept."""
    flat = all("content" in known for known in stored.values())
    datasets = stored if flat else stored["datasets"]
    rest = {} if flat else {name: given for name, given in stored.items() if name != "datasets"}
    return Facts(
        datasets={name: DatasetFacts.model_validate(known) for name, known in datasets.items()},
        **_REST.validate_python(rest),
    )


class _Rest(TypedDict, total=False):
    """What library networks add to the facts of a study."""

    networks: dict[str, NetworkFacts]
    inputs: dict[str, InputFacts | None]
    checkpoints: dict[str, CheckpointFacts]
    contents: dict[str, str]


_REST: TypeAdapter[_Rest] = TypeAdapter(_Rest)


def _rest(facts: Facts) -> _Rest:
    return {
        "networks": dict(facts.networks),
        "inputs": dict(facts.inputs),
        "checkpoints": dict(facts.checkpoints),
        "contents": dict(facts.contents),
    }
