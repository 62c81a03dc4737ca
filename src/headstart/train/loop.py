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
from headstart.core.hashing import digest_of
from headstart.core.seeds import generator
from headstart.networks.facts import num_leading_flattens
from headstart.networks.weights import Weights, has_changed
from headstart.study.training import Precision
from headstart.train.checkpoints import Best
from headstart.train.device_data import DeviceData, flattened, to_device
from headstart.train.features import as_they_are, cached_features, raw_inputs
from headstart.train.optimisers import rate_factor
from headstart.train.phase_config import Examples as Examples
from headstart.train.phase_config import PhaseConfig as PhaseConfig
from headstart.train.precision import flush_denormals, in_float64
from headstart.train.registry import TRAINERS, make_trainer, trainer_for
from headstart.train.running_metrics import LossAccuracy, RunningMetrics
from headstart.train.trainer import PreparedPhase, Trainer, TrainerKind, moving_tensors
from headstart.train.watching import Measurement as Measurement
from headstart.train.watching import show


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """Result of a phase. `best_weights` is None where validation was not measured.

    `moving` names the tensors that the phase may change; `frozen_before` and `frozen_after` hash
    all others; `trained_moved` says whether any of the former has changed.
    """

    last_weights: Weights
    best_weights: Weights | None
    best: Best | None
    curve: tuple[Measurement, ...]
    seconds: float
    moving: frozenset[str]
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
    *,
    trainers: Sequence[TrainerKind] = TRAINERS,
    use_features: bool = True,
) -> PhaseResult:
    """Train one phase from `weights`; the arrays passed in are not changed."""
    phase = prepare(
        work, weights, train, validation, device, trainers=trainers, use_features=use_features
    )
    return train_together([phase])[0]


def prepare(
    work: PhaseConfig,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
    cache: MemmapCache | None = None,
    *,
    trainers: Sequence[TrainerKind] = TRAINERS,
    use_features: bool = True,
) -> PreparedPhase:
    """Choose a trainer, and compute the features of the frozen prefix once.

    Args:
        work: the phase.
        weights: what it starts from; they become read-only.
        train: images that are trained on.
        validation: images that are measured on.
        device: where to train.
        cache: where large features are shared with other processes.
        trainers: those to choose from, the first that supports the phase.
        use_features: whether the frozen prefix is run once, and not at every update.
    """
    trainer = trainer_for(work, device, trainers)
    done = work.prefix if use_features else 0
    flat = trainer.features is as_they_are and done <= num_leading_flattens(work.network)

    def data(examples: Examples, precision: Precision = "float32") -> DeviceData:
        if flat:
            images = raw_inputs(examples, device)
            return flattened(images) if done else images
        shape = trainer.features
        return cached_features(
            work.architecture, done, weights, examples, device, shape, cache, precision
        )

    by_class = work.loss_weights(train.labels)
    loss_weights = None if by_class is None else torch.from_numpy(by_class).float().to(device)
    return PreparedPhase(
        work=work,
        weights=weights,
        train=_augmented(work, train, device) if work.augment else data(train, work.precision),
        validation=data(validation),
        done=done,
        trainer=trainer,
        moving=moving_tensors(work),
        device=device,
        loss_weights=loss_weights,
        score_weights=in_float64(torch.from_numpy(work.metric.weights(validation.labels)), device),
    )


def _augmented(work: PhaseConfig, train: Examples, device: torch.device) -> DeviceData:
    """Training images that are bytes still, and what changes those of every batch."""
    from headstart.train.augment import Augmenter

    augmenter = Augmenter(
        work.augment,
        work.image,
        seed=work.seed,
        role=work.role,
        first_update=work.first_update,
    )
    return replace(to_device(train, device), augment=augmenter)


def train_together(phases: Sequence[PreparedPhase]) -> list[PhaseResult]:
    """Train one phase of several trainings; no result depends on what is trained beside it.

    The time a member took is its share of the time that all took.

    Raises:
        ValueError: the members differ in more than start, data, order and learning rate.
    """
    _check_alike(phases)
    with flush_denormals():
        return _trained(phases)


def _trained(phases: Sequence[PreparedPhase]) -> list[PhaseResult]:
    first, device = phases[0].work, phases[0].device
    trainer = make_trainer(phases)
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
            measured = running.since_last()
            for at, phase in enumerate(phases):
                progress[at].measure(trainer, at, phase, update, measured[at])
            show([one.curve[-1] for one in progress])
            measuring += time.perf_counter() - pause
    seconds = (time.perf_counter() - started - measuring) / len(phases)
    return [_result(phase, trainer, at, progress[at], seconds) for at, phase in enumerate(phases)]


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
            phase.trainer.name,
            str(phase.device),
        )
        for phase in phases
    }
    if len(shared) != 1:
        raise ValueError("trainings that differ in more than seed and learning rate go apart")


def _result(
    phase: PreparedPhase, trainer: Trainer, at: int, progress: "_Progress", seconds: float
) -> PhaseResult:
    """Result of a phase; each frozen tensor is hashed before and after."""
    first, now = phase.weights, trainer.weights(at, phase.weights)
    frozen = [name for name in first if name not in phase.moving]
    before, after = digest_of(first, frozen), digest_of(now, frozen)
    if before == after:  # one array for what is the same, with its digest
        now |= {name: first[name] for name in frozen}
    best = progress.best_weights
    return PhaseResult(
        last_weights=now,
        best_weights=None if best is None else {**now, **best},
        best=progress.best,
        curve=tuple(progress.curve),
        seconds=seconds,
        moving=phase.moving,
        frozen_before=before,
        frozen_after=after,
        trained_moved=any(has_changed(first[name], now[name]) for name in phase.moving),
        finite=all(np.isfinite(array).all() for array in now.values())
        and all(math.isfinite(point.train_loss) for point in progress.curve),
    )


def _batches(
    works: Sequence[PhaseConfig], num_images: int, device: torch.device
) -> Iterator[Tensor]:
    """Indices of each batch of the phase (members, batch), which lie on the device for an epoch.

    The last batch of an epoch may be smaller. The works are of one batch group.
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
    """Learning curve of one training, and its best weights so far."""

    def __init__(self) -> None:
        self.curve: list[Measurement] = []
        self.best: Best | None = None
        self.best_weights: Weights | None = None

    def measure(
        self, trainer: Trainer, at: int, phase: PreparedPhase, update: int, training: LossAccuracy
    ) -> None:
        """Measure validation, and keep the weights if they are better than any before."""
        loss = accuracy = None
        labels = phase.validation.labels
        if len(labels):
            logits = trainer.validation_logits(at)
            loss = float(functional.cross_entropy(logits, labels))
            right = (logits.argmax(1) == labels).to(phase.score_weights)
            accuracy = float((right * phase.score_weights).mean())
        self.curve.append(
            Measurement(
                update=update,
                train_loss=training.loss,
                validation_loss=loss,
                validation_accuracy=accuracy,
                train_accuracy=training.accuracy,
            )
        )
        if accuracy is not None and (self.best is None or accuracy > self.best.accuracy):
            self.best = Best(update=update, accuracy=accuracy)
            self.best_weights = trainer.weights(at, phase.moving)
