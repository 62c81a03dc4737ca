"""A network whose layers are trained as they stand: autograd and one of the optimisers."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.build import Network
from headstart.spec import network as spec
from headstart.spec.operations import flops_per_image
from headstart.train.lanes import spread
from headstart.train.learners import Factor, Member
from headstart.train.module import ModuleLearner
from headstart.train.optimisers import make_optimiser, set_rates

PARTS = 2
LEAST_SPLIT = 150_000_000  # operations of an update; below, two threads hinder each other


def parts_of(member: Member) -> int:
    """Into how many parts a batch is split; nothing but the training itself decides it.

    A large update is made of the gradients of its parts, which two threads may compute at once. One
    that normalises over its batch is of one piece.
    """
    work = member.work
    each = flops_per_image(work.layers, work.network.stage_names, work.phase).each
    whole = any(isinstance(facts.layer, spec.BatchNorm) for facts in work.layers)
    split = member.device.type == "cpu" and each * work.batch_size >= LEAST_SPLIT
    return PARTS if split and not whole else 1


class WholeNetwork(ModuleLearner):
    """The learner of any phase: the module itself, from the first layer that moves."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        modules = [self.module, *(self._twin(part) for part in range(1, parts_of(member)))]
        # Of each module those of `_groups`, in one order; twins hold the same memory.
        named = [dict(module.named_parameters()) for module in modules]
        groups = self._groups()
        self._optimiser = make_optimiser(
            member.work.optimiser,
            [(rate, [named[0][name] for name in names]) for rate, names in groups],
        )
        trained = [name for _, names in groups for name in names]
        self._parts = [
            (module, [parameters[name] for name in trained])
            for module, parameters in zip(modules, named, strict=True)
        ]
        self._halves = member.work.precision == "bfloat16"

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the only member."""
        set_rates(self._optimiser, factor)
        (batch,) = batches
        chosen = batch.chunk(len(self._parts))
        told = spread(
            lambda number: self._slopes(*self._parts[number], chosen[number], len(batch)),
            range(len(chosen)),
        )
        (loss, right, gradients), *others = told
        for more_loss, more_right, more in others:
            loss, right = loss + more_loss, right + more_right
            torch._foreach_add_(gradients, more)
        for parameter, gradient in zip(self._parts[0][1], gradients, strict=True):
            parameter.grad = gradient
        self._optimiser.step()
        return loss, right

    def _slopes(
        self, module: Network, trained: list[nn.Parameter], chosen: Tensor, size: int
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Of some images of a batch of `size`: share of its mean loss, right answers, gradients."""
        inputs, truth = self.member.train.batch(chosen)
        with self._precision():
            logits = module.resume(inputs, self.member.done)
        loss = functional.cross_entropy(logits.float(), truth)
        if len(chosen) < size:
            loss = loss * (len(chosen) / size)
        gradients = torch.autograd.grad(loss, trained)
        right = (logits.detach().argmax(1) == truth).sum()
        return loss.detach(), right, list(gradients)

    def _precision(self) -> AbstractContextManager[object]:
        """Weights stay float32; none is kept in half the bits, for each is used once an update."""
        if not self._halves:
            return nullcontext()
        return torch.autocast(self.member.device.type, torch.bfloat16, cache_enabled=False)

    def _twin(self, part: int) -> Network:
        """The network once more, on the same weights, with draws of its own."""
        twin = self._network(part)
        for name, parameter in self.module.named_parameters():
            twin.get_parameter(name).data = parameter.data
        return twin

    def _groups(self) -> list[tuple[float, list[str]]]:
        """Names of trainable parameters by learning rate; frozen ones get no gradient."""
        rate = self.member.work.optimiser.lr
        by_rate: dict[float, list[str]] = {}
        for name, _ in self.module.named_parameters():
            rule = self.rules[name]
            if not rule.frozen:
                by_rate.setdefault(rate * rule.lr_scale, []).append(name)
        return list(by_rate.items())
