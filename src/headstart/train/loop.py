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

from headstart.core.hashing import hash_arrays
from headstart.core.seeds import generator
from headstart.core.shelf import Shelf
from headstart.networks.initial import Weights, stage_of
from headstart.spec.network import Flatten
from headstart.spec.still import head_alone, live_stages, num_still
from headstart.spec.training import Precision
from headstart.train.abreast import Abreast
from headstart.train.checkpoints import Best
from headstart.train.columns import ColumnNetwork, fits
from headstart.train.features import as_they_are, still_part, whole_part
from headstart.train.heads import Heads, as_rows
from headstart.train.learners import Learner, Member, rules_of
from headstart.train.numbers import denormals_as_zero
from headstart.train.optimisers import rate_factor
from headstart.train.parts import Part, flattened
from headstart.train.recorded import CudaGraphs, Recorded
from headstart.train.running import Running, Told
from headstart.train.whole import WholeNetwork
from headstart.train.work import Examples as Examples
from headstart.train.work import PhaseWork as PhaseWork


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
    work: PhaseWork,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
) -> PhaseResult:
    """Train one phase from `weights`; the arrays passed in are not changed."""
    return train_together([prepare(work, weights, train, validation, device)])[0]


def prepare(
    work: PhaseWork,
    weights: Weights,
    train: Examples,
    validation: Examples,
    device: torch.device,
    shelf: Shelf | None = None,
) -> Member:
    """Compute what layers that stay make of the images, which are not needed afterwards."""
    layers, stages = work.layers, work.network.stage_names
    hashes = _hashes(work, weights)
    alone = head_alone(layers, stages, work.phase, work.optimiser)
    done = num_still(layers, stages, work.phase)
    flat = not alone and all(isinstance(facts.layer, Flatten) for facts in layers[:done])

    def part(examples: Examples, precision: Precision = "float32") -> Part:
        if flat:
            images = whole_part(examples, device)
            return flattened(images) if done else images
        shape = as_rows if alone else as_they_are
        return still_part(work, done, weights, examples, device, shape, shelf, precision)

    return Member(
        work=work,
        weights=weights,
        train=part(train, work.precision),
        validation=part(validation),
        done=done,
        head_alone=alone,
        frozen=hashes.frozen,
        trained=hashes.trained,
        device=device,
    )


def train_together(members: Sequence[Member]) -> list[PhaseResult]:
    """Train one phase of every member. Nothing of a member's result depends on the others.

    The time a member took is its share of the time that all took.

    Raises:
        ValueError: the members differ in more than start, data, order and learning rate.
    """
    _check_alike(members)
    with denormals_as_zero():
        return _trained(members)


def _trained(members: Sequence[Member]) -> list[PhaseResult]:
    first, device = members[0].work, members[0].device
    learner = _learner(members)
    progress = [_Progress() for _ in members]
    running = Running(len(members))
    measure_at = frozenset(first.measure_at)
    started, measuring = time.perf_counter(), 0.0
    works, num_images = [member.work for member in members], len(members[0].train.labels)
    for number, batches in enumerate(_batches(works, num_images, device)):
        factor = rate_factor(first.schedule, number, first.phase.updates)
        running.add(*learner.update(batches, factor))
        update = first.first_update + number + 1
        if update in measure_at:
            pause = time.perf_counter()
            told = running.told()
            for at, member in enumerate(members):
                progress[at].measure(learner, at, member, update, told[at])
            measuring += time.perf_counter() - pause
    seconds = (time.perf_counter() - started - measuring) / len(members)
    return [
        _result(member, learner.weights(at), progress[at], seconds)
        for at, member in enumerate(members)
    ]


def _learner(members: Sequence[Member]) -> Learner:
    """Chosen by network, phase and device, so that each training always has the same."""
    device = members[0].device
    learner: Learner
    if members[0].head_alone:
        learner = Heads(members)
    elif len(members) == 1:
        learner = _alone(members[0])
    else:
        learner = Abreast([_alone(member) for member in members], device)
    return Recorded(learner, CudaGraphs(device), device) if device.type == "cuda" else learner


def _alone(member: Member) -> Learner:
    by_hand = member.device.type == "cpu" and fits(member.work)
    return ColumnNetwork(member) if by_hand else WholeNetwork(member)


def _check_alike(members: Sequence[Member]) -> None:
    shared = {
        (
            replace(
                member.work,
                seed=0,
                role="",
                optimiser=member.work.optimiser.model_copy(update={"lr": 1.0}),
            ),
            len(member.train.labels),
            member.head_alone,
            str(member.device),
        )
        for member in members
    }
    if len(shared) != 1:
        raise ValueError("trainings that differ in more than seed and learning rate go apart")


def _result(member: Member, last: Weights, progress: "_Progress", seconds: float) -> PhaseResult:
    after = _hashes(member.work, last)
    return PhaseResult(
        last_weights=last,
        best_weights=progress.best_weights,
        best=progress.best,
        curve=tuple(progress.curve),
        seconds=seconds,
        frozen_before=member.frozen,
        frozen_after=after.frozen,
        trained_moved=member.trained != after.trained,
        finite=all(np.isfinite(array).all() for array in last.values())
        and all(math.isfinite(point.train_loss) for point in progress.curve),
    )


@dataclass(frozen=True, slots=True)
class _Hashes:
    frozen: str
    trained: str


def _hashes(work: PhaseWork, weights: Weights) -> _Hashes:
    """Frozen are parameters whose rule says so, and the buffers of stages in eval mode."""
    rules = rules_of(work)
    live = live_stages(work.layers, work.network.stage_names, work.phase)
    frozen = {
        name
        for name in weights
        if (rules[name].frozen if name in rules else stage_of(name) not in live)
    }
    return _Hashes(
        frozen=hash_arrays({name: array for name, array in weights.items() if name in frozen}),
        trained=hash_arrays({name: array for name, array in weights.items() if name not in frozen}),
    )


def _batches(works: Sequence[PhaseWork], num_images: int, device: torch.device) -> Iterator[Tensor]:
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

    def measure(self, learner: Learner, at: int, member: Member, update: int, told: Told) -> None:
        """Measure validation, and keep the weights if they are better than any before."""
        loss = accuracy = None
        labels = member.validation.labels
        if len(labels):
            logits = learner.validation_logits(at)
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
            self.best_weights = learner.weights(at)
