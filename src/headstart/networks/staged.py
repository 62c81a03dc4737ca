"""What training asks of a network: blocks that can be run from any place to any other."""

from collections.abc import Set
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from headstart.study.network_facts import NetworkFacts

Weights = dict[str, np.ndarray]
"""Parameters and buffers by name, in PyTorch's layout."""


class StagedModule(Protocol):
    """A torch module in blocks; `facts.blocks` are those it runs, one by one.

    `state_dict`, `named_parameters`, `to`, `eval` are those of `nn.Module`. Parameters bear the
    names that the facts give them.
    """

    facts: NetworkFacts

    def run(self, inputs: Tensor, first: int, end: int) -> Tensor:
        """What blocks `first` to `end` - 1 make of what the blocks before gave.

        Args:
            inputs: (batch, channels, height, width) for block 0, else what block `first` - 1 gave.
            first: number of the first block.
            end: number of the block after the last.
        """

    def logits(self, outputs: Tensor) -> Tensor:
        """Logits (batch, classes) of what the last block gave."""

    def set_modes(self, train: Set[str]) -> None:
        """Train mode for the stages named, eval mode for all others."""

    def draw_from(self, generator: torch.Generator) -> None:
        """Let dropout draw its random numbers from a generator."""

    @property
    def module(self) -> nn.Module:
        """The torch module itself."""
