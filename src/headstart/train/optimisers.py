"""Optimisers and schedules from their specs.

PyTorch's arithmetic, by those of its functions that hold no state: its optimiser objects wrap every
step in as much work as the update of a small head takes, and the first that is made imports for a
second.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import cos, pi, sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam

from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.trainer import Factor


def make_optimiser(
    spec: OptimiserSpec, groups: Iterable[tuple[float, list[nn.Parameter]]]
) -> "Optimiser":
    """An optimiser over groups of (learning rate, parameters); the spec has the other settings."""
    return _KINDS[spec.kind]([Group(rate, weights) for rate, weights in groups], spec)


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
        self._same: dict[float, list[Tensor]] = {}

    @property
    def gradients(self) -> list[Tensor]:
        """The gradient of each parameter."""
        return [cast(Tensor, weight.grad) for weight in self.weights]

    def remembered(self, name: str, first: float = 0.0) -> list[Tensor]:
        """State by name: a tensor for each parameter, at first `first`."""
        if name not in self._remembered:
            self._remembered[name] = [torch.full_like(weight, first) for weight in self.weights]
        return self._remembered[name]

    def same(self, number: float) -> list[Tensor]:
        """One number expanded to the shape of every parameter; read-only."""
        if number not in self._same:
            self._same[number] = [
                weight.new_full((), number).expand_as(weight) for weight in self.weights
            ]
        return self._same[number]


class Optimiser(ABC):
    """Updates parameters from their gradients, at the learning rates of their groups."""

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
        """Update the parameters of a group. A rate that is a tensor may change between replays."""

    def _decayed(self, group: Group) -> list[Tensor]:
        """Gradients with weight decay added."""
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
        _shift(group, by)


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
    """w -= rate g / (sqrt(v) + epsilon), with v the running mean of g^2, as PyTorch has it.

    Keras adds epsilon before the root (`epsilon_inside`), where it damps: otherwise a gradient of
    1e-5 moves a weight as far as one of 1, with Keras' epsilon of 1e-7 only a thirtieth of it.
    """

    def _move(self, group: Group) -> None:
        if group.on_gpu or self.spec.momentum:
            self._in_steps(group)
        else:
            self._as_adagrad(group)

    def _as_adagrad(self, group: Group) -> None:
        """A decay of sums, and Adagrad's step over them in one pass: half the time of many passes.

        Adagrad adds g^2 to a sum, so sums are v, or v + epsilon, over 1 - decay.
        """
        spec, kept = self.spec, 1 - self.spec.decay
        if spec.epsilon_inside:
            least = spec.epsilon / kept
            sums = group.remembered("sum", least)
            torch._foreach_lerp_(sums, group.same(least), kept)
        else:
            sums = group.remembered("sum")
            torch._foreach_mul_(sums, spec.decay)
        adagrad(
            group.weights,
            group.gradients,
            sums,
            group.counts,
            fused=True,
            lr=float(group.rate) / sqrt(kept),
            lr_decay=0.0,
            weight_decay=spec.weight_decay,
            eps=0.0 if spec.epsilon_inside else spec.epsilon / sqrt(kept),
            maximize=False,
        )

    def _in_steps(self, group: Group) -> None:
        spec, gradients, squares = self.spec, self._decayed(group), group.remembered("square")
        torch._foreach_mul_(squares, spec.decay)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - spec.decay)
        if spec.epsilon_inside:
            roots = torch._foreach_add(squares, spec.epsilon)
            torch._foreach_sqrt_(roots)
        else:
            roots = torch._foreach_sqrt(squares)
            torch._foreach_add_(roots, spec.epsilon)
        by = list(torch._foreach_div(gradients, roots))
        if spec.momentum:
            velocity = group.remembered("velocity")
            torch._foreach_mul_(velocity, spec.momentum)
            torch._foreach_add_(velocity, by)
            by = velocity
        _shift(group, by)


class Adadelta(Optimiser):
    """w -= rate d (Zeiler 2012), d = g sqrt((m + epsilon) / (v + epsilon)).

    v is the running mean of g^2, m that of d^2. Both are kept with their epsilon, so that one root
    is taken for two, and nothing is copied.
    """

    def _move(self, group: Group) -> None:
        epsilon, kept, gradients = self.spec.epsilon, 1 - self.spec.decay, self._decayed(group)
        squares, moved = (group.remembered(name, epsilon) for name in ("square", "moved"))
        torch._foreach_lerp_(squares, group.same(epsilon), kept)
        torch._foreach_addcmul_(squares, gradients, gradients, value=kept)
        by = list(torch._foreach_div(moved, squares))
        torch._foreach_sqrt_(by)
        torch._foreach_mul_(by, gradients)
        torch._foreach_lerp_(moved, group.same(epsilon), kept)
        torch._foreach_addcmul_(moved, by, by, value=kept)
        _shift(group, by)


_KINDS: dict[str, type[Optimiser]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
}


def _shift(group: Group, by: list[Tensor]) -> None:
    """weights -= rate * direction. On a GPU the rate is a tensor."""
    if isinstance(group.rate, Tensor):
        torch._foreach_sub_(group.weights, torch._foreach_mul(by, group.rate))
    else:
        torch._foreach_add_(group.weights, by, alpha=-group.rate)


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
