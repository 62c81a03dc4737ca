"""How a parameter moves whose gradient is a product, or a row: at once, or by an optimiser."""

from typing import Protocol

import torch
from torch import Tensor, nn

from headstart.spec.training import OptimiserSpec


class Moving(Protocol):
    """A parameter that is trained."""

    def by_product(self, slopes: Tensor, rows: Tensor, factor: float) -> None:
        """Take a matrix's gradient, slopes (outputs, n) times rows (n, inputs)."""

    def by(self, gradient: Tensor, factor: float) -> None:
        """Take a row's gradient."""


class Given:
    """Leaves the gradient where an optimiser looks for it."""

    def __init__(self, parameter: nn.Parameter) -> None:
        self._parameter = parameter
        parameter.grad = torch.zeros_like(parameter)
        self._gradient = parameter.grad
        self._matrix = as_matrix(parameter.grad)

    def by_product(self, slopes: Tensor, rows: Tensor, factor: float) -> None:
        """Write down a matrix's gradient."""
        torch.mm(slopes, rows, out=self._matrix)

    def by(self, gradient: Tensor, factor: float) -> None:
        """Write down a row's gradient."""
        self._gradient.copy_(gradient)


class SGDMove:
    """Moves a parameter by SGD as its gradient is computed, which is never formed by itself.

    As PyTorch has it: with g the gradient and the decay's share, v = momentum v + g from v = 0, and
    w -= rate v, or rate (g + momentum v) with Nesterov's momentum.
    """

    def __init__(self, parameter: nn.Parameter, scale: float, optimiser: OptimiserSpec) -> None:
        self._values = as_matrix(parameter.detach())
        self._velocity = torch.zeros_like(self._values) if optimiser.momentum else None
        self._rate = optimiser.lr * scale
        self._momentum, self._nesterov = optimiser.momentum, optimiser.nesterov
        self._decay = optimiser.weight_decay

    def by_product(self, slopes: Tensor, rows: Tensor, factor: float) -> None:
        """Move a matrix."""
        rate, velocity = self._rate * factor, self._velocity
        if velocity is not None:
            velocity.addmm_(slopes, rows, beta=self._momentum)
            self._decay_into(velocity)
        if velocity is None or self._nesterov:
            self._values.addmm_(slopes, rows, beta=1 - rate * self._decay, alpha=-rate)
        self._follow(rate)

    def by(self, gradient: Tensor, factor: float) -> None:
        """Move a row."""
        rate, velocity = self._rate * factor, self._velocity
        if velocity is not None:
            velocity.mul_(self._momentum).add_(gradient)
            self._decay_into(velocity)
        if velocity is None or self._nesterov:
            if self._decay:
                self._values.mul_(1 - rate * self._decay)
            self._values.add_(gradient, alpha=-rate)
        self._follow(rate)

    def _decay_into(self, velocity: Tensor) -> None:
        if self._decay:
            velocity.add_(self._values, alpha=self._decay)

    def _follow(self, rate: float) -> None:
        """Move by the velocity, if there is one."""
        if self._velocity is not None:
            by = self._momentum if self._nesterov else 1.0
            self._values.add_(self._velocity, alpha=-rate * by)


def as_matrix(values: Tensor) -> Tensor:
    """A kernel (outputs, inputs, height, width) as (outputs * inputs, height * width), same memory.

    Matrices and rows are left as they are.
    """
    return values.view(-1, values.shape[2] * values.shape[3]) if values.dim() == 4 else values
