"""Small torch modules whose weights are drawn by a seed."""

import torch
from torch import nn


class Small(nn.Module):
    """A trunk of a convolution with batch normalisation, and a dense head."""

    def __init__(self, classes: int = 3, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()
        self.trunk: nn.Sequential = nn.Sequential(*layers)
        self.head = nn.Linear(4 * 4 * 4, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.trunk(images))
        return logits


def train(model: nn.Module, *, updates: int = 2, only: str = "") -> None:
    """A few updates of the parameters below a name, in whatever mode the model is in."""
    moving = [parameter for name, parameter in model.named_parameters() if name.startswith(only)]
    optimiser = torch.optim.SGD(moving, lr=0.1)
    images = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(updates):
        optimiser.zero_grad()
        model(images).square().mean().backward()
        optimiser.step()
