"""Trainer interface: what the training loop needs of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from headstart.networks.weights import Weights
from headstart.study.frozen import train_mode_stages
from headstart.study.phases import Rule, rule_for
from headstart.train.device_data import DeviceData
from headstart.train.phase_config import PhaseConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerKind:
    """One way to train a phase: what it supports, and how its trainer is made.

    `features` is the shape in which it wants cached features; what it trains needs no images.
    """

    name: str
    supports: "Callable[[PhaseConfig, torch.device], bool]"
    make: "Callable[[Sequence[PreparedPhase]], Trainer]"
    features: Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedPhase:
    """One training, prepared: configuration, first weights, inputs of its trained blocks.

    `done` counts the blocks from the stem that gave what `train` and `validation` hold; `moving`
    names the tensors that the phase may change. `loss_weights` (classes,) weight the loss of an
    image by its class, None where all count alike; `score_weights` (validation images,) are those
    of the metric.
    """

    work: PhaseConfig
    weights: Weights
    train: DeviceData
    validation: DeviceData
    done: int
    trainer: TrainerKind
    moving: frozenset[str]
    device: torch.device
    loss_weights: Tensor | None
    score_weights: Tensor

    def weights_of(self, truth: Tensor) -> Tensor | None:
        """Weight in the loss of each image of a batch, from its labels; None where all are 1."""
        return None if self.loss_weights is None else self.loss_weights[truth]


def bytes_of(members: Iterable[PreparedPhase]) -> int:
    """Size in bytes of their images; shared ones count once."""
    # By their labels, for images and their rows are two parts of one memory.
    parts = {id(part.labels): part for each in members for part in (each.train, each.validation)}
    return sum(part.bytes for part in parts.values())


Factor = float | Tensor
"""What the schedule multiplies learning rates by; a number on the device for a GPU's record."""


class Trainer(Protocol):
    """Trains one or several trainings in step; no result depends on the others."""

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """Random generators of the updates."""

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of every training at `factor` times its learning rate.

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
        """Validation logits of one training, in eval mode."""

    def weights(self, member: int, names: Collection[str]) -> Weights:
        """A copy of tensors of one training, by name."""


def rules_of(work: PhaseConfig) -> Mapping[str, Rule]:
    """The rule of every parameter by name."""
    facts = work.facts
    return {
        p.name: rule_for(work.phase.rules, facts.stage_names, block.stage, p.kind)
        for block in facts.blocks
        for p in block.parameters
    }


def moving_tensors(work: PhaseConfig) -> frozenset[str]:
    """Names of tensors that a phase may change: trained parameters, train-mode buffers."""
    rules, facts = rules_of(work), work.facts
    train_mode = train_mode_stages(facts, work.phase)
    trained = {name for name, rule in rules.items() if not rule.frozen}
    buffers = {
        name for block in facts.blocks if block.stage in train_mode for name in block.buffers
    }
    return frozenset(trained | buffers)
