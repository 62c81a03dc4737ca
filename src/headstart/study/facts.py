"""Facts of a study: what a plan has to know of its data sets, networks and checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headstart.study.dataset_facts import DatasetFacts
from headstart.study.declared import DeclaredNetwork
from headstart.study.declared_facts import declared_facts
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.network_facts import InputFacts, NetworkFacts, Shape
from headstart.study.study import Pair, StudySpec
from headstart.study.tasks import TaskSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts by the names under which a study mentions things.

    Attributes:
        datasets: by the data set as it is to be opened (`str(task.data)`).
        networks: of library networks, by `network_key`.
        inputs: how a library's network wants its images prepared, by its name.
    """

    datasets: Mapping[str, DatasetFacts]
    networks: Mapping[str, NetworkFacts] = field(default_factory=dict)
    inputs: Mapping[str, InputFacts | None] = field(default_factory=dict)

    def of(self, task: TaskSpec) -> DatasetFacts:
        """Facts of a task's data set."""
        return self.datasets[str(task.data)]

    def knows(self, task: TaskSpec) -> bool:
        """Whether a task's data set is known."""
        return str(task.data) in self.datasets

    def network(self, network: AnyNetwork, image: Shape, num_classes: int) -> NetworkFacts:
        """Facts of a network for images and a number of classes."""
        if isinstance(network, DeclaredNetwork):
            return declared_facts(network, image, num_classes)
        return self.networks[network_key(network, image, num_classes)]

    def image(self, task: TaskSpec, network: AnyNetwork) -> Shape:
        """Shape of the images of a task as a network is given them: (height, width, channels)."""
        height, width, channels = self.of(task).shape
        wanted = self.inputs.get(str(network)) if isinstance(network, LibraryNetwork) else None
        return (height, width, wanted.channels if wanted else channels)

    def of_pair(self, study: StudySpec, pair: Pair) -> NetworkFacts:
        """Facts of a pair's network for its target."""
        network, task = study.network_of(pair), study.tasks[pair.target]
        num_classes = len(task.groups(self.of(task).classes))
        return self.network(network, self.image(task, network), num_classes)


def network_key(network: LibraryNetwork, image: Shape, num_classes: int) -> str:
    """What the facts of a library network are kept under."""
    return f"{network} {'x'.join(map(str, image))} {num_classes}"
