"""Training steps: inputs from the store and data in, curve and weights out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from pydantic import TypeAdapter

from headstart.core.hashing import Json
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.inputs import input_facts, training_examples
from headstart.execute.steps.outcome import Outcome, finite
from headstart.execute.steps.weights import StoredWeights, fresh, start_facts
from headstart.metrics import ACCURACY, METRICS, Metric
from headstart.networks.facts import Architecture, facts_of
from headstart.networks.weights import Weights
from headstart.plan.payload_types import TrainPayload
from headstart.plan.steps import Step
from headstart.store.blobs import Arrays
from headstart.study.augment import AnyAugmentation, Augmentation
from headstart.study.phases import Phase
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.converged_head import solve_phase
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, train_together
from headstart.train.trainer import PreparedPhase

_AUGMENT: TypeAdapter[tuple[AnyAugmentation, ...]] = TypeAdapter(tuple[Augmentation, ...])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedStep:
    """A training step ready to go: what it trains, facts of its start, and how long that took."""

    step: Step
    phase: PreparedPhase
    facts: Json
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainInputs:
    """The inputs of a training step, and what is recorded of them."""

    work: PhaseConfig
    weights: Weights
    train: Examples
    validation: Examples
    facts: Json

    @property
    def of_phase(self) -> tuple[PhaseConfig, Weights, Examples, Examples]:
        """What a phase is trained with."""
        return self.work, self.weights, self.train, self.validation


def trains_by_updates(step: Step) -> bool:
    """Whether a step is prepared and trained, together with others, rather than run at once."""
    return step.kind == "train" and step.payload["phase"].get("solver") != "converged"


def prepare_step(step: Step, context: StepContext) -> PreparedStep:
    """Read the inputs of a training step, and compute the features of its frozen prefix."""
    started = time.perf_counter()
    inputs = _inputs(step, context)
    phase = prepare(*inputs.of_phase, context.device, context.features)
    return PreparedStep(
        step=step,
        phase=phase,
        facts={**inputs.facts, "flops": step.flops, "evaluation_flops": step.evaluation_flops},
        seconds=time.perf_counter() - started,
    )


def train_prepared(prepared: Sequence[PreparedStep]) -> list[Outcome]:
    """Train steps of one batch group together, or one alone; each gets what it would get alone."""
    results = train_together([one.phase for one in prepared])
    return [
        Outcome(result={**_phase_result(result), **one.facts}, arrays=_weight_arrays(result))
        for one, result in zip(prepared, results, strict=True)
    ]


def solve_step(step: Step, context: StepContext) -> Outcome:
    """A head solved to convergence."""
    inputs = _inputs(step, context)
    solution = solve_phase(*inputs.of_phase, context.device, context.features)
    solved: Json = {
        "flops": solution.flops,
        "evaluation_flops": step.evaluation_flops,
        "solver": solution.facts,
    }
    return Outcome(
        result={**_phase_result(solution.result), **inputs.facts, **solved},
        arrays=_weight_arrays(solution.result),
    )


def _inputs(step: Step, context: StepContext) -> TrainInputs:
    payload = cast(TrainPayload, step.payload)
    stored = StoredWeights(context.finished, step.files)
    train, validation = training_examples(payload["data"], payload["preprocessing"], step.datasets)
    metric = METRICS[payload.get("metric", "accuracy")]
    architecture = stored.architecture(payload, train.image)
    weights = stored.start(payload, step.inputs, architecture)
    facts: Json = {"start": None}
    if payload["start"] != "continue":
        drawn = fresh(architecture, payload["seed"], payload["role"])
        facts["start"] = start_facts(weights, drawn, facts_of(*architecture).stage_of)
    if metric is not ACCURACY and len(validation.labels):
        facts["effective_validation"] = metric.effective_number(validation.labels)
    return TrainInputs(
        work=_config(payload, architecture, metric),
        weights=weights,
        train=train,
        validation=validation,
        facts={
            **facts,
            "num_images": len(train.labels),
            "num_validation": len(validation.labels),
            "inputs": input_facts(train),
            "image": list(train.image),
        },
    )


def _config(payload: TrainPayload, architecture: Architecture, metric: Metric) -> PhaseConfig:
    network, image, num_classes = architecture
    return PhaseConfig(
        network=network,
        image=image,
        num_classes=num_classes,
        phase=Phase.model_validate(payload["phase"]),
        optimiser=OptimiserSpec.model_validate(payload["optimiser"]),
        schedule=ScheduleSpec.model_validate(payload["schedule"]),
        batch_size=payload["batch_size"],
        first_update=payload["first_update"],
        measure_at=tuple(payload["measure_at"]),
        seed=payload["seed"],
        role=payload["role"],
        precision=payload.get("precision", "float32"),
        augment=_AUGMENT.validate_python(payload.get("augment", ())),
        class_weights=payload.get("class_weights", "equal"),
        metric=metric,
    )


def _phase_result(result: PhaseResult) -> Json:
    return {
        "curve": [
            [
                point.update,
                finite(point.train_loss),
                finite(point.validation_loss),
                point.validation_accuracy,
                point.train_accuracy,
            ]
            for point in result.curve
        ],
        "best": [result.best.update, result.best.accuracy] if result.best else None,
        "seconds": result.seconds,
        "frozen_before": result.frozen_before,
        "frozen_after": result.frozen_after,
        "trained_moved": result.trained_moved,
        "finite": result.finite,
        "rest": len(result.last_weights) - len(_stored_names(result)),
    }


def _stored_names(result: PhaseResult) -> frozenset[str]:
    """Names of arrays to store: what a phase may change; all of them if a frozen one has moved."""
    proved = result.frozen_before == result.frozen_after
    return result.moving if proved else frozenset(result.last_weights)


def _weight_arrays(result: PhaseResult) -> Arrays:
    """Last weights, and the best ones where they differ, without what the phase left as it was."""
    names, last, best = _stored_names(result), result.last_weights, result.best_weights
    arrays = {f"last/{name}": last[name] for name in sorted(names)}
    if best is not None and not all(np.array_equal(best[name], last[name]) for name in names):
        arrays |= {f"best/{name}": best[name] for name in sorted(names)}
    return arrays
