"""Prediction steps: test images are opened for answers here and nowhere else, once per trial."""

from collections.abc import Callable
from typing import cast

import numpy as np

from headstart.core.hashing import Json
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.inputs import (
    chosen_examples,
    input_facts,
    test_examples,
    tested_positions,
    training_examples,
)
from headstart.execute.steps.outcome import Outcome, finite
from headstart.execute.steps.weights import StoredWeights
from headstart.metrics import METRICS, Metric, losses_of, nll
from headstart.networks.weights import Weights
from headstart.plan.payload_types import PredictPayload
from headstart.plan.steps import Step
from headstart.train.loop import Examples
from headstart.train.prediction import Predictions, predict


def predict_step(step: Step, context: StepContext) -> Outcome:
    """Answers of a trained network to the test images."""
    payload = cast(PredictPayload, step.payload)
    if "label_map" in payload:
        return _label_map(step, context)
    stored = StoredWeights(context.finished, step.files)
    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    num_classes = len(payload["data"]["groups"])
    checkpoint: Json = {}
    if "weights" in payload:
        of = stored.architecture(payload, test.image)
        rules = payload["weights"]
        weights = {n: a for r in rules for n, a in stored.ruled(r, step.inputs, of, 0).items()}
    else:
        weights, checkpoint = stored.finished(step.inputs, payload["keep"])

    def answer(examples: Examples) -> Predictions:
        return _answers(step, context, weights, examples, num_classes)

    return _outcome(step, checkpoint, test, answer(test), _fit(step, answer))


def _label_map(step: Step, context: StepContext) -> Outcome:
    """The source network's answers, each source class standing for one class of the target."""
    payload = cast(PredictPayload, step.payload)
    stored = StoredWeights(context.finished, step.files)
    weights, _ = stored.finished(step.inputs, payload["keep"])
    width, num_classes = payload["source_classes"], len(payload["data"]["groups"])
    train, validation = training_examples(
        payload["label_map"], payload["preprocessing"], step.datasets
    )
    seen = _answers(step, context, weights, train, width).classes
    counts = np.zeros((width, num_classes))
    np.add.at(counts, (seen, train.labels), 1)
    # A source class that was never answered stands for the target's most frequent class.
    counts += np.bincount(train.labels, minlength=num_classes) / (2 * len(train.labels))
    stands_for = np.eye(num_classes, dtype=np.float32)[counts.argmax(1)]

    def mapped(examples: Examples) -> Predictions:
        answers = _answers(step, context, weights, examples, width)
        probabilities = np.asarray(answers.probabilities @ stands_for)
        with np.errstate(divide="ignore"):  # a class that none stands for is held impossible
            logs = np.log(probabilities)
        return Predictions(
            classes=probabilities.argmax(1), probabilities=probabilities, log_probabilities=logs
        )

    test = test_examples(payload["data"], payload["preprocessing"], step.datasets)
    checkpoint: Json = {"map": counts.argmax(1).tolist()}
    if len(validation.labels):
        answered = mapped(validation).classes
        checkpoint["validation_accuracy"] = _metric(payload).of(validation.labels, answered)
    return _outcome(step, checkpoint, test, mapped(test), _fit(step, mapped))


def _answers(
    step: Step, context: StepContext, weights: Weights, examples: Examples, num_classes: int
) -> Predictions:
    stored = StoredWeights(context.finished, step.files)
    of = (stored.network(step.payload["network"]), examples.image, num_classes)
    done = 0 if "weights" in step.payload else stored.frozen_prefix(step.inputs, of)
    return predict(*of, weights, examples, context.device, done, context.features)


def _fit(step: Step, answer: Callable[[Examples], Predictions]) -> Json | None:
    """Accuracy and loss on the arm's own training images, in eval mode as the test is taken."""
    payload = cast(PredictPayload, step.payload)
    if "train" not in payload:
        return None
    train = chosen_examples(payload["train"], payload["preprocessing"], step.datasets)
    answers = answer(train)
    return {
        "images": len(train.labels),
        "accuracy": _metric(payload).of(train.labels, answers.probabilities.argmax(1)),
        "loss": finite(nll(losses_of(train.labels, answers.log_probabilities))),
    }


def _metric(payload: PredictPayload) -> Metric:
    return METRICS[payload.get("metric", "accuracy")]


def _outcome(
    step: Step, checkpoint: Json, test: Examples, answers: Predictions, fit: Json | None
) -> Outcome:
    arrays = {
        "labels": test.labels,
        "classes": answers.classes,
        "probabilities": answers.probabilities,
        "losses": losses_of(test.labels, answers.log_probabilities),
    }
    data = cast(PredictPayload, step.payload)["data"]
    images = tested_positions(data, step.datasets)
    if images is not None:
        arrays["images"] = images
    return Outcome(
        result={"checkpoint": checkpoint, "inputs": input_facts(test), "train": fit},
        arrays=arrays,
    )
