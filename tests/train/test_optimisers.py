"""Optimisers take the same steps as PyTorch's plain ones, whatever the layout of a tensor."""

from typing import Any

import pytest
import torch
from torch import nn

from headstart.study.training import OptimiserSpec
from headstart.train.optimisers import make_optimiser, set_rates

PLAIN: dict[str, Any] = {
    "sgd": lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda groups: torch.optim.Adam(groups, eps=1e-7, weight_decay=0.01),
    "adamw": lambda groups: torch.optim.AdamW(groups, eps=1e-7, weight_decay=0.01),
    "rmsprop": lambda groups: torch.optim.RMSprop(
        groups, alpha=0.9, momentum=0.5, weight_decay=0.01
    ),
    "adadelta": lambda groups: torch.optim.Adadelta(groups, rho=0.8, weight_decay=0.01),
}
OWN: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9, "nesterov": True},
    "adam": {"epsilon": 1e-7},
    "adamw": {"epsilon": 1e-7},
    "rmsprop": {"decay": 0.9, "momentum": 0.5},
    "adadelta": {"decay": 0.8},
}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("on_device", [False, True])
def test_sgd_is_pytorch_s_with_a_rate_as_a_number_or_on_the_device(
    momentum: float, nesterov: bool, decay: float, on_device: bool
) -> None:
    nesterov = nesterov and momentum > 0
    spec = OptimiserSpec(
        kind="sgd", lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=decay
    )
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 7)) for _ in range(2))
    found = make_optimiser(spec, [(0.1, [ours])])
    plain = torch.optim.SGD(
        [theirs], lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=decay
    )
    for update in range(4):
        set_rates(found, torch.tensor(1.0) if on_device else 1.0)
        for weight in (ours, theirs):
            weight.grad = torch.full((7,), 0.1 * update).sin() + weight.detach()
        found.step()
        plain.step()
    assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("on_gpu", [False, True])
def test_rmsprop_without_momentum_is_what_pytorch_and_keras_write_down(
    decay: float, inside: bool, on_gpu: bool
) -> None:
    spec = OptimiserSpec(
        kind="rmsprop", lr=0.1, decay=0.9, epsilon=1e-3, epsilon_inside=inside, weight_decay=decay
    )
    ours = nn.Parameter(torch.linspace(-1, 1, 40).view(2, 20))
    weight, mean = ours.detach().double().clone(), torch.zeros(2, 20, dtype=torch.float64)
    found = make_optimiser(spec, [(0.1, [ours])])
    found.groups[0].on_gpu = on_gpu  # the way it goes there, on what there is
    for update in range(6):
        gradient = (weight * (update + 1)).sin() * 1e-2
        ours.grad = gradient.float()
        set_rates(found, 0.5)
        found.step()
        gradient = gradient + decay * weight
        mean = 0.9 * mean + 0.1 * gradient**2
        root = (mean + 1e-3).sqrt() if inside else mean.sqrt() + 1e-3
        weight = weight - 0.05 * gradient / root
    assert torch.allclose(ours.double(), weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", PLAIN)
def test_steps_equal_plain_ones(kind: Any) -> None:
    spec = OptimiserSpec(kind=kind, lr=0.01, weight_decay=0.01, **OWN[kind])
    ours, theirs = _tiny(), _tiny()
    found = make_optimiser(spec, [(0.01, list(ours[:1].parameters())), (0.005, _rest(ours))])
    groups = [
        {"params": list(theirs[:1].parameters()), "lr": 0.01},
        {"params": _rest(theirs), "lr": 0.005},
    ]
    plain = PLAIN[kind](groups)
    for update in range(5):
        factor = 1.0 if update < 3 else 0.1
        set_rates(found, factor)
        for group, rate in zip(plain.param_groups, (0.01, 0.005), strict=True):
            group["lr"] = rate * factor
        for module, optimiser in (ours, found), (theirs, plain):
            for weight in module.parameters():
                weight.grad = None
            _loss(module, update).backward()  # type: ignore[no-untyped-call]
            optimiser.step()

    for got, wanted in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(got, wanted, rtol=1e-5, atol=1e-7)


def _tiny() -> nn.Sequential:
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4))
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _rest(module: nn.Sequential) -> list[nn.Parameter]:
    return list(module[1:].parameters())


def _loss(module: nn.Module, seed: int) -> torch.Tensor:
    inputs = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    out: torch.Tensor = module(inputs.contiguous(memory_format=torch.channels_last))
    return out.square().sum()
