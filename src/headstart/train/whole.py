"""A network whose layers are trained as they stand: one member, one module."""

import torch
from torch import Tensor
from torch.nn import functional

from headstart.core.seeds import stream
from headstart.networks.build import build, weights_of
from headstart.networks.initial import Weights
from headstart.spec.still import live_stages
from headstart.train.learners import Member, rules_of
from headstart.train.optimisers import make_optimiser, set_rates
from headstart.train.prediction import logits_of


class WholeNetwork:
    """The learner of any phase: the module itself, from the first layer that moves."""

    def __init__(self, member: Member) -> None:
        work = member.work
        self._member = member
        self._module = build(work.network, work.image, work.num_classes, member.weights)
        self._module.to(member.device)
        self._optimiser = make_optimiser(work.optimiser, self._groups())
        self._live = live_stages(work.layers, work.network.stage_names, work.phase)
        self._set_modes()
        torch.manual_seed(stream(work.seed, work.role, "dropout", work.first_update))

    def update(self, batches: Tensor, factor: float) -> tuple[Tensor, Tensor]:
        """One update of the only member."""
        set_rates(self._optimiser, factor)
        part = self._member.train
        batch = batches[0]
        truth = part.labels[batch]
        logits = self._module.resume(part.inputs[batch], self._member.done)
        loss = functional.cross_entropy(logits, truth)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.detach(), (logits.detach().argmax(1) == truth).sum()

    def validation_logits(self, member: int) -> Tensor:
        """Logits of the validation images."""
        logits = logits_of(self._module, self._member.validation.inputs, self._member.done)
        self._set_modes()
        return logits

    def weights(self, member: int) -> Weights:
        """A copy of all parameters and buffers."""
        return weights_of(self._module)

    def _groups(self) -> list[tuple[float, list[torch.nn.Parameter]]]:
        """Trainable parameters by learning rate; frozen ones get no gradient and no optimiser."""
        rules, rate = rules_of(self._member.work), self._member.work.optimiser.lr
        by_rate: dict[float, list[torch.nn.Parameter]] = {}
        for name, parameter in self._module.named_parameters():
            parameter.requires_grad_(not rules[name].frozen)
            if not rules[name].frozen:
                by_rate.setdefault(rate * rules[name].lr_scale, []).append(parameter)
        return list(by_rate.items())

    def _set_modes(self) -> None:
        """Train mode for stages with a rule in train mode, eval mode for all others."""
        for name in self._module.stage_names:
            self._module.stage(name).train(name in self._live)
