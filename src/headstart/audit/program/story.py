"""Story of a program: its trainings and tests in order, and what else the rules read."""

from dataclasses import dataclass, field

from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.source import Cell, Place, Unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where and when something happens.

    `place` is the line itself, `called` the line outside of all functions that leads to it.
    `repeats` is true inside a loop over seeds or folds, `loops` are the numbers of all loops around
    the line.
    """

    time: int
    place: Place
    called: Place
    repeats: bool = False
    loops: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a training, None where the text does not show one."""

    optimiser: str | None = None
    rate: float | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """Training of a network.

    `picks` is the line that keeps the best epoch; `stops` says that it may end early. `framework`
    is that of the network, or the trainer that runs the loop.
    """

    net: Net
    data: Data
    site: Site
    targets: Data | None = None
    validation: Data | None = None
    epochs: float | None = None
    settings: Settings = Settings()
    picks: Place | None = None
    stops: bool = False
    framework: str = "keras"

    def frozen_layers(self) -> list[Net]:
        """Layers that are frozen in this training; Keras reads `trainable` in `compile`."""
        time = self.site.time
        compiled = [change.time for change in self.net.compiled if change.time < time]
        return self.net.frozen_layers(compiled[-1] if compiled else time)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Testing:
    """Answers of a network that are scored; `mode` is that of the network at the time.

    `during` is true where the network is trained and tested in turns in one loop.
    """

    net: Net
    data: Data
    site: Site
    mode: str = "eval"
    gradients: bool = False
    framework: str = "keras"
    during: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Random split of samples; `seeded` is None where the text does not show it."""

    site: Site
    seeded: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwriting:
    """Labels that are changed in their own array; `other` is the name they are still used by."""

    place: Place
    name: str
    other: str
    used: Place


@dataclass(slots=True)
class Story:
    """All that the rules read of a program.

    `seed_given` is true where a seed comes from outside. `cuts` are slices that leave out the last
    item, `loaded` sets with the line that loads them. `used` are samples that go through a network,
    or into code that is not shown, other than by a training or a test on record; `escaped` are the
    numbers of networks that such code is given. `picking` has the line that keeps the best epoch of
    a loop, by the number of the loop.
    """

    cells: list[Cell]
    nets: list[Net] = field(default_factory=list)
    trainings: list[Training] = field(default_factory=list)
    testings: list[Testing] = field(default_factory=list)
    seeds: list[Site] = field(default_factory=list)
    seed_given: bool = False
    numpy_seeded: bool = False
    splits: list[Split] = field(default_factory=list)
    overwritten: list[Overwriting] = field(default_factory=list)
    cuts: list[Place] = field(default_factory=list)
    loaded: list[tuple[Data, Place]] = field(default_factory=list)
    used: list[Data] = field(default_factory=list)
    escaped: set[int] = field(default_factory=set)
    picking: dict[int, Place] = field(default_factory=dict)
    unseen: list[Unseen] = field(default_factory=list)

    def trainings_of(self, net: Net) -> list[Training]:
        """Trainings of a network itself."""
        return [training for training in self.trainings if training.net is net]

    def testings_of(self, net: Net) -> list[Testing]:
        """Tests of a network itself."""
        return [testing for testing in self.testings if testing.net is net]

    def learned(self, net: Net, before: int) -> list[Training]:
        """Trainings that shaped weights of a network before a time, those of its sources too."""
        found: dict[int, Training] = {}
        waiting, seen = [(net, before)], set()
        while waiting:
            one, time = waiting.pop()
            if (one.number, time) in seen:
                continue
            seen.add((one.number, time))
            for training in self.trainings:
                if training.site.time < time and training.net.shares_with(one):
                    found[id(training)] = training
            for part in one.everything():
                waiting += [
                    (other, copy.time)
                    for copy in part.copies
                    if copy.time < time
                    for other in copy.nets
                ]
        return sorted(found.values(), key=lambda training: training.site.time)
