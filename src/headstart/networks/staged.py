"""What training asks of a network: blocks that can be run from any place to any other."""

from collections.abc import Collection, Iterator, Set
from typing import Protocol, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.weights import Weights
from headstart.study.network_facts import NetworkFacts


class StagedModule(Protocol):
    """A torch module in blocks; `facts.blocks` are those it runs, one by one.

    Parameters bear the names that the facts give them; `named_parameters`, `get_parameter`, `to`
    and `eval` are those of `nn.Module`.
    """

    facts: NetworkFacts

    def run(self, inputs: Tensor, first: int, end: int) -> Tensor:
        """What blocks `first` to `end` - 1 make of what the blocks before gave.

        Args:
            inputs: (batch, channels, height, width) for block 0, else what block `first` - 1 gave.
            first: number of the first block.
            end: number of the block after the last.
        """

    def set_modes(self, train: Set[str]) -> None:
        """Train mode for the stages named, eval mode for all others."""

    def draw_from(self, generator: torch.Generator) -> None:
        """Let dropout draw its random numbers from a generator."""

    def weights(self, names: Collection[str] | None = None) -> Weights:
        """A copy of all or some parameters and buffers, in PyTorch's layout."""

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters by name."""

    def get_parameter(self, target: str) -> nn.Parameter:
        """The parameter of a name."""

    def to(self, device: torch.device) -> Self:
        """Move all tensors to a device."""

    def eval(self) -> Self:
        """Eval mode for all stages."""


def class_logits(outputs: Tensor) -> Tensor:
    """Logits (batch, classes) of what a head gives.

    A sigmoid head has one output: it is the softmax of (0, z), so binary and categorical
    cross-entropy agree.
    """
    return functional.pad(outputs, (1, 0)) if outputs.shape[-1] == 1 else outputs
