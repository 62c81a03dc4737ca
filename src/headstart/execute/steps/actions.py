"""What each kind of step does: inputs from the store and data in, result and arrays out."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from headstart.core.hashing import Json, hash_arrays
from headstart.core.seeds import generator
from headstart.data.leaks.overlap import find_overlap
from headstart.execute.features import feature_cache
from headstart.execute.steps.inputs import (
    chosen_examples,
    test_examples,
    test_images,
    training_examples,
    training_images,
)
from headstart.metrics import Metrics, metrics_of, nll
from headstart.networks.declared.initial import Weights, fresh_weights, stage_of
from headstart.plan.pilot import choose_rates
from headstart.plan.steps import Score, Step, StepKind
from headstart.store.blobs import Arrays
from headstart.store.store import Store
from headstart.study.network import NetworkSpec
from headstart.study.phases import Phase
from headstart.study.shapes import Shape
from headstart.study.training import OptimiserSpec, ScheduleSpec
from headstart.train.checkpoints import Best, Keep, choose
from headstart.train.converged_head import solve_phase
from headstart.train.loop import Examples, PhaseConfig, PhaseResult, prepare, train_together
from headstart.train.prediction import Predictions, predict
from headstart.train.trainer import PreparedPhase


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leaves: a small JSON result and named arrays."""

    result: Json
    arrays: Arrays


def run_step(step: Step, store: Store, device: torch.device) -> Outcome:
    """Do one step that is not trained update by update. Its inputs are in the store."""
    _use_threads(step)
    return _ACTIONS[step.kind](step, store, device)


def _use_threads(step: Step) -> None:
    """As many as its plan says, for they may change its numbers."""
    torch.set_num_threads(step.payload.get("threads", 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedStep:
    """A training step ready to go: what it trains, what is told of it, and how long that took."""

    step: Step
    member: PreparedPhase
    facts: Json
    seconds: float


def trains_by_updates(step: Step) -> bool:
    """Whether a step is to be made ready and trained, rather than carried out at once."""
    return step.kind == "train" and step.payload["phase"].get("solver") != "converged"


def prepare_step(step: Step, store: Store, device: torch.device) -> PreparedStep:
    """Read the inputs of a training step, and compute what its frozen layers make of them."""
    _use_threads(step)
    started = time.perf_counter()
    given = _given(step, store)
    return PreparedStep(
        step=step,
        member=prepare(
            given.work, given.weights, given.train, given.validation, device, feature_cache(store)
        ),
        facts={**given.facts, "flops": step.flops},
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainInputs:
    """The inputs of a training step, and what is told of them."""

    work: PhaseConfig
    weights: Weights
    train: Examples
    validation: Examples
    facts: Json


def _given(step: Step, store: Store) -> TrainInputs:
    payload = step.payload
    train, validation = training_examples(payload["data"], payload["preprocessing"], step.datasets)
    network = NetworkSpec.model_validate(payload["network"])
    image: Shape = (*train.inputs.shape[2:], train.inputs.shape[1])
    num_classes = len(payload["data"]["groups"])
    fresh = fresh_weights(network, image, num_classes, payload["seed"], payload["role"])
    weights = _first_weights(step, store, fresh, image)
    work = PhaseConfig(
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
    )
    return TrainInputs(
        work=work,
        weights=weights,
        train=train,
        validation=validation,
        facts={
            "start": _start_facts(step, weights, fresh),
            "num_images": len(train.labels),
            "num_validation": len(validation.labels),
            "inputs": _input_facts(train),
        },
    )


def _solve(step: Step, store: Store, device: torch.device) -> Outcome:
    """A head solved to convergence."""
    given = _given(step, store)
    solution = solve_phase(
        given.work, given.weights, given.train, given.validation, device, feature_cache(store)
    )
    spent: Json = {"flops": solution.flops, "solver": solution.facts}
    return Outcome(
        result={**_phase_result(solution.result), **given.facts, **spent},
        arrays=_weight_arrays(solution.result),
    )


def train_prepared(ready: Sequence[PreparedStep]) -> list[Outcome]:
    """Train steps of one stack together, or one step alone; each gets what it would get alone."""
    _use_threads(ready[0].step)
    results = train_together([one.member for one in ready])
    return [
        Outcome(result={**_phase_result(result), **one.facts}, arrays=_weight_arrays(result))
        for one, result in zip(ready, results, strict=True)
    ]


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


def _input_facts(examples: Examples) -> Json:
    """The range of what the network sees, for the gate that asks whether it was scaled."""
    least, greatest = examples.ends
    return {"min": least, "max": greatest}


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


def _first_weights(step: Step, store: Store, fresh: Weights, image: Shape) -> Weights:
    """Weights a phase starts from: the phase before it, or fresh ones under the start's rules."""
    if step.payload["start"] == "continue":
        return _weights(store, step.inputs[0], "last")
    weights = dict(fresh)
    for rule in step.payload["start"]:
        weights |= _drawn(step, rule, image) if "role" in rule else _taken(step, rule, store)
    return weights


def _taken(step: Step, rule: Json, store: Store) -> Weights:
    """What a rule takes from a finished training: some of its stages."""
    keys = [step.inputs[number] for number in rule["inputs"]]
    learnt, _ = finished_weights(store, keys, rule["keep"])
    taken = {name: array for name, array in learnt.items() if stage_of(name) in rule["stages"]}
    if rule.get("transform") == "shuffled":
        return _shuffled(taken, step.payload["seed"])
    return taken


def _drawn(step: Step, rule: Json, image: Shape) -> Weights:
    """First weights of some stages as a run of another role draws them."""
    network, classes = step.payload["network"], len(step.payload["data"]["groups"])
    spec, seed = NetworkSpec.model_validate(network), step.payload["seed"]
    drawn = fresh_weights(spec, image, classes, seed, rule["role"])
    return {name: array for name, array in drawn.items() if stage_of(name) in rule["stages"]}


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
    checkpoint: Json = {}
    if "weights" in payload:
        weights = {
            n: a for rule in payload["weights"] for n, a in _taken(step, rule, store).items()
        }
    else:
        weights, checkpoint = finished_weights(store, list(step.inputs), payload["keep"])
    num_classes = len(payload["data"]["groups"])

    def answer(examples: Examples) -> np.ndarray:
        return _answers(step, weights, examples, num_classes, device).probabilities

    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    told = _answers(step, weights, test, num_classes, device)
    return prediction_outcome(checkpoint, test, told, _fit(step, answer))


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
    answers = Predictions(classes=told.argmax(1), probabilities=told)
    return prediction_outcome(checkpoint, test, answers, _fit(step, mapped))


def _answers(
    step: Step, weights: Weights, examples: Examples, num_classes: int, device: torch.device
) -> Predictions:
    image = (*examples.inputs.shape[2:], examples.inputs.shape[1])
    network = NetworkSpec.model_validate(step.payload["network"])
    return predict(network, image, num_classes, weights, examples, device)


def _fit(step: Step, answer: Callable[[Examples], np.ndarray]) -> Json | None:
    """Accuracy and loss on the arm's own training images, in eval mode as the test is taken."""
    payload = step.payload
    if "train" not in payload:
        return None
    train = chosen_examples(payload["train"], payload["preprocessing"], step.datasets)
    probabilities = answer(train)
    right = probabilities.argmax(1) == train.labels
    return {
        "images": len(train.labels),
        "accuracy": float(right.mean()),
        "loss": _finite(nll(train.labels, probabilities)),
    }


def prediction_outcome(
    checkpoint: Json, test: Examples, told: Predictions, fit: Json | None
) -> Outcome:
    return Outcome(
        result={"checkpoint": checkpoint, "inputs": _input_facts(test), "train": fit},
        arrays={
            "labels": test.labels,
            "classes": told.classes,
            "probabilities": told.probabilities,
        },
    )


def _score(step: Step, store: Store, device: torch.device) -> Outcome:
    """What analysis needs of a prediction: metrics and answers on the images that did not leak."""
    predict_key, *overlap = step.inputs
    told, arrays = store.rows([predict_key])[predict_key].result, store.arrays(predict_key)
    away = store.arrays(overlap[0])["leaked"] if overlap else np.empty(0, np.int64)
    labels, classes, probabilities = (
        np.delete(arrays[name], away, axis=0) for name in ("labels", "classes", "probabilities")
    )
    smallest = np.min_scalar_type(probabilities.shape[1] - 1)
    metrics = metrics_of(labels, classes, probabilities) if len(labels) else None
    return Outcome(
        result={
            "metrics": _metrics_json(metrics) if metrics else None,
            "left_out": len(away),
            **{name: told[name] for name in ("checkpoint", "inputs", "train")},
        },
        arrays={"labels": labels.astype(smallest), "classes": classes.astype(smallest)},
    )


def _select(step: Step, store: Store, device: torch.device) -> Outcome:
    """The best candidate of each arm, by what validation said of the weights that count."""
    rows = store.rows(step.inputs)
    scores: dict[str, list[Score]] = {}
    for candidate in step.payload["candidates"]:
        results = [rows[step.inputs[number]].result for number in candidate["inputs"]]
        accuracy, loss = _validated(results, candidate["keep"])
        finite = all(result["finite"] for result in results)
        scores.setdefault(candidate["arm"], []).append(
            Score(rate=candidate["rate"], accuracy=accuracy, loss=loss, finite=finite)
        )
    num_validation = next(iter(rows.values())).result["num_validation"]
    choice = choose_rates(scores, step.payload["control"], num_validation)
    result: Json = {
        "rates": choice.rates,
        "scores": {
            arm: [[s.rate, s.accuracy, _finite(s.loss), s.finite] for s in tried]
            for arm, tried in choice.scores.items()
        },
        "edges": choice.edges,
        "control_error": choice.control_error,
    }
    return Outcome(result=result, arrays={})


def _validated(results: list[Json], keep: Keep) -> tuple[float, float]:
    """Validation accuracy and loss of the weights of a training that count."""
    bests = [result["best"] for result in results]
    chosen = choose([Best(update=b[0], accuracy=b[1]) if b else None for b in bests], keep)
    curve = results[chosen.phase]["curve"]
    update = bests[chosen.phase][0] if chosen.which == "best" else curve[-1][0]
    (point,) = (point for point in curve if point[0] == update)
    loss = point[2]
    return point[3], float("inf") if loss is None else loss


def _metrics_json(metrics: Metrics) -> Json:
    told = asdict(metrics)
    return told | {name: _finite(told[name]) for name in ("nll", "brier", "ece")}


def _overlap(step: Step, store: Store, device: torch.device) -> Outcome:
    payload = step.payload
    found = find_overlap(
        training_images(payload["source"], step.datasets),
        training_images(payload["target"], step.datasets),
        test_images(payload["test"], step.datasets),
        payload["near"],
    )
    told = asdict(found)
    arrays = {name: told.pop(name) for name in list(told) if isinstance(told[name], np.ndarray)}
    return Outcome(result=told, arrays=arrays)


_ACTIONS: dict[StepKind, Callable[[Step, Store, torch.device], Outcome]] = {
    "train": _solve,
    "select": _select,
    "predict": _predict,
    "overlap": _overlap,
    "score": _score,
}
