"""What each kind of step does: inputs from the store and data in, result and arrays out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from headstart.core.hashing import Json, hash_arrays
from headstart.execute.materials import test_examples, training_examples
from headstart.networks.initial import Weights, fresh_weights, stage_of
from headstart.plan.steps import Step, StepKind
from headstart.spec.network import NetworkSpec
from headstart.spec.phases import Phase
from headstart.spec.shapes import Shape
from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.store.blobs import Arrays
from headstart.store.store import Store
from headstart.train.checkpoints import Best, Keep, choose
from headstart.train.loop import PhaseResult, PhaseWork, run_phase
from headstart.train.prediction import predict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leaves: a small JSON result and named arrays."""

    result: Json
    arrays: Arrays


def carry_out(step: Step, store: Store, device: torch.device) -> Outcome:
    """Do one step. Its inputs are in the store."""
    torch.set_num_threads(step.payload["threads"])
    return _ACTIONS[step.kind](step, store, device)


def _train(step: Step, store: Store, device: torch.device) -> Outcome:
    payload = step.payload
    train, validation = training_examples(payload["data"], payload["preprocessing"], step.datasets)
    network = NetworkSpec.model_validate(payload["network"])
    image: Shape = (*train.inputs.shape[2:], train.inputs.shape[1])
    num_classes = len(payload["data"]["groups"])
    fresh = fresh_weights(network, image, num_classes, payload["seed"], payload["role"])
    weights = _first_weights(step, store, fresh)
    result = run_phase(
        PhaseWork(
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
        ),
        weights,
        train,
        validation,
        device,
    )
    return Outcome(
        result={
            **_phase_result(result),
            "start": _start_facts(step, weights, fresh),
            "num_images": len(train.labels),
            "num_validation": len(validation.labels),
            "flops": step.flops,
        },
        arrays=_weight_arrays(result),
    )


def _phase_result(result: PhaseResult) -> Json:
    return {
        "curve": [
            [
                point.update,
                _finite(point.train_loss),
                _finite(point.validation_loss),
                point.validation_accuracy,
            ]
            for point in result.curve
        ],
        "best": [result.best.update, result.best.accuracy] if result.best else None,
        "seconds": result.seconds,
        "frozen_before": result.frozen_before,
        "frozen_after": result.frozen_after,
        "trained_moved": result.trained_moved,
        "finite": result.finite,
    }


def _finite(number: float) -> float | None:
    """JSON has no NaN; what is not finite is told as null, and a gate reads it so."""
    return number if math.isfinite(number) else None


def _weight_arrays(result: PhaseResult) -> Arrays:
    """Last weights, and the best ones where they differ from the last."""
    arrays = {f"last/{name}": array for name, array in result.last_weights.items()}
    best = result.best_weights
    if best is not None and hash_arrays(best) != hash_arrays(result.last_weights):
        arrays |= {f"best/{name}": array for name, array in best.items()}
    return arrays


def _first_weights(step: Step, store: Store, fresh: Weights) -> Weights:
    """Weights a phase starts from: the phase before it, or fresh ones under the start's rules."""
    if step.payload["start"] == "continue":
        return _weights(store, step.inputs[0], "last")
    weights = dict(fresh)
    for rule in step.payload["start"]:
        keys = [step.inputs[number] for number in rule["inputs"]]
        learnt, _ = finished_weights(store, keys, rule["keep"])
        stages = set(rule["stages"])
        weights |= {name: array for name, array in learnt.items() if stage_of(name) in stages}
    return weights


def _start_facts(step: Step, weights: Weights, fresh: Weights) -> Json | None:
    """Which stages hold fresh weights and which do not, as found and not as planned."""
    if step.payload["start"] == "continue":
        return None
    stages = dict.fromkeys(stage_of(name) for name in weights)
    hashes = {
        stage: tuple(
            hash_arrays({name: array for name, array in found.items() if stage_of(name) == stage})
            for found in (weights, fresh)
        )
        for stage in stages
    }
    return {
        "fresh": [stage for stage, (now, drawn) in hashes.items() if now == drawn],
        "taken": [stage for stage, (now, drawn) in hashes.items() if now != drawn],
    }


def finished_weights(store: Store, keys: list[str], keep: Keep) -> tuple[Weights, Json]:
    """The weights that count of a training made of these steps, and where they were found."""
    rows = store.rows(keys)
    bests = [rows[key].result["best"] for key in keys]
    chosen = choose([Best(update=b[0], accuracy=b[1]) if b else None for b in bests], keep)
    key = keys[chosen.phase]
    measured = bests[chosen.phase] if chosen.which == "best" else _last_measured(rows[key].result)
    facts: Json = {"phase": chosen.phase, "which": chosen.which}
    if measured:
        facts |= {"update": measured[0], "validation_accuracy": measured[1]}
    return _weights(store, key, chosen.which), facts


def _last_measured(result: Json) -> tuple[int, float] | None:
    if not result["curve"]:
        return None
    update, _, _, accuracy = result["curve"][-1]
    return update, accuracy


def _weights(store: Store, key: str, which: Keep) -> Weights:
    """Best weights that equal the last are stored once, as the last."""
    arrays = store.arrays(key)
    prefix = f"{which}/"
    if not any(name.startswith(prefix) for name in arrays):
        prefix = "last/"
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _predict(step: Step, store: Store, device: torch.device) -> Outcome:
    payload = step.payload
    weights, checkpoint = finished_weights(store, list(step.inputs), payload["keep"])
    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    predictions = predict(
        NetworkSpec.model_validate(payload["network"]),
        (*test.inputs.shape[2:], test.inputs.shape[1]),
        len(payload["data"]["groups"]),
        weights,
        test.inputs,
        device,
    )
    return Outcome(
        result={"checkpoint": checkpoint, "num_test": len(test.labels)},
        arrays={
            "labels": test.labels,
            "classes": predictions.classes,
            "probabilities": predictions.probabilities,
        },
    )


_ACTIONS: dict[StepKind, Callable[[Step, Store, torch.device], Outcome]] = {
    "train": _train,
    "predict": _predict,
}
