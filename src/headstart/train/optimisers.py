"""Optimisers and schedules from their specs.

PyTorch's arithmetic, by those of its functions that hold no state: its optimiser objects wrap every
step in as much work as the update of a small head takes, and the first that is made imports for a
second.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import cos, pi
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.adadelta import adadelta
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop

from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.train.learners import Factor


def make_optimiser(
    spec: OptimiserSpec, groups: Iterable[tuple[float, list[nn.Parameter]]]
) -> "Optimiser":
    """An optimiser over groups of (learning rate, parameters); the spec has the other settings."""
    kind = DampedRMSprop if spec.epsilon_inside else _KINDS[spec.kind]
    return kind([Group(rate, weights) for rate, weights in groups], spec)


class Group:
    """Parameters of one learning rate, `base` as it is given and `rate` as the schedule has it.

    `counts` are the updates of each parameter. On a GPU all that changes from update to update is
    kept there, so that an update can be recorded.
    """

    def __init__(self, rate: float, weights: Sequence[nn.Parameter]) -> None:
        self.weights: list[Tensor] = list(weights)
        self.base = rate
        self.rate: Factor = rate
        self.on_gpu = any(weight.is_cuda for weight in self.weights)
        self.counts = [torch.zeros((), device=weight.device) for weight in self.weights]
        self._remembered: dict[str, list[Tensor]] = {}

    @property
    def gradients(self) -> list[Tensor]:
        """The gradient of each parameter."""
        return [cast(Tensor, weight.grad) for weight in self.weights]

    def remembered(self, name: str) -> list[Tensor]:
        """What is kept under a name: a tensor for each parameter, zero until it is changed."""
        if name not in self._remembered:
            self._remembered[name] = [torch.zeros_like(weight) for weight in self.weights]
        return self._remembered[name]


class Optimiser(ABC):
    """Moves parameters by their gradients, at the rates of their groups."""

    def __init__(self, groups: list[Group], spec: OptimiserSpec) -> None:
        self.groups = groups
        self.spec = spec

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter; each has a gradient."""
        for group in self.groups:
            self._move(group)

    @abstractmethod
    def _move(self, group: Group) -> None:
        """Move the parameters of a group. A rate that is a tensor changes behind a record."""

    def _decayed(self, group: Group) -> list[Tensor]:
        """Gradients with the share of the weight decay."""
        decay, gradients = self.spec.weight_decay, group.gradients
        return (
            list(torch._foreach_add(gradients, group.weights, alpha=decay)) if decay else gradients
        )


class SGD(Optimiser):
    """v = momentum v + g and w -= rate v, or rate (g + momentum v) with Nesterov's momentum."""

    def _move(self, group: Group) -> None:
        by, momentum = self._decayed(group), self.spec.momentum
        if momentum:
            velocity = group.remembered("velocity")
            torch._foreach_mul_(velocity, momentum)
            torch._foreach_add_(velocity, by)
            nesterov = self.spec.nesterov
            by = list(torch._foreach_add(by, velocity, alpha=momentum)) if nesterov else velocity
        if isinstance(group.rate, Tensor):
            torch._foreach_sub_(group.weights, torch._foreach_mul(by, group.rate))
        else:
            torch._foreach_add_(group.weights, by, alpha=-group.rate)


class Adam(Optimiser):
    """Adam, and AdamW (Loshchilov and Hutter 2019) where the decay is kept out of the gradient."""

    def _move(self, group: Group) -> None:
        adam(
            group.weights,
            group.gradients,
            group.remembered("mean"),
            group.remembered("square"),
            [],
            group.counts,
            fused=True,
            capturable=group.on_gpu,
            decoupled_weight_decay=self.spec.kind == "adamw",
            amsgrad=False,
            beta1=self.spec.beta1,
            beta2=self.spec.beta2,
            lr=group.rate,
            weight_decay=self.spec.weight_decay,
            eps=self.spec.epsilon,
            maximize=False,
        )


class RMSprop(Optimiser):
    """RMSprop with the epsilon outside the root, as PyTorch has it."""

    def _move(self, group: Group) -> None:
        rmsprop(
            group.weights,
            group.gradients,
            group.remembered("square"),
            [],
            group.remembered("velocity") if self.spec.momentum else [],
            group.counts,
            foreach=True,
            capturable=group.on_gpu,
            lr=_number(group),
            alpha=self.spec.decay,
            eps=self.spec.epsilon,
            weight_decay=self.spec.weight_decay,
            momentum=self.spec.momentum,
            centered=False,
        )


class Adadelta(Optimiser):
    """Adadelta (Zeiler 2012)."""

    def _move(self, group: Group) -> None:
        adadelta(
            group.weights,
            group.gradients,
            group.remembered("square"),
            group.remembered("moved"),
            group.counts,
            foreach=True,
            capturable=group.on_gpu,
            lr=_number(group),
            rho=self.spec.decay,
            eps=self.spec.epsilon,
            weight_decay=self.spec.weight_decay,
            maximize=False,
        )


class DampedRMSprop(Optimiser):
    """RMSprop as Keras has it: w -= lr g / sqrt(v + epsilon), with v the running mean of g^2.

    PyTorch adds its epsilon after the root, where it damps nothing: a gradient of 1e-5 then moves a
    weight as far as one of 1, and with Keras' epsilon of 1e-7 only a thirtieth of that.
    """

    def _move(self, group: Group) -> None:
        gradients, squares, decay = (
            self._decayed(group),
            group.remembered("square"),
            self.spec.decay,
        )
        torch._foreach_mul_(squares, decay)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - decay)
        roots = torch._foreach_add(squares, self.spec.epsilon)
        torch._foreach_sqrt_(roots)
        if isinstance(group.rate, Tensor):
            torch._foreach_div_(roots, -group.rate)
            torch._foreach_addcdiv_(group.weights, gradients, roots)
        else:
            torch._foreach_addcdiv_(group.weights, gradients, roots, value=-group.rate)


_KINDS: dict[str, type[Optimiser]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
}


def _number(group: Group) -> float:
    """The rate as these functions take it: on a GPU its tensor too, elsewhere a number only."""
    return cast(float, group.rate) if group.on_gpu else float(group.rate)


def rate_factor(schedule: ScheduleSpec, update: int, updates: int) -> float:
    """The factor on the learning rate of update `update` (from 0) of a phase of `updates`."""
    warmup = round(schedule.warmup * updates)
    if update < warmup:
        return (update + 1) / warmup
    if schedule.kind == "constant":
        return 1.0
    return 0.5 * (1 + cos(pi * (update - warmup) / (updates - warmup)))


def set_rates(optimiser: Optimiser, factor: Factor) -> None:
    """Scale every group's base rate by `factor`."""
    for group in optimiser.groups:
        group.rate = group.base * factor
