"""What a training is for every seed: its phases with their operations, memory and batch groups."""

from dataclasses import dataclass

from headstart.plan.batching import batch_group
from headstart.plan.memory import training_bytes
from headstart.plan.payload_types import PhasePayload
from headstart.plan.payloads import (
    augment_payload,
    network_files,
    optimiser_payload,
    phase_payload,
    schedule_payload,
)
from headstart.plan.trial_data import TrialData
from headstart.study.frozen import frozen_prefix, num_trainable
from headstart.study.operations import (
    PLANNED_GRADIENTS,
    features_are_small,
    flops_of_forward,
    flops_of_solving,
    flops_per_image,
)
from headstart.study.phases import Phase
from headstart.study.training import TrainingSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPhase:
    """One phase of a training, as the steps of all its seeds have it (`headstart.plan.steps`).

    `part` is what labels say of it, where there are several phases.
    """

    payload: PhasePayload
    part: str
    updates: int
    flops: int
    once: int
    evaluation_flops: int
    memory: int
    batch_groups: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAllSeeds:
    """A training as all of its seeds have it.

    `updates` are those of all phases, `trainable` the parameters that at least one of them trains,
    `test_flops` the operations of testing what comes out.
    """

    phases: tuple[PlannedPhase, ...]
    updates: int
    trainable: int
    test_flops: int


def of_all_seeds(
    training: TrainingSpec, phases: tuple[Phase, ...], trial_data: TrialData
) -> OfAllSeeds:
    """What the trainings of all seeds have in common.

    Args:
        training: budget and optimiser.
        phases: that the strategy makes of the budget.
        trial_data: of any of the seeds.
    """
    total, done = sum(phase.updates for phase in phases), 0
    planned = []
    for number, phase in enumerate(phases):
        part = f", phase {number + 1} of {len(phases)}" if len(phases) > 1 else ""
        measured = training.measured_at(total, done, phase.updates)
        payload = _payload(training, phase, trial_data, done, measured)
        planned.append(_planned(payload, training, phase, trial_data, part))
        done += phase.updates
    return OfAllSeeds(
        phases=tuple(planned),
        updates=total,
        trainable=num_trainable(trial_data.network_facts, phases),
        test_flops=flops_of_test(trial_data, phases),
    )


def flops_of_phases(
    phases: tuple[Phase, ...], training: TrainingSpec, trial_data: TrialData
) -> int:
    """Operations of all phases of a training."""
    return sum(_flops(phase, training, trial_data)[0] for phase in phases)


def flops_of_test(trial_data: TrialData, phases: tuple[Phase, ...]) -> int:
    """Operations of predicting the test images, and the training images that the fit is taken on.

    Outputs of what no phase has changed are not counted where trainings share them.
    """
    facts = trial_data.network_facts
    prefix = min((frozen_prefix(facts, phase) for phase in phases), default=0)
    total = 0
    for number in (trial_data.parts.num_test, trial_data.num_fitted):
        shared = prefix and features_are_small(facts, prefix, number)
        total += number * flops_of_forward(facts, prefix if shared else 0)
    return total


def _payload(
    training: TrainingSpec,
    phase: Phase,
    trial_data: TrialData,
    done: int,
    measured: tuple[int, ...],
) -> PhasePayload:
    """Payload of a phase after `done` updates, measured at some updates of the training."""
    payload: PhasePayload = {
        "network": trial_data.network_payload,
        "phase": phase_payload(phase),
        "optimiser": optimiser_payload(training.optimiser),
        "schedule": schedule_payload(training.schedule),
        "batch_size": training.batch_of(trial_data.num_images),
        "first_update": done,
        "measure_at": list(measured),
        "role": trial_data.role,
        "threads": 1,
    }
    if training.precision != "float32":
        payload["precision"] = training.precision
    if training.augment:
        payload["augment"] = augment_payload(training.augment)
    if training.class_weights != "equal":
        payload["class_weights"] = training.class_weights
    if trial_data.study.metric != "accuracy":
        payload["metric"] = trial_data.study.metric
    return payload


def _planned(
    payload: PhasePayload, training: TrainingSpec, phase: Phase, trial_data: TrialData, part: str
) -> PlannedPhase:
    flops, once = _flops(phase, training, trial_data)
    return PlannedPhase(
        payload=payload,
        part=part,
        updates=phase.updates,
        flops=flops,
        once=once,
        evaluation_flops=_flops_of_validation(training, phase, trial_data, payload),
        memory=training_bytes(
            trial_data.network_facts,
            phase,
            payload["batch_size"],
            trial_data.num_images,
            trial_data.image,
        ),
        batch_groups=batch_group(payload, phase, training, trial_data),
        files=network_files(trial_data.network),
    )


def _flops_of_validation(
    training: TrainingSpec, phase: Phase, trial_data: TrialData, payload: PhasePayload
) -> int:
    """Operations of measuring on validation images.

    The outputs of a frozen prefix are not counted: all trainings share them.
    """
    facts = trial_data.network_facts
    prefix = 0 if training.augment else frozen_prefix(facts, phase)
    passes = len(payload["measure_at"]) * trial_data.parts.num_validation
    return passes * flops_of_forward(facts, prefix)


def _flops(phase: Phase, training: TrainingSpec, trial_data: TrialData) -> tuple[int, int]:
    """Operations of a phase, and those among them that come before its first update."""
    if phase.solver == "converged":
        solving = flops_of_solving(
            trial_data.network_facts, trial_data.num_images, PLANNED_GRADIENTS
        )
        return solving, solving
    per_image = flops_per_image(trial_data.network_facts, phase, augmented=bool(training.augment))
    once = per_image.once * trial_data.num_images
    per_update = per_image.each * training.batch_of(trial_data.num_images)
    return once + per_update * phase.updates, once
