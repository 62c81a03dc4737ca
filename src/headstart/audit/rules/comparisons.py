"""Transfers and comparisons in a story: what was trained on what, and what is set against what."""

from collections.abc import Iterator
from dataclasses import dataclass

from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data, Path, origins, other_classes, overlap
from headstart.audit.program.story import Story, Training

_DELIBERATE = (
    "random", "scratch", "fresh", "untrained", "init", "baseline", "control", "zufall", "aleator",
    "alea", "null",
)  # fmt: skip
_WEIGHTLESS = (
    "Flatten", "Activation", "ReLU", "LeakyReLU", "MaxPool", "AvgPool", "AveragePool", "GlobalAv",
    "GlobalMax", "Adaptive", "Dropout", "InputLayer", "Input", "Reshape", "Softmax", "Identity",
    "Resizing", "Rescaling", "Random", "Lambda", "GELU", "SiLU", "Sigmoid", "Tanh", "Add", "Concat",
    "ZeroPadding", "Permute", "UpSampling", "ELU", "Multiply", "DropPath",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transfer:
    """Weights learnt in one training and used in another."""

    source: Training
    target: Training


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """Network that is trained and scored on the images of a comparison."""

    net: Net
    trainings: tuple[Training, ...]
    transferred: bool

    @property
    def last(self) -> Training:
        """Its last training."""
        return self.trainings[-1]

    @property
    def epochs(self) -> float | None:
        """Epochs of all its trainings; None where one is not known or may end early."""
        known = [t.epochs for t in self.trainings if t.epochs is not None and not t.stops]
        return sum(known) if len(known) == len(self.trainings) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Arms that are scored on the same images."""

    paths: frozenset[Path]
    arms: tuple[Arm, ...]

    @property
    def is_of_transfer(self) -> bool:
        """Whether several arms are compared, one of which has weights from elsewhere."""
        return len(self.arms) > 1 and any(arm.transferred for arm in self.arms)


def has_weights(net: Net) -> bool:
    """Whether a layer may have weights."""
    return not last_name(net.kind).startswith(_WEIGHTLESS)


def is_deliberate(net: Net) -> bool:
    """Whether the names say that weights are fresh on purpose."""
    names = [
        net.name,
        *(part.name for part in net.everything()),
        net.owner.name if net.owner else "",
    ]
    return any(word in name.lower() for name in names for word in _DELIBERATE)


def _is_fresh(net: Net, before: int) -> bool:
    """Whether all its weights had never been trained or loaded before a time."""
    for part in net.everything():
        times = [*(load.time for load in part.loads), *(copy.time for copy in part.copies)]
        if part.origin != "fresh" or any(time < before for time in times):
            return False
    return True


def _is_transferred(story: Story, net: Net, before: int) -> bool:
    """Whether some of its weights came from elsewhere before a time."""
    for part in net.everything():
        if part.origin == "pretrained" or any(load.time < before for load in part.loads):
            return True
        if any(copy.time < before for copy in part.copies):
            return True
    return any(
        training.net is not net and training.net.shares_with(net)
        for training in story.learned(net, before)
    )


def transfers(story: Story) -> Iterator[Transfer]:
    """Pairs of trainings: of fresh weights, all of them trained, and of the same weights later."""
    from_nothing = {
        id(training)
        for training in story.trainings
        if _is_fresh(training.net, training.site.time) and not training.frozen_layers()
    }
    for target in story.trainings:
        for source in story.learned(target.net, target.site.time):
            if id(source) not in from_nothing or _alternate(source, target):
                continue
            same = source.net is target.net
            if not same or target.frozen_layers() or _other_task(source, target):
                yield Transfer(source=source, target=target)


def _alternate(source: Training, target: Training) -> bool:
    """Whether two networks are trained in turns in one loop, as those of a GAN."""
    built = max(source.net.built.time, target.net.built.time)
    return any(number > built for number in set(source.site.loops) & set(target.site.loops))


def _other_task(source: Training, target: Training) -> bool:
    """Whether two trainings are certainly on different sets or different classes."""
    one, other = source.data, target.data
    return not origins(one) & origins(other) or other_classes(one, other)


def scored_on(story: Story, net: Net) -> list[Data]:
    """Samples that a network is scored on; those that validate where nothing else is."""
    tested = [testing.data for testing in story.testings_of(net)]
    if tested:
        return tested
    return [t.validation for t in story.trainings_of(net) if t.validation is not None][-1:]


def comparisons(story: Story) -> list[Comparison]:
    """Networks that are trained and then scored on the same images."""
    groups: dict[frozenset[Path], list[Arm]] = {}
    for net in story.nets:
        trained = story.trainings_of(net)
        if not trained:
            continue
        own = tuple(t for t in trained if overlap(t.data, trained[-1].data))
        arm = Arm(
            net=net,
            trainings=own,
            transferred=_is_transferred(story, net, trained[0].site.time),
        )
        for paths in {data.paths for data in scored_on(story, net)}:
            if not any(paths == training.data.paths for training in own):
                groups.setdefault(paths, []).append(arm)
    return [Comparison(paths=paths, arms=tuple(arms)) for paths, arms in groups.items()]


def of_transfer(story: Story) -> list[Comparison]:
    """Comparisons in which weights from elsewhere take part."""
    return [comparison for comparison in comparisons(story) if comparison.is_of_transfer]


def is_experiment(story: Story) -> bool:
    """Whether the program asks what transfer is worth: it has a source or compares arms."""
    if any(not arm.transferred for each in of_transfer(story) for arm in each.arms):
        return True
    return any(scored_on(story, transfer.target.net) for transfer in transfers(story))
