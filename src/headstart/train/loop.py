"""The training loop: one phase of one training, or of many heads at once. There is no other loop.

The test set never comes here; validation is measured at the updates the plan says.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from headstart.core.array_cache import MemmapCache
from headstart.core.hashing import hash_arrays
from headstart.core.seeds import generator
from headstart.networks.declared.initial import Weights, stage_of
from headstart.study.frozen import frozen_prefix, train_mode_stages, trains_only_head
from headstart.study.network import Flatten
from headstart.study.training import Precision
from headstart.train.autograd import AutogradTrainer
from headstart.train.checkpoints import Best
from headstart.train.device_data import DeviceData, flattened
from headstart.train.fast.batched_heads import BatchedLinearHeads, as_rows
from headstart.train.fast.concurrent import StreamedTrainers
from headstart.train.fast.cuda_graph import CudaGraphs, GraphedTrainer
from headstart.train.fast.manual_backprop import ManualBackpropTrainer, supports
from headstart.train.features import as_they_are, cached_features, raw_inputs
from headstart.train.optimisers import rate_factor
from headstart.train.phase_config import Examples as Examples
from headstart.train.phase_config import PhaseConfig as PhaseConfig
from headstart.train.precision import flush_denormals
from headstart.train.running_metrics import LossAccuracy, RunningMetrics
from headstart.train.trainer import PreparedPhase, Trainer, rules_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Losses and accuracies after one update of the trial.

    Those of training run over the batches since the measurement before, as they were trained on,
    dropout and all. Those of validation are None where there is no validation image.
    """

    update: int
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    train_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """What a phase leaves behind. `best_weights` is None where validation was not measured.

    `frozen_before` and `frozen_after` hash what the rules freeze; `trained_moved` says whether what
    they train has changed.
    """

    last_weights: Weights
    best_weights: Weights | None
    best: Best | None
    curve: tuple[Measurement, ...]
    seconds: float
    frozen_before: str
    frozen_after: str
    trained_moved: bool
    finite: bool


def run_phase(
    work: PhaseConfig,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
) -> PhaseResult:
    """Train one phase from `weights`; the arrays passed in are not changed."""
    return train_together([prepare(work, weights, train, validation, device)])[0]


def prepare(
    work: PhaseConfig,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
    shelf: MemmapCache | None = None,
) -> PreparedPhase:
    """Compute what layers that stay make of the images, which are not needed afterwards."""
    layers, stages = work.layers, work.network.stage_names
    hashes = _hashes(work, weights)
    alone = trains_only_head(layers, stages, work.phase, work.optimiser)
    done = frozen_prefix(layers, stages, work.phase)
    flat = not alone and all(isinstance(facts.layer, Flatten) for facts in layers[:done])

    def part(examples: Examples, precision: Precision = "float32") -> DeviceData:
        if flat:
            images = raw_inputs(examples, device)
            return flattened(images) if done else images
        shape = as_rows if alone else as_they_are
        return cached_features(work, done, weights, examples, device, shape, shelf, precision)

    return PreparedPhase(
        work=work,
        weights=weights,
        train=part(train, work.precision),
        validation=part(validation),
        done=done,
        trains_only_head=alone,
        frozen=hashes.frozen,
        trained=hashes.trained,
        device=device,
    )


def train_together(phases: Sequence[PreparedPhase]) -> list[PhaseResult]:
    """Train one phase of every member. Nothing of a member's result depends on the others.

    The time a member took is its share of the time that all took.

    Raises:
        ValueError: the members differ in more than start, data, order and learning rate.
    """
    _check_alike(phases)
    with flush_denormals():
        return _trained(phases)


def _trained(phases: Sequence[PreparedPhase]) -> list[PhaseResult]:
    first, device = phases[0].work, phases[0].device
    trainer = _trainer(phases)
    progress = [_Progress() for _ in phases]
    running = RunningMetrics(len(phases))
    measure_at = frozenset(first.measure_at)
    started, measuring = time.perf_counter(), 0.0
    works, num_images = [phase.work for phase in phases], len(phases[0].train.labels)
    for number, batches in enumerate(_batches(works, num_images, device)):
        factor = rate_factor(first.schedule, number, first.phase.updates)
        running.add(*trainer.update(batches, factor))
        update = first.first_update + number + 1
        if update in measure_at:
            pause = time.perf_counter()
            told = running.told()
            for at, phase in enumerate(phases):
                progress[at].measure(trainer, at, phase, update, told[at])
            measuring += time.perf_counter() - pause
    seconds = (time.perf_counter() - started - measuring) / len(phases)
    return [
        _result(phase, trainer.weights(at), progress[at], seconds)
        for at, phase in enumerate(phases)
    ]


def _trainer(phases: Sequence[PreparedPhase]) -> Trainer:
    """Chosen by network, phase and device, so that each training always has the same."""
    device = phases[0].device
    trainer: Trainer
    if phases[0].trains_only_head:
        trainer = BatchedLinearHeads(phases)
    elif len(phases) == 1:
        trainer = _alone(phases[0])
    else:
        trainer = StreamedTrainers([_alone(phase) for phase in phases], device)
    return GraphedTrainer(trainer, CudaGraphs(device), device) if device.type == "cuda" else trainer


def _alone(phase: PreparedPhase) -> Trainer:
    by_hand = phase.device.type == "cpu" and supports(phase.work)
    return ManualBackpropTrainer(phase) if by_hand else AutogradTrainer(phase)


def _check_alike(phases: Sequence[PreparedPhase]) -> None:
    shared = {
        (
            replace(
                phase.work,
                seed=0,
                role="",
                optimiser=phase.work.optimiser.model_copy(update={"lr": 1.0}),
            ),
            len(phase.train.labels),
            phase.trains_only_head,
            str(phase.device),
        )
        for phase in phases
    }
    if len(shared) != 1:
        raise ValueError("trainings that differ in more than seed and learning rate go apart")


def _result(
    phase: PreparedPhase, last: Weights, progress: "_Progress", seconds: float
) -> PhaseResult:
    after = _hashes(phase.work, last)
    return PhaseResult(
        last_weights=last,
        best_weights=progress.best_weights,
        best=progress.best,
        curve=tuple(progress.curve),
        seconds=seconds,
        frozen_before=phase.frozen,
        frozen_after=after.frozen,
        trained_moved=phase.trained != after.trained,
        finite=all(np.isfinite(array).all() for array in last.values())
        and all(math.isfinite(point.train_loss) for point in progress.curve),
    )


@dataclass(frozen=True, slots=True)
class _Hashes:
    frozen: str
    trained: str


def _hashes(work: PhaseConfig, weights: Weights) -> _Hashes:
    """Frozen are parameters whose rule says so, and the buffers of stages in eval mode."""
    rules = rules_of(work)
    live = train_mode_stages(work.layers, work.network.stage_names, work.phase)
    frozen = {
        name
        for name in weights
        if (rules[name].frozen if name in rules else stage_of(name) not in live)
    }
    return _Hashes(
        frozen=hash_arrays({name: array for name, array in weights.items() if name in frozen}),
        trained=hash_arrays({name: array for name, array in weights.items() if name not in frozen}),
    )


def _batches(
    works: Sequence[PhaseConfig], num_images: int, device: torch.device
) -> Iterator[Tensor]:
    """Indices of each batch of the phase (members, batch), which lie on the device for an epoch.

    The last batch of an epoch may be smaller. The works differ in no more than a stack allows.
    """
    first = works[0]
    size = min(first.batch_size, num_images)
    per_epoch = -(-num_images // size)
    order, epoch_at = torch.empty(0), -1
    for update in range(first.first_update, first.first_update + first.phase.updates):
        epoch, place = divmod(update, per_epoch)
        if epoch != epoch_at:
            draws = (generator(work.seed, work.role, "order", epoch) for work in works)
            drawn = np.stack([draw.permutation(num_images) for draw in draws])
            order, epoch_at = torch.from_numpy(drawn).to(device), epoch
        yield order[:, place * size : (place + 1) * size]


class _Progress:
    """The curve of one member, and its best weights so far."""

    def __init__(self) -> None:
        self.curve: list[Measurement] = []
        self.best: Best | None = None
        self.best_weights: Weights | None = None

    def measure(
        self, trainer: Trainer, at: int, phase: PreparedPhase, update: int, told: LossAccuracy
    ) -> None:
        """Measure validation, and keep the weights if they are better than any before."""
        loss = accuracy = None
        labels = phase.validation.labels
        if len(labels):
            logits = trainer.validation_logits(at)
            loss = float(functional.cross_entropy(logits, labels))
            accuracy = float((logits.argmax(1) == labels).double().mean())
        self.curve.append(
            Measurement(
                update=update,
                train_loss=told.loss,
                validation_loss=loss,
                validation_accuracy=accuracy,
                train_accuracy=told.accuracy,
            )
        )
        if accuracy is not None and (self.best is None or accuracy > self.best.accuracy):
            self.best = Best(update=update, accuracy=accuracy)
            self.best_weights = trainer.weights(at)
