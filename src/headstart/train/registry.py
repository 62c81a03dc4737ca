"""All trainers in order: the first that supports a phase trains it."""

from collections.abc import Callable, Sequence

import torch

from headstart.train.autograd import AutogradTrainer
from headstart.train.fast import batched_heads, manual_backprop
from headstart.train.fast.batched_heads import BatchedLinearHeads, as_rows
from headstart.train.fast.concurrent import StreamedTrainers
from headstart.train.fast.cuda_graph import CudaGraphs, GraphedTrainer
from headstart.train.fast.manual_backprop import ManualBackpropTrainer
from headstart.train.features import as_they_are
from headstart.train.phase_config import PhaseConfig
from headstart.train.trainer import PreparedPhase, Trainer, TrainerKind


def _one_each(
    make: Callable[[PreparedPhase], Trainer],
) -> Callable[[Sequence[PreparedPhase]], Trainer]:
    """Trainers of one phase each, side by side."""

    def several(phases: Sequence[PreparedPhase]) -> Trainer:
        if len(phases) == 1:
            return make(phases[0])
        return StreamedTrainers([make(phase) for phase in phases], phases[0].device)

    return several


BATCHED_HEADS = TrainerKind(
    name="batched heads",
    supports=batched_heads.supports,
    make=BatchedLinearHeads,
    features=as_rows,
)
MANUAL_BACKPROP = TrainerKind(
    name="manual backprop",
    supports=manual_backprop.supports,
    make=_one_each(ManualBackpropTrainer),
    features=as_they_are,
)
AUTOGRAD = TrainerKind(
    name="autograd",
    supports=lambda work, device: True,
    make=_one_each(AutogradTrainer),
    features=as_they_are,
)
TRAINERS = (BATCHED_HEADS, MANUAL_BACKPROP, AUTOGRAD)


def trainer_for(
    work: PhaseConfig, device: torch.device, trainers: Sequence[TrainerKind] = TRAINERS
) -> TrainerKind:
    """The first trainer that supports a phase; nothing but phase, network and device decide it."""
    return next(kind for kind in trainers if kind.supports(work, device))


def make_trainer(phases: Sequence[PreparedPhase]) -> Trainer:
    """Trainer of phases that are trained together; on a GPU its updates are captured as graphs."""
    device = phases[0].device
    trainer = phases[0].trainer.make(phases)
    if device.type == "cuda" and all(phase.train.capturable for phase in phases):
        return GraphedTrainer(trainer, CudaGraphs(device), device)
    return trainer
