"""Small networks, their files, and what a match asks of them."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from headstart.networks.checkpoints.read import State, read_state
from headstart.networks.weights import Weights
from headstart.study.network_facts import Shape

HEAD = ("head.weight", "head.bias")


class Small(nn.Module):
    """A stem, a normalised layer and a head: 8 tensors of which one is a counter."""

    def __init__(self, channels: int = 3, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 4, 3)
        self.layer = nn.Conv2d(4, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.norm(self.layer(self.stem(images).relu()))
        outputs: torch.Tensor = self.head(features.mean((2, 3)))
        return outputs


def small(channels: int = 3, classes: int = 4, seed: int = 0) -> Small:
    """The small network with weights of one seed, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Small(channels, classes)
        for buffer in (network.norm.running_mean, network.norm.running_var):
            assert isinstance(buffer, torch.Tensor)
            buffer.uniform_(0.5, 1.5)
    return network.eval()


def shapes(network: nn.Module) -> dict[str, Shape]:
    """What a match is asked for."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def saved(path: Path, content: Any, **options: Any) -> State:
    """What is read back of a torch.save file."""
    torch.save(content, path, **options)
    return read_state(path)


def load(network: nn.Module, weights: Weights) -> None:
    """Put all weights into a network; none may be missing."""
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
