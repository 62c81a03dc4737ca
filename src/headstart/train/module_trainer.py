"""Base of trainers of one network: the module, trained in place."""

from abc import ABC, abstractmethod
from collections.abc import Collection

import torch
from torch import Tensor

from headstart.core.seeds import stream
from headstart.networks.build import build
from headstart.networks.staged import StagedModule
from headstart.networks.weights import Weights
from headstart.study.frozen import train_mode_stages
from headstart.train.prediction import logits_of
from headstart.train.trainer import Factor, PreparedPhase, rules_of


class ModuleTrainer(ABC):
    """One training as a module whose parameters are updated in place; subclasses add the update."""

    def __init__(self, member: PreparedPhase) -> None:
        work = member.work
        self.member = member
        self.rules = rules_of(work)
        self._live = train_mode_stages(work.facts, work.phase)
        self.generators: tuple[torch.Generator, ...] = ()
        self.module = self._network()

    def _network(self, part: int = 0) -> StagedModule:
        """The network as the phase has it, for some part of every batch, which has its own draws.

        No draw depends on who else is trained in this process.
        """
        work = self.member.work
        module = build(work.network, work.image, work.num_classes, self.member.weights)
        module.to(self.member.device)
        module.set_modes(self._live)
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(not self.rules[name].frozen)
        generator = torch.Generator(self.member.device)
        purpose: list[str | int] = [work.role, "dropout", work.first_update]
        generator.manual_seed(stream(work.seed, *purpose, *([part] if part else [])))
        module.draw_from(generator)
        self.generators += (generator,)
        return module

    @abstractmethod
    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the training."""

    def validation_logits(self, member: int) -> Tensor:
        """Logits of the validation images."""
        logits = logits_of(self.module, self.member.validation, self.member.done)
        self.module.set_modes(self._live)
        return logits

    def weights(self, member: int, names: Collection[str]) -> Weights:
        """A copy of some of the tensors as they are now."""
        return self.module.weights(names)
