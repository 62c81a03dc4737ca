"""What the loop asks of whatever it trains: the replaceable part of an update."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from headstart.networks.declared.initial import Weights
from headstart.study.phases import Rule, rule_for
from headstart.train.device_data import DeviceData
from headstart.train.phase_config import PhaseConfig


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedPhase:
    """One training, ready to go: what it is, first weights, and what its trained layers see.

    `done` counts the layers from the stem on that gave what `train` and `validation` hold;
    `trains_only_head` says that the head is all that is trained, side by side with others. `frozen`
    and `trained` hash the first weights.
    """

    work: PhaseConfig
    weights: Weights
    train: DeviceData
    validation: DeviceData
    done: int
    trains_only_head: bool
    frozen: str
    trained: str
    device: torch.device


def bytes_of(members: Iterable[PreparedPhase]) -> int:
    """How much memory their images take; what several share counts once."""
    # By their labels, for images and their rows are two parts of one memory.
    parts = {id(part.labels): part for each in members for part in (each.train, each.validation)}
    return sum(part.bytes for part in parts.values())


Factor = float | Tensor
"""What the schedule multiplies learning rates by; a number on the device for a GPU's record."""


class Trainer(Protocol):
    """Members that take each update together; no member's numbers depend on another."""

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """What its updates draw random numbers from."""

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of every member at `factor` times its learning rate.

        On a GPU nothing in here may wait for the device or depend on its numbers: an update is
        recorded once and played back from then on.

        Args:
            batches: indices of training images, (members, batch).
            factor: what the schedule says.

        Returns:
            Logits of the batch as it was trained on, dropout and all, (members, batch, classes),
            and its labels, (members, batch); the next update may overwrite them.
        """

    def validation_logits(self, member: int) -> Tensor:
        """Logits of a member's validation images, dropout off."""

    def weights(self, member: int) -> Weights:
        """A copy of a member's weights as they are now."""


def rules_of(work: PhaseConfig) -> Mapping[str, Rule]:
    """The rule of every parameter by name."""
    stages = work.network.stage_names
    return {
        p.name: rule_for(work.phase.rules, stages, layer.stage, p.kind)
        for layer in work.layers
        for p in layer.parameters
    }
