"""What the learners of one member share: its network as a module, trained in place."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from headstart.core.seeds import stream
from headstart.networks.build import build, weights_of
from headstart.networks.initial import Weights
from headstart.networks.layers import Dropout
from headstart.spec.still import live_stages
from headstart.train.learners import Factor, Member, rules_of
from headstart.train.prediction import logits_of


class ModuleLearner(ABC):
    """One member as a module whose parameters an update changes in place; all but the update."""

    def __init__(self, member: Member) -> None:
        work = member.work
        self.member = member
        self.rules = rules_of(work)
        self.module = build(work.network, work.image, work.num_classes, member.weights)
        self.module.to(member.device)
        self._live = live_stages(work.layers, work.network.stage_names, work.phase)
        self._set_modes()
        # Its own, so that no draw depends on who else is trained in this process.
        self.generator = torch.Generator(member.device)
        self.generator.manual_seed(stream(work.seed, work.role, "dropout", work.first_update))
        for layer in self.module.modules():
            if isinstance(layer, Dropout):
                layer.generator = self.generator

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """What dropout draws from."""
        return (self.generator,)

    @abstractmethod
    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the only member."""

    def validation_logits(self, member: int) -> Tensor:
        """Logits of the validation images."""
        logits = logits_of(self.module, self.member.validation.inputs, self.member.done)
        self._set_modes()
        return logits

    def weights(self, member: int) -> Weights:
        """A copy of all parameters and buffers."""
        return weights_of(self.module)

    def _set_modes(self) -> None:
        """Train mode for stages with a rule in train mode, eval mode for all others."""
        for name in self.module.stage_names:
            self.module.stage(name).train(name in self._live)
