"""What layers that stay make of the images: computed once, for all updates and all trainings."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.core.kept import Kept
from headstart.networks.build import build
from headstart.networks.initial import Weights
from headstart.train.prediction import BATCH
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
    return Part(
        torch.from_numpy(examples.inputs).to(device, memory_format=torch.channels_last),
        torch.from_numpy(examples.labels).to(device),
    )


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
        shape: a function of a module, applied to the features before they are kept.
    """

    def make() -> Part:
        part = whole_part(examples, device)
        if not len(part.labels):
            return part
        module = build(work.network, work.image, work.num_classes, weights).to(device).eval()
        still = torch.nn.Sequential(*(layer for _, layer in module.layers()[:done]))
        starts = range(0, len(part.labels), BATCH)
        with torch.no_grad():
            found = torch.cat([still(part.inputs[at : at + BATCH]) for at in starts])
            return Part(shape(found), part.labels)

    if not examples.name:
        return make()
    network = (work.network, work.image, work.num_classes, done)
    return _kept.get((examples.name, frozen, network, shape, str(device)), make)
