"""Blocks run over many images batch by batch, for predictions and cached features."""

from statistics import mean

import torch
from torch import Tensor

from headstart.networks.staged import StagedModule
from headstart.study.training import Precision
from headstart.train.device_data import DeviceData
from headstart.train.precision import autocast_to

MOST = {"cpu": 128, "cuda": 2_048, "mps": 2_048}  # images at a time
SHARED = 32  # of large images, at least; few, so that threads share some hundred of them evenly
# That the largest layer of a block gives, on mean.
VALUES = {"cpu": 2_500_000, "cuda": 64_000_000, "mps": 64_000_000}


class Forward:
    """Layers `done` to `end` of a module over a part, batch by batch, on a device.

    A batch fills the device. Layers that look at images see fewer at a time if these are large, so
    that outputs stay in a processor's caches (ten megabytes) and in a GPU's memory (a quarter of a
    gigabyte); the mean of the blocks counts, for in a deep network few layers give as much as the
    largest, and the many small ones are slow for few images. Dense layers see the batch as a whole,
    for their weights may be larger than that.
    """

    def __init__(
        self,
        module: StagedModule,
        part: DeviceData,
        done: int,
        end: int,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        self._module, self._part, self._device = module, part, device
        self._done, self._end, self._precision = done, end, precision
        self._turn = min(max(done, module.facts.num_spatial), end)
        spatial = module.facts.blocks[done : self._turn]
        values = mean([block.peak_values for block in spatial] or [1])
        most = MOST[device.type]
        self.piece = min(max(int(VALUES[device.type] / values), 1), most)
        self.batch = most if self.piece == most else -(-SHARED // self.piece) * self.piece

    @property
    def batches(self) -> range:
        """First index of each batch."""
        return range(0, len(self._part.labels), self.batch)

    def __call__(self, at: int) -> Tensor:
        """Outputs (float32) for the batch that begins at `at`."""
        end = min(at + self.batch, len(self._part.labels))
        with autocast_to(self._precision, self._device):
            seen = [self._looked_at(first, end) for first in range(at, end, self.piece)]
            images = seen[0] if len(seen) == 1 else torch.cat(seen)
            return self._module.run(images, self._turn, self._end).float()

    def _looked_at(self, first: int, end: int) -> Tensor:
        """Outputs of convolutional layers for a piece of a batch, to `end` at most."""
        images = self._part.between(first, min(first + self.piece, end)).to(self._device)
        return self._module.run(images, self._done, self._turn)
