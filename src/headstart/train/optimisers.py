"""Optimisers and schedules from their specs."""

from collections.abc import Iterable
from math import cos, pi

import torch
from torch import nn

from headstart.spec.training import OptimiserSpec, ScheduleSpec


def make_optimiser(
    spec: OptimiserSpec, groups: Iterable[tuple[float, list[nn.Parameter]]]
) -> torch.optim.Optimizer:
    """An optimiser over groups of (learning-rate scale, parameters).

    Each group keeps its scaled base rate under `base_lr`, for `set_rates`.
    """
    parameters = [
        {"params": members, "lr": spec.lr * scale, "base_lr": spec.lr * scale}
        for scale, members in groups
    ]
    decay = spec.weight_decay
    match spec.kind:
        case "sgd":
            return torch.optim.SGD(
                parameters, momentum=spec.momentum, nesterov=spec.nesterov, weight_decay=decay
            )
        case "adam":
            betas = (spec.beta1, spec.beta2)
            return torch.optim.Adam(parameters, betas=betas, eps=spec.epsilon, weight_decay=decay)
        case "adamw":
            betas = (spec.beta1, spec.beta2)
            return torch.optim.AdamW(parameters, betas=betas, eps=spec.epsilon, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters,
                alpha=spec.decay,
                eps=spec.epsilon,
                momentum=spec.momentum,
                weight_decay=decay,
            )
        case "adadelta":
            return torch.optim.Adadelta(
                parameters, rho=spec.decay, eps=spec.epsilon, weight_decay=decay
            )


def rate_factor(schedule: ScheduleSpec, update: int, updates: int) -> float:
    """The factor on the learning rate of update `update` (from 0) of a phase of `updates`."""
    warmup = round(schedule.warmup * updates)
    if update < warmup:
        return (update + 1) / warmup
    if schedule.kind == "constant":
        return 1.0
    return 0.5 * (1 + cos(pi * (update - warmup) / (updates - warmup)))


def set_rates(optimiser: torch.optim.Optimizer, factor: float) -> None:
    """Scale every group's base rate by `factor`."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor
