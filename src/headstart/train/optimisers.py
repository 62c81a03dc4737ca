"""Optimisers and schedules from their specs."""

from collections.abc import Iterable
from math import cos, pi

import torch
from torch import Tensor, nn

from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.train.learners import Factor


def make_optimiser(
    spec: OptimiserSpec, groups: Iterable[tuple[float, list[nn.Parameter]]]
) -> torch.optim.Optimizer:
    """An optimiser over groups of (learning rate, parameters); the spec has the other settings.

    Each group keeps its rate under `base_lr`, for `set_rates`. Where PyTorch has an optimiser in
    one fused pass it is used: the same numbers within rounding, in less time. On a GPU all that
    changes from update to update is kept on the device, so that an update can be recorded.
    """
    groups = tuple(groups)
    parameters = [{"params": members, "lr": rate, "base_lr": rate} for rate, members in groups]
    decay = spec.weight_decay
    recordable = any(weight.is_cuda for _, members in groups for weight in members)
    match spec.kind:
        case "sgd":
            return torch.optim.SGD(
                parameters,
                momentum=spec.momentum,
                nesterov=spec.nesterov,
                weight_decay=decay,
                fused=True,
            )
        case "adam":
            betas = (spec.beta1, spec.beta2)
            return torch.optim.Adam(
                parameters,
                betas=betas,
                eps=spec.epsilon,
                weight_decay=decay,
                fused=True,
                capturable=recordable,
            )
        case "adamw":
            betas = (spec.beta1, spec.beta2)
            return torch.optim.AdamW(
                parameters,
                betas=betas,
                eps=spec.epsilon,
                weight_decay=decay,
                fused=True,
                capturable=recordable,
            )
        case "rmsprop" if spec.epsilon_inside:
            return DampedRMSprop(
                parameters, lr=spec.lr, decay=spec.decay, epsilon=spec.epsilon, weight_decay=decay
            )
        case "rmsprop":
            return torch.optim.RMSprop(
                parameters,
                alpha=spec.decay,
                eps=spec.epsilon,
                momentum=spec.momentum,
                weight_decay=decay,
                capturable=recordable,
            )
        case "adadelta":
            return torch.optim.Adadelta(
                parameters,
                rho=spec.decay,
                eps=spec.epsilon,
                weight_decay=decay,
                capturable=recordable,
            )


class DampedRMSprop(torch.optim.Optimizer):
    """RMSprop as Keras has it: w -= lr g / sqrt(v + epsilon), with v the running mean of g^2.

    PyTorch adds its epsilon after the root, where it damps nothing: a gradient of 1e-5 then moves a
    weight as far as one of 1, and with Keras' epsilon of 1e-7 only a thirtieth of that.
    """

    def __init__(
        self,
        parameters: Iterable[dict[str, object]],
        *,
        lr: float,
        decay: float,
        epsilon: float,
        weight_decay: float,
    ) -> None:
        settings = {"lr": lr, "decay": decay, "epsilon": epsilon, "weight_decay": weight_decay}
        super().__init__(parameters, settings)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            gradients = [weight.grad for weight in weights]
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight]["square"] = torch.zeros_like(weight)
            squares = [self.state[weight]["square"] for weight in weights]
            if group["weight_decay"]:
                gradients = list(
                    torch._foreach_add(gradients, weights, alpha=group["weight_decay"])
                )
            torch._foreach_mul_(squares, group["decay"])
            torch._foreach_addcmul_(squares, gradients, gradients, value=1 - group["decay"])
            roots = torch._foreach_add(squares, group["epsilon"])
            torch._foreach_sqrt_(roots)
            rate = group["lr"]
            if isinstance(rate, Tensor):  # its value is the device's, and changes behind a record
                torch._foreach_div_(roots, -rate)
                torch._foreach_addcdiv_(weights, gradients, roots)
            else:
                torch._foreach_addcdiv_(weights, gradients, roots, value=-rate)


def rate_factor(schedule: ScheduleSpec, update: int, updates: int) -> float:
    """The factor on the learning rate of update `update` (from 0) of a phase of `updates`."""
    warmup = round(schedule.warmup * updates)
    if update < warmup:
        return (update + 1) / warmup
    if schedule.kind == "constant":
        return 1.0
    return 0.5 * (1 + cos(pi * (update - warmup) / (updates - warmup)))


def set_rates(optimiser: torch.optim.Optimizer, factor: Factor) -> None:
    """Scale every group's base rate by `factor`."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor
