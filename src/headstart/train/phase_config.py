"""Configuration of one phase of one training."""

from dataclasses import dataclass
from math import prod

import numpy as np

from headstart.data.images import StreamedPixels, blocks
from headstart.data.preprocess import Scaling
from headstart.metrics import ACCURACY, Metric, class_weights
from headstart.networks.facts import Architecture, facts_of
from headstart.study.augment import AnyAugmentation
from headstart.study.frozen import frozen_prefix
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import NetworkFacts, Shape
from headstart.study.phases import Phase
from headstart.study.training import ClassWeights, OptimiserSpec, Precision, ScheduleSpec

SAMPLE = 256  # image files whose pixels are looked at for their range


@dataclass(frozen=True, slots=True)
class Examples:
    """Images (n, channels, height, width) and class indices (n,), int64.

    Images are network inputs in float32, or bytes that `scaling` makes inputs of, or image files
    that are decoded each time (n, height, width, channels). They are all of `inputs`, or those `at`
    some positions (n,). Examples of one `name` are the same, so that what becomes of them can be
    kept for the next training; without a name nothing is kept. Those drawn from a larger set have
    it as their `pool`, with their positions in it (n,).
    """

    inputs: np.ndarray | StreamedPixels
    labels: np.ndarray
    at: np.ndarray | None = None
    name: str = ""
    scaling: Scaling | None = None
    pool: "tuple[Examples, np.ndarray] | None" = None

    @property
    def array(self) -> np.ndarray:
        """Images that lie in memory or in a mapped file."""
        assert isinstance(self.inputs, np.ndarray), "image files are decoded batch by batch"
        return self.inputs

    @property
    def shape(self) -> Shape:
        """Height, width and channels of an image as it is stored."""
        if isinstance(self.inputs, np.ndarray):
            return (*self.inputs.shape[2:], self.inputs.shape[1])
        return self.inputs.shape[1:]

    @property
    def values(self) -> int:
        """Number of input values."""
        return len(self.labels) * prod(self.image)

    @property
    def image(self) -> Shape:
        """Shape of an image as a network is given it: (height, width, channels)."""
        height, width, channels = self.shape
        return (height, width, (self.scaling and self.scaling.channels) or channels)

    @property
    def bytes(self) -> int:
        """Size in bytes of the images that are held."""
        if isinstance(self.inputs, np.ndarray) and self.at is None:
            return self.labels.nbytes + self.inputs.nbytes
        return self.labels.nbytes + (0 if self.at is None else self.at.nbytes)

    @property
    def ends(self) -> tuple[float, float]:
        """Least and greatest network input; of image files in a sample."""
        ends = np.stack(self._least_and_greatest())
        least, greatest = ends if self.scaling is None else self.scaling.of(ends)
        return float(least.min()), float(greatest.max())

    def _least_and_greatest(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each pixel (height, width, channels), as it is stored."""
        if isinstance(self.inputs, np.ndarray):
            low = high = self.inputs[0 if self.at is None else self.at[0]]
            for block in blocks(self.inputs, self.at):
                low, high = np.minimum(low, block.min(0)), np.maximum(high, block.max(0))
            return low.transpose(1, 2, 0), high.transpose(1, 2, 0)
        positions = np.arange(len(self.inputs)) if self.at is None else self.at
        some = np.linspace(0, len(positions) - 1, min(SAMPLE, len(positions))).astype(np.int64)
        pixels = self.inputs[positions[some]]
        return pixels.min(0), pixels.max(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseConfig:
    """Everything that defines one phase of one training but weights and data.

    `first_update` is how many updates of the trial went before; with `seed` and `role` it fixes the
    order of batches, so every arm sees the same batch at the same update of its trial. `metric` is
    what weights are chosen by on validation images.
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
    class_weights: ClassWeights = "equal"
    metric: Metric = ACCURACY

    def loss_weights(self, labels: np.ndarray) -> np.ndarray | None:
        """Weight of each class in the loss (classes,), from the labels of all training images.

        None where all images count alike.
        """
        if self.class_weights == "equal":
            return None
        return class_weights(labels, self.num_classes)

    @property
    def prefix(self) -> int:
        """Number of blocks in the frozen prefix, whose outputs are cached."""
        return 0 if self.augment else frozen_prefix(self.facts, self.phase)

    @property
    def architecture(self) -> Architecture:
        """The network for the images and the number of classes."""
        return self.network, self.image, self.num_classes

    @property
    def facts(self) -> NetworkFacts:
        """Facts of the network for the images and the number of classes."""
        return facts_of(*self.architecture)
