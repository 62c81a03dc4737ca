"""The training loop: one phase from given weights. There is no other loop.

The test set never comes here; validation is measured at the updates the plan says.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from headstart.core.hashing import hash_arrays
from headstart.core.seeds import generator, stream
from headstart.networks.build import BatchNorm, Network, build, weights_of
from headstart.networks.initial import Weights, stage_of
from headstart.spec.network import NetworkSpec
from headstart.spec.phases import Phase, Rule, rule_for
from headstart.spec.shapes import Shape, layers_of
from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.train.checkpoints import Best
from headstart.train.optimisers import make_optimiser, rate_factor, set_rates
from headstart.train.prediction import BATCH, logits_of


@dataclass(frozen=True, slots=True)
class Examples:
    """Network inputs (n, channels, height, width), float32, and class indices (n,), int64."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseWork:
    """Everything that defines one phase of one training but weights and data.

    `first_update` is how many updates of the trial went before; with `seed` and `role` it fixes the
    order of batches, so every arm sees the same batch at the same update of its trial.
    """

    network: NetworkSpec
    image: Shape
    num_classes: int
    phase: Phase
    optimiser: OptimiserSpec
    schedule: ScheduleSpec
    batch_size: int
    first_update: int
    measure_at: tuple[int, ...]
    seed: int
    role: str


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
    module = build(work.network, work.image, work.num_classes, weights).to(device)
    rules = _rules(work)
    frozen = _frozen_names(module, rules)
    before = _hashes(weights_of(module), frozen)
    optimiser = make_optimiser(work.optimiser, _groups(module, rules))
    done = _still_layers(module, rules)
    inputs, labels = _features(module, done, *_on(device, train))
    held_out = _features(module, done, *_on(device, validation))
    curve: list[Measurement] = []
    best: Best | None = None
    best_weights: Weights | None = None

    torch.manual_seed(stream(work.seed, work.role, "dropout", work.first_update))
    running = _Running(device)
    measure_at = frozenset(work.measure_at)
    started, measuring = time.perf_counter(), 0.0
    _set_modes(module, rules)
    for number, chosen in enumerate(_batches(work, len(train.labels))):
        set_rates(optimiser, rate_factor(work.schedule, number, work.phase.updates))
        batch = torch.from_numpy(chosen).to(device)
        logits, truth = module.resume(inputs[batch], done), labels[batch]
        loss = functional.cross_entropy(logits, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        running.add(loss, logits, truth)
        update = work.first_update + number + 1
        if update in measure_at:
            pause = time.perf_counter()
            curve.append(_measure(module, done, held_out, update, running))
            accuracy = curve[-1].validation_accuracy
            if accuracy is not None and (best is None or accuracy > best.accuracy):
                best = Best(update=update, accuracy=accuracy)
                best_weights = weights_of(module)
            _set_modes(module, rules)
            running = _Running(device)
            measuring += time.perf_counter() - pause
    seconds = time.perf_counter() - started - measuring

    last = weights_of(module)
    after = _hashes(last, frozen)
    return PhaseResult(
        last_weights=last,
        best_weights=best_weights,
        best=best,
        curve=tuple(curve),
        seconds=seconds,
        frozen_before=before.frozen,
        frozen_after=after.frozen,
        trained_moved=before.trained != after.trained,
        finite=all(np.isfinite(array).all() for array in last.values())
        and all(math.isfinite(point.train_loss) for point in curve),
    )


def _rules(work: PhaseWork) -> dict[str, Rule]:
    """The rule of every parameter by name."""
    stages = work.network.stage_names
    return {
        p.name: rule_for(work.phase.rules, stages, layer.stage, p.kind)
        for layer in layers_of(work.network, work.image, work.num_classes)
        for p in layer.parameters
    }


def _groups(
    module: Network, rules: dict[str, Rule]
) -> list[tuple[float, list[torch.nn.Parameter]]]:
    """Trainable parameters by learning-rate scale; frozen ones get no gradient and no optimiser."""
    by_scale: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not rules[name].frozen)
        if not rules[name].frozen:
            by_scale.setdefault(rules[name].lr_scale, []).append(parameter)
    return list(by_scale.items())


def _set_modes(module: Network, rules: dict[str, Rule]) -> None:
    """Train mode for stages with a rule in train mode, eval mode for all others."""
    live = _live_stages(rules)
    for name in module.stage_names:
        module.stage(name).train(name in live)


def _live_stages(rules: dict[str, Rule]) -> set[str]:
    return {stage_of(name) for name, rule in rules.items() if rule.mode == "train"}


def _frozen_names(module: Network, rules: dict[str, Rule]) -> set[str]:
    """Frozen parameters, and the buffers of stages in eval mode."""
    live = _live_stages(rules)
    buffers = {name for name, _ in module.named_buffers() if stage_of(name) not in live}
    return {name for name, rule in rules.items() if rule.frozen} | buffers


@dataclass(frozen=True, slots=True)
class _Hashes:
    frozen: str
    trained: str


def _hashes(weights: Weights, frozen: set[str]) -> _Hashes:
    return _Hashes(
        frozen=hash_arrays({name: array for name, array in weights.items() if name in frozen}),
        trained=hash_arrays({name: array for name, array in weights.items() if name not in frozen}),
    )


def _on(device: torch.device, examples: Examples) -> tuple[Tensor, Tensor]:
    return (
        torch.from_numpy(examples.inputs).to(device, memory_format=torch.channels_last),
        torch.from_numpy(examples.labels).to(device),
    )


def _still_layers(module: Network, rules: dict[str, Rule]) -> int:
    """How many layers from the stem on give the same output at every update.

    They are frozen and, where their stage is live, hold no dropout and no batch statistics.
    """
    live = _live_stages(rules)
    for number, (stage, layer) in enumerate(module.layers()):
        trained = any(parameter.requires_grad for parameter in layer.parameters())
        moving = stage in live and isinstance(layer, torch.nn.Dropout | BatchNorm)
        if trained or moving:
            return number
    return len(module.layers())


def _features(module: Network, done: int, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What the first `done` layers make of all inputs, once and for all updates."""
    if done == 0 or not len(inputs):
        return inputs, labels
    module.eval()
    still = torch.nn.Sequential(*(layer for _, layer in module.layers()[:done]))
    with torch.no_grad():
        parts = [still(inputs[at : at + BATCH]) for at in range(0, len(inputs), BATCH)]
    return torch.cat(parts), labels


def _batches(work: PhaseWork, num_images: int) -> Iterator[np.ndarray]:
    """Indices of each batch of the phase. The last batch of an epoch may be smaller."""
    size = min(work.batch_size, num_images)
    per_epoch = -(-num_images // size)
    order, epoch_at = np.empty(0, np.int64), -1
    for update in range(work.first_update, work.first_update + work.phase.updates):
        epoch, place = divmod(update, per_epoch)
        if epoch != epoch_at:
            order = generator(work.seed, work.role, "order", epoch).permutation(num_images)
            epoch_at = epoch
        yield order[place * size : (place + 1) * size]


class _Running:
    """Training loss and accuracy over some updates, summed on the device without waiting for it."""

    def __init__(self, device: torch.device) -> None:
        self.loss = torch.zeros((), device=device)
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.updates = self.images = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one update."""
        self.loss += loss.detach()
        self.right += (logits.detach().argmax(1) == labels).sum()
        self.updates += 1
        self.images += len(labels)


def _measure(
    module: Network, done: int, held_out: tuple[Tensor, Tensor], update: int, running: _Running
) -> Measurement:
    inputs, labels = held_out
    loss = accuracy = None
    if len(labels):
        logits = logits_of(module, inputs, done)
        loss = float(functional.cross_entropy(logits, labels))
        accuracy = float((logits.argmax(1) == labels).double().mean())
    return Measurement(
        update=update,
        train_loss=float(running.loss) / running.updates,
        validation_loss=loss,
        validation_accuracy=accuracy,
        train_accuracy=float(running.right) / running.images,
    )
