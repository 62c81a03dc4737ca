"""What layers that stay make of the images: computed once, for all updates and all trainings."""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from headstart.core.kept import Kept
from headstart.networks.build import build
from headstart.networks.initial import Weights
from headstart.networks.layers import Flatten
from headstart.train.prediction import as_images, batch_for
from headstart.train.work import Examples, PhaseWork

KEPT_BYTES = 256_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What the trained layers see of some images (n, ...), and the labels (n,), on the device."""

    inputs: Tensor
    labels: Tensor

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return self.inputs.nbytes + self.labels.nbytes

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """A copy of the inputs and labels of some images, by their indices."""
        # On rows it takes a quarter of the time; of images it would not keep the channels last.
        rows = self.inputs.dim() == 2
        inputs = self.inputs.index_select(0, chosen) if rows else self.inputs[chosen]
        return inputs, self.labels.index_select(0, chosen)


_kept: Kept[Part] = Kept(KEPT_BYTES, lambda part: part.bytes)


def whole_part(examples: Examples, device: torch.device) -> Part:
    """The images themselves, for a network of which no layer stays."""
    return Part(as_images(examples.inputs, device), torch.from_numpy(examples.labels).to(device))


def still_part(
    work: PhaseWork,
    done: int,
    weights: Weights,
    frozen: str,
    examples: Examples,
    device: torch.device,
    shape: Callable[[Tensor], Tensor],
) -> Part:
    """What the first `done` layers make of all examples.

    Args:
        work: names the network.
        done: how many layers from the stem on stay as they are.
        weights: of the whole network.
        frozen: a hash that differs where the weights of those layers do.
        examples: images and labels; with a name, the part is kept for the next training.
        device: where to compute and keep it.
        shape: a function of a module, applied to the features of each batch before they are kept.
    """

    def make() -> Part:
        if not len(examples.labels):
            return whole_part(examples, device)
        labels = torch.from_numpy(examples.labels).to(device)
        module = build(work.network, work.image, work.num_classes, weights).to(device).eval()
        still = torch.nn.Sequential(*(layer for _, layer in module.layers()[:done]))
        if all(isinstance(layer, Flatten) for layer in still):
            rows = still(torch.from_numpy(examples.inputs).to(device))  # no copy on a CPU
            return Part(shape(rows), labels)
        return Part(_computed(lambda inputs: shape(still(inputs)), examples, device), labels)

    if not examples.name:
        return make()
    network = (work.network, work.image, work.num_classes, done)
    return _kept.get((examples.name, frozen, network, shape, str(device)), make)


def as_they_are(features: Tensor) -> Tensor:
    """Features in the shape in which the layers give them."""
    return features


@torch.no_grad()
def _computed(
    function: Callable[[Tensor], Tensor], examples: Examples, device: torch.device
) -> Tensor:
    """What a function makes of all inputs, batch by batch, written to where it will stay."""
    result = torch.empty(0)
    batch = batch_for(device)
    for at in range(0, len(examples.inputs), batch):
        found = function(as_images(examples.inputs[at : at + batch], device))
        if not at:
            result = _room_for(len(examples.inputs), found)
        result[at : at + batch] = found
    return result


def _room_for(num: int, first: Tensor) -> Tensor:
    """Room for `num` rows like those of a first batch, with channels last where it has them.

    What is too large to be kept lies in a scratch file, which goes with the tensor: the system may
    write it out when memory is short, while memory of a process is lost to all others.
    """
    last = first.dim() == 4 and first.is_contiguous(memory_format=torch.channels_last)
    laid_out = first.permute(0, 2, 3, 1) if last else first
    shape = (num, *laid_out.shape[1:])
    room: Tensor | None = None
    if first.device.type == "cpu" and num * first[0].nbytes > KEPT_BYTES:
        room = _scratch(shape)
    if room is None:
        room = first.new_empty(shape)
    return room.permute(0, 3, 1, 2) if last else room


def _scratch(shape: tuple[int, ...]) -> Tensor | None:
    """Float32 numbers in a file without a name, None where there is no space for it."""
    if sys.platform != "linux":  # elsewhere space cannot be set aside, and a full disk would kill
        return None
    size = 4 * prod(shape)
    try:
        with tempfile.TemporaryFile(prefix="headstart-") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return torch.from_numpy(np.memmap(file, np.float32, "r+", shape=shape))
    except OSError:
        return None
