"""A network whose layers are trained as they stand: autograd and one of PyTorch's optimisers."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional

from headstart.train.learners import Factor, Member
from headstart.train.module import ModuleLearner
from headstart.train.optimisers import make_optimiser, set_rates


class WholeNetwork(ModuleLearner):
    """The learner of any phase: the module itself, from the first layer that moves."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        groups = self._groups()
        self._trained = [parameter for _, members in groups for parameter in members]
        self._optimiser = make_optimiser(member.work.optimiser, groups)
        self._halves = member.work.precision == "bfloat16"

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the only member."""
        set_rates(self._optimiser, factor)
        inputs, truth = self.member.train.batch(batches[0])
        with self._precision():
            logits = self.module.resume(inputs, self.member.done)
        loss = functional.cross_entropy(logits.float(), truth)
        for parameter in self._trained:  # what the optimiser's own zero_grad does, but sooner
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.detach(), (logits.detach().argmax(1) == truth).sum()

    def _precision(self) -> AbstractContextManager[object]:
        """Weights stay float32; none is kept in half the bits, for each is used once an update."""
        if not self._halves:
            return nullcontext()
        return torch.autocast(self.member.device.type, torch.bfloat16, cache_enabled=False)

    def _groups(self) -> list[tuple[float, list[torch.nn.Parameter]]]:
        """Trainable parameters by learning rate; frozen ones get no gradient and no optimiser."""
        rate = self.member.work.optimiser.lr
        by_rate: dict[float, list[torch.nn.Parameter]] = {}
        for name, parameter in self.module.named_parameters():
            rule = self.rules[name]
            parameter.requires_grad_(not rule.frozen)
            if not rule.frozen:
                by_rate.setdefault(rate * rule.lr_scale, []).append(parameter)
        return list(by_rate.items())
