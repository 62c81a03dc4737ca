"""Trainer of any network in any phase: PyTorch's autograd and one of the optimisers."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.staged import StagedModule, class_logits
from headstart.study.operations import flops_of_update
from headstart.train.module_trainer import ModuleTrainer
from headstart.train.optimisers import make_optimiser, set_rates
from headstart.train.phase_config import PhaseConfig
from headstart.train.precision import autocast_to
from headstart.train.threads import parallel_map
from headstart.train.trainer import Factor, PreparedPhase

MICRO_BATCHES = 2
LEAST_SPLIT = 150_000_000  # operations of an update; below, two threads hinder each other


def num_micro_batches(work: PhaseConfig) -> int:
    """Number of micro-batches of an update on a processor; it depends on the training alone.

    Layers that look at images, where they take long, see a batch in parts, which two threads may
    compute at once. One that normalises over its batch sees it whole.
    """
    facts = work.facts
    each = sum(flops_of_update(facts, work.phase, work.prefix)[: facts.num_spatial])
    # Augmentation is drawn for a batch as it is.
    whole = any(block.batch_statistics for block in facts.blocks) or bool(work.augment)
    return MICRO_BATCHES if each * work.batch_size >= LEAST_SPLIT and not whole else 1


class AutogradTrainer(ModuleTrainer):
    """Trainer of any phase: runs the module from the first layer that is not in the frozen prefix.

    Of a batch in parts, dense layers see the rows of all parts at once: reading their weights takes
    longer than what half a batch does with them.
    """

    def __init__(self, member: PreparedPhase) -> None:
        super().__init__(member)
        parts = num_micro_batches(member.work) if member.device.type == "cpu" else 1
        groups = self._groups()
        own = dict(self.module.named_parameters())
        self._optimiser = make_optimiser(
            member.work.optimiser, [(rate, [own[name] for name in names]) for rate, names in groups]
        )
        facts = member.work.facts
        self._turn = max(member.done, facts.num_spatial) if parts > 1 else member.done
        self._end = len(facts.blocks)
        spatial = {p.name for block in facts.blocks[: self._turn] for p in block.parameters}
        trained = [name for _, names in groups for name in names]
        self._above = [own[name] for name in trained if name not in spatial]
        below = [name for name in trained if name in spatial]
        # Twins hold the same memory, and what is trained of it in one order.
        modules = [self.module, *(self._twin(part) for part in range(1, parts))]
        named = [dict(module.named_parameters()) for module in modules]
        self._parts = [
            (module, [parameters[name] for name in below])
            for module, parameters in zip(modules, named, strict=True)
        ]

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the training."""
        set_rates(self._optimiser, factor)
        (batch,) = batches
        chosen = batch.chunk(len(self._parts))
        seen = parallel_map(
            lambda at: self._forward_micro_batch(self._parts[at], chosen[at]), range(len(chosen))
        )
        rows, truth = (_joined(some) for some in zip(*seen, strict=True))
        below = self._parts[0][1]
        rows.requires_grad_(bool(below))
        with self._precision():
            logits = class_logits(self.module.run(rows, self._turn, self._end))
        loss = self._loss(logits.float(), truth)
        grads = list(torch.autograd.grad(loss, [*self._above, *([rows] if below else [])]))
        if below:
            grads += self._backward_micro_batch([outputs for outputs, _ in seen], grads.pop())
        for parameter, grad in zip([*self._above, *below], grads, strict=True):
            parameter.grad = grad
        self._optimiser.step()
        return logits.detach()[None], truth[None]

    def _loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        weights = self.member.weights_of(truth)
        if weights is None:
            return functional.cross_entropy(logits, truth)
        return (functional.cross_entropy(logits, truth, reduction="none") * weights).mean()

    def _forward_micro_batch(
        self, part: tuple[StagedModule, list[nn.Parameter]], chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Outputs of the convolutional layers for a micro-batch, and its labels."""
        module, trained = part
        inputs, truth = self.member.train.batch(chosen)
        with torch.set_grad_enabled(bool(trained)), self._precision():
            return module.run(inputs, self.member.done, self._turn), truth

    def _backward_micro_batch(self, outputs: list[Tensor], grads: Tensor) -> list[Tensor]:
        """Parameter gradients of these layers from the gradient at their outputs."""
        shares = torch.split_with_sizes(grads, [len(part) for part in outputs])

        def of(at: int) -> list[Tensor]:
            end = cast(Tensor, _End.apply(outputs[at], shares[at]))  # type: ignore[no-untyped-call]
            return list(torch.autograd.grad(end, self._parts[at][1]))

        found, *others = parallel_map(of, range(len(outputs)))
        for more in others:
            torch._foreach_add_(found, more)
        return found

    def _precision(self) -> AbstractContextManager[object]:
        return autocast_to(self.member.work.precision, self.member.device)

    def _twin(self, part: int) -> StagedModule:
        """A replica of the network that shares its weights and has its own random generator."""
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


class _End(torch.autograd.Function):
    """Scalar whose backward pass injects a given output gradient.

    To hand slopes to autograd itself imports for half a second, whatever their shapes are.
    """

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, grads: Tensor) -> Tensor:
        ctx.grads = grads
        return outputs.new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:
        return ctx.grads, None


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Micro-batches concatenated, detached from their graphs."""
    return parts[0].detach() if len(parts) == 1 else torch.cat([part.detach() for part in parts])
