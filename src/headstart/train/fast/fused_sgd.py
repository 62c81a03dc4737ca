"""Parameter updates of manual backpropagation: fused with the gradient, or by an optimiser."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from headstart.study.training import OptimiserSpec


class StepScale(NamedTuple):
    """Scales of one update: the schedule's factor on the rate, and 1 / batch size."""

    factor: float
    share: float


class ParameterUpdate(Protocol):
    """A parameter that is trained."""

    def apply(self, grads: Tensor, rows: Tensor, pace: StepScale) -> None:
        """Apply the gradient: output gradients (outputs, n) @ rows (n, inputs); ones for a bias."""


class StoreGradient:
    """Stores the gradient in `.grad` for an optimiser."""

    def __init__(self, parameter: nn.Parameter) -> None:
        parameter.grad = torch.zeros_like(parameter)
        self._gradient = as_matrix(parameter.grad)

    def apply(self, grads: Tensor, rows: Tensor, pace: StepScale) -> None:
        """Store the gradient."""
        gradient = self._gradient
        torch.addmm(gradient, grads, rows, beta=0, alpha=pace.share, out=gradient)


class FusedSGD:
    """SGD fused with the gradient product, so that the gradient is never stored.

    As PyTorch has it: with g the gradient and the decay's share, v = momentum v + g from v = 0, and
    w -= rate v, or rate (g + momentum v) with Nesterov's momentum.
    """

    def __init__(self, parameter: nn.Parameter, scale: float, optimiser: OptimiserSpec) -> None:
        self._values = as_matrix(parameter.detach())
        self._velocity = torch.zeros_like(self._values) if optimiser.momentum else None
        self._rate = optimiser.lr * scale
        self._momentum, self._nesterov = optimiser.momentum, optimiser.nesterov
        self._decay = optimiser.weight_decay

    def apply(self, grads: Tensor, rows: Tensor, pace: StepScale) -> None:
        """Update the parameter."""
        rate, velocity = self._rate * pace.factor, self._velocity
        if velocity is not None:
            velocity.addmm_(grads, rows, beta=self._momentum, alpha=pace.share)
            if self._decay:
                velocity.add_(self._values, alpha=self._decay)
        if velocity is None or self._nesterov:
            beta, alpha = 1 - rate * self._decay, -rate * pace.share
            self._values.addmm_(grads, rows, beta=beta, alpha=alpha)
        if velocity is not None:
            by = self._momentum if self._nesterov else 1.0
            self._values.add_(velocity, alpha=-rate * by)


def as_matrix(values: Tensor) -> Tensor:
    """A parameter as a matrix view.

    A kernel (outputs, inputs, height, width) is (outputs * inputs, height * width), and a bias
    (outputs, 1).
    """
    if values.dim() == 1:
        return values[:, None]
    return values.view(-1, values.shape[2] * values.shape[3]) if values.dim() == 4 else values
