"""What each kind of step does: inputs from the store and data in, result and arrays out."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch

from headstart.core.hashing import Json, hash_arrays
from headstart.core.seeds import generator
from headstart.data.overlap import find_overlap
from headstart.execute.materials import (
    test_examples,
    test_images,
    training_examples,
    training_images,
)
from headstart.networks.initial import Weights, fresh_weights, stage_of
from headstart.plan.steps import Step, StepKind
from headstart.spec.network import NetworkSpec
from headstart.spec.phases import Phase
from headstart.spec.shapes import Shape
from headstart.spec.training import OptimiserSpec, ScheduleSpec
from headstart.store.blobs import Arrays
from headstart.store.store import Store
from headstart.train.checkpoints import Best, Keep, choose
from headstart.train.loop import Examples, PhaseResult, PhaseWork, run_phase
from headstart.train.prediction import Predictions, predict
from headstart.train.solve import solve_phase


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leaves: a small JSON result and named arrays."""

    result: Json
    arrays: Arrays


def carry_out(step: Step, store: Store, device: torch.device) -> Outcome:
    """Do one step. Its inputs are in the store."""
    torch.set_num_threads(step.payload.get("threads", 1))
    return _ACTIONS[step.kind](step, store, device)


def _train(step: Step, store: Store, device: torch.device) -> Outcome:
    payload = step.payload
    train, validation = training_examples(payload["data"], payload["preprocessing"], step.datasets)
    network = NetworkSpec.model_validate(payload["network"])
    image: Shape = (*train.inputs.shape[2:], train.inputs.shape[1])
    num_classes = len(payload["data"]["groups"])
    fresh = fresh_weights(network, image, num_classes, payload["seed"], payload["role"])
    weights = _first_weights(step, store, fresh)
    work = PhaseWork(
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
    )
    spent: Json = {"flops": step.flops}
    if work.phase.solver == "converged":
        solution = solve_phase(work, weights, train, validation, device)
        result, spent = solution.result, {"flops": solution.flops, "solver": solution.facts}
    else:
        result = run_phase(work, weights, train, validation, device)
    return Outcome(
        result={
            **_phase_result(result),
            "start": _start_facts(step, weights, fresh),
            "num_images": len(train.labels),
            "num_validation": len(validation.labels),
            "inputs": _input_facts(train.inputs),
            **spent,
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
    }


def _input_facts(inputs: np.ndarray) -> Json:
    """The range of what the network sees, for the gate that asks whether it was scaled."""
    return {"min": float(inputs.min()), "max": float(inputs.max())}


def _finite(number: float | None) -> float | None:
    """JSON has no NaN; what is not finite is told as null."""
    return number if number is not None and math.isfinite(number) else None


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
        taken = {name: array for name, array in learnt.items() if stage_of(name) in stages}
        if rule.get("transform") == "shuffled":
            taken = _shuffled(taken, step.payload["seed"])
        weights |= taken
    return weights


def _shuffled(weights: Weights, seed: int) -> Weights:
    """The same numbers in each tensor, in a random order."""
    return {
        name: generator(seed, "shuffle", name).permutation(array.ravel()).reshape(array.shape)
        for name, array in weights.items()
    }


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
    point = result["curve"][-1]
    return point[0], point[3]


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
    if "label_map" in payload:
        return _read_off_source(step, store, device)
    weights, checkpoint = finished_weights(store, list(step.inputs), payload["keep"])
    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    told = _answers(step, weights, test, len(payload["data"]["groups"]), device)
    return _tested(checkpoint, test, told.probabilities, told.classes)


def _read_off_source(step: Step, store: Store, device: torch.device) -> Outcome:
    """The source network's answers, each source class standing for one class of the target."""
    payload = step.payload
    weights, _ = finished_weights(store, list(step.inputs), payload["keep"])
    width, num_classes = payload["source_classes"], len(payload["data"]["groups"])
    train, validation = training_examples(
        payload["label_map"], payload["preprocessing"], step.datasets
    )
    seen = _answers(step, weights, train, width, device).classes
    counts = np.zeros((width, num_classes))
    np.add.at(counts, (seen, train.labels), 1)
    # A source class that was never answered stands for the target's most frequent class.
    counts += np.bincount(train.labels, minlength=num_classes) / (2 * len(train.labels))
    stands_for = np.eye(num_classes, dtype=np.float32)[counts.argmax(1)]

    def mapped(examples: Examples) -> np.ndarray:
        told = _answers(step, weights, examples, width, device)
        return np.asarray(told.probabilities @ stands_for)

    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    checkpoint: Json = {"map": counts.argmax(1).tolist()}
    if len(validation.labels):
        right = mapped(validation).argmax(1) == validation.labels
        checkpoint["validation_accuracy"] = float(right.mean())
    told = mapped(test)
    return _tested(checkpoint, test, told, told.argmax(1))


def _answers(
    step: Step, weights: Weights, examples: Examples, num_classes: int, device: torch.device
) -> Predictions:
    image = (*examples.inputs.shape[2:], examples.inputs.shape[1])
    network = NetworkSpec.model_validate(step.payload["network"])
    return predict(network, image, num_classes, weights, examples.inputs, device)


def _tested(
    checkpoint: Json, test: Examples, probabilities: np.ndarray, classes: np.ndarray
) -> Outcome:
    return Outcome(
        result={"checkpoint": checkpoint, "inputs": _input_facts(test.inputs)},
        arrays={"labels": test.labels, "classes": classes, "probabilities": probabilities},
    )


def _overlap(step: Step, store: Store, device: torch.device) -> Outcome:
    payload = step.payload
    found = find_overlap(
        training_images(payload["source"], step.datasets),
        training_images(payload["target"], step.datasets),
        test_images(payload["test"], step.datasets),
    )
    result = {f.name: getattr(found, f.name) for f in fields(found) if f.name != "leaked"}
    return Outcome(result=result, arrays={"leaked": found.leaked})


_ACTIONS: dict[StepKind, Callable[[Step, Store, torch.device], Outcome]] = {
    "train": _train,
    "predict": _predict,
    "overlap": _overlap,
}
