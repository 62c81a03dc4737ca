"""What the learners of one member share: its network as a module, trained in place."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from headstart.core.seeds import stream
from headstart.networks.declared.build import Network, build, weights_of
from headstart.networks.declared.initial import Weights
from headstart.networks.declared.layers import Dropout
from headstart.study.frozen import train_mode_stages
from headstart.train.prediction import logits_of
from headstart.train.trainer import Factor, PreparedPhase, rules_of


class ModuleTrainer(ABC):
    """One member as a module whose parameters an update changes in place; all but the update."""

    def __init__(self, member: PreparedPhase) -> None:
        work = member.work
        self.member = member
        self.rules = rules_of(work)
        self._live = train_mode_stages(work.layers, work.network.stage_names, work.phase)
        self.generators: tuple[torch.Generator, ...] = ()
        self.module = self._network()

    def _network(self, part: int = 0) -> Network:
        """The network as the phase has it, for some part of every batch, which has its own draws.

        No draw depends on who else is trained in this process.
        """
        work = self.member.work
        module = build(work.network, work.image, work.num_classes, self.member.weights)
        module.to(self.member.device)
        self._set_modes(module)
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(not self.rules[name].frozen)
        generator = torch.Generator(self.member.device)
        purpose: list[str | int] = [work.role, "dropout", work.first_update]
        generator.manual_seed(stream(work.seed, *purpose, *([part] if part else [])))
        for layer in module.modules():
            if isinstance(layer, Dropout):
                layer.generator = generator
        self.generators += (generator,)
        return module

    @abstractmethod
    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the only member."""

    def validation_logits(self, member: int) -> Tensor:
        """Logits of the validation images."""
        logits = logits_of(self.module, self.member.validation, self.member.done)
        self._set_modes(self.module)
        return logits

    def weights(self, member: int) -> Weights:
        """A copy of all parameters and buffers."""
        return weights_of(self.module)

    def _set_modes(self, module: Network) -> None:
        """Train mode for stages with a rule in train mode, eval mode for all others."""
        for name in module.stage_names:
            module.stage(name).train(name in self._live)
