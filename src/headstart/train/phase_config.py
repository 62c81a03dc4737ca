"""What a phase of one training is made of."""

from dataclasses import dataclass
from math import prod

import numpy as np

from headstart.data.images import blocks
from headstart.data.preprocess import Scaling
from headstart.networks.facts import facts_of
from headstart.study.augment import AnyAugmentation
from headstart.study.frozen import frozen_prefix
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import NetworkFacts, Shape
from headstart.study.phases import Phase
from headstart.study.training import OptimiserSpec, Precision, ScheduleSpec


@dataclass(frozen=True, slots=True)
class Examples:
    """Images (n, channels, height, width) and class indices (n,), int64.

    Images are network inputs in float32, or bytes that `scaling` makes inputs of. They are all of
    `inputs`, or those `at` some positions (n,). Examples of one `name` are the same, so that what
    becomes of them can be kept for the next training; without a name nothing is kept.
    """

    inputs: np.ndarray
    labels: np.ndarray
    at: np.ndarray | None = None
    name: str = ""
    scaling: Scaling | None = None

    @property
    def values(self) -> int:
        """How many numbers a network sees."""
        return len(self.labels) * prod(self.inputs.shape[1:])

    @property
    def image(self) -> Shape:
        """Shape of an image as a network is given it: (height, width, channels)."""
        channels, height, width = self.inputs.shape[1:]
        return (height, width, (self.scaling and self.scaling.channels) or channels)

    @property
    def bytes(self) -> int:
        """How much memory it takes; what is chosen of more is not held here."""
        return self.labels.nbytes + (self.inputs.nbytes if self.at is None else self.at.nbytes)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number that a network sees."""
        low = high = self.inputs[0 if self.at is None else self.at[0]]
        for block in blocks(self.inputs, self.at):
            low, high = np.minimum(low, block.min(0)), np.maximum(high, block.max(0))
        ends = np.stack([low, high]).transpose(0, 2, 3, 1)
        least, greatest = ends if self.scaling is None else self.scaling.of(ends)
        return float(least.min()), float(greatest.max())


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseConfig:
    """Everything that defines one phase of one training but weights and data.

    `first_update` is how many updates of the trial went before; with `seed` and `role` it fixes the
    order of batches, so every arm sees the same batch at the same update of its trial.
    """

    network: AnyNetwork
    image: Shape
    num_classes: int
    phase: Phase
    optimiser: OptimiserSpec
    schedule: ScheduleSpec
    batch_size: int
    first_update: int
    measure_at: tuple[int, ...]
    seed: int
    role: str
    precision: Precision = "float32"
    augment: tuple[AnyAugmentation, ...] = ()

    @property
    def prefix(self) -> int:
        """How many blocks from the stem are run once, before the first update."""
        return 0 if self.augment else frozen_prefix(self.facts, self.phase)

    @property
    def facts(self) -> NetworkFacts:
        """Facts of the network for the images and the number of classes."""
        return facts_of(self.network, self.image, self.num_classes)
