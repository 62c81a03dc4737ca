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
from headstart.train.work import PhaseWork

PARTS = 2
LEAST_SPLIT = 150_000_000  # operations of an update; below, two threads hinder each other


def parts_of(work: PhaseWork) -> int:
    """Into how many parts a batch is split on a processor; nothing but the training decides it.

    A large update is made of the gradients of its parts, which two threads may compute at once. One
    that normalises over its batch is of one piece.
    """
    each = flops_per_image(work.layers, work.network.stage_names, work.phase).each
    whole = any(isinstance(facts.layer, spec.BatchNorm) for facts in work.layers)
    return PARTS if each * work.batch_size >= LEAST_SPLIT and not whole else 1


class WholeNetwork(ModuleLearner):
    """The learner of any phase: the module itself, from the first layer that moves."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        parts = parts_of(member.work) if member.device.type == "cpu" else 1
        modules = [self.module, *(self._twin(part) for part in range(1, parts))]
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
        logits, truth, slopes = zip(*told, strict=True)
        for more in slopes[1:]:
            torch._foreach_add_(slopes[0], more)
        for parameter, slope in zip(self._parts[0][1], slopes[0], strict=True):
            parameter.grad = slope
        self._optimiser.step()
        if len(told) == 1:
            return logits[0][None], truth[0][None]
        return torch.cat(logits)[None], torch.cat(truth)[None]

    def _slopes(
        self, module: Network, trained: list[nn.Parameter], chosen: Tensor, size: int
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Of some of a batch of `size`: logits, labels, gradients of their share of its loss."""
        inputs, truth = self.member.train.batch(chosen)
        with self._precision():
            logits = module.resume(inputs, self.member.done)
        loss = functional.cross_entropy(logits.float(), truth)
        if len(chosen) < size:
            loss = loss * (len(chosen) / size)
        return logits.detach(), truth, list(torch.autograd.grad(loss, trained))

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
