"""What a phase of one training is made of."""

from dataclasses import dataclass

import numpy as np

from headstart.spec.network import NetworkSpec
from headstart.spec.phases import Phase
from headstart.spec.shapes import LayerFacts, Shape, layers_of
from headstart.spec.training import OptimiserSpec, Precision, ScheduleSpec


@dataclass(frozen=True, slots=True)
class Examples:
    """Network inputs (n, channels, height, width), float32, and class indices (n,), int64.

    Examples of one `name` are the same, so that what frozen layers make of them can be kept for
    the next training; without a name nothing is kept.
    """

    inputs: np.ndarray
    labels: np.ndarray
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseWork:
    """Everything that defines one phase of one training but weights and data.

    `first_update` is how many updates of the trial went before; with `seed` and `role` it fixes the
    order of batches, so every arm sees the same batch at the same update of its trial.
    """

    network: NetworkSpec
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

    @property
    def layers(self) -> tuple[LayerFacts, ...]:
        """The network as image and classes shape it."""
        return layers_of(self.network, self.image, self.num_classes)
