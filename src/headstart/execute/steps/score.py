"""Score steps: metrics and answers on the test images that did not leak."""

from dataclasses import asdict

import numpy as np

from headstart.core.hashing import Json
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.outcome import Outcome, finite
from headstart.metrics import Metrics, metrics_of
from headstart.plan.steps import Step


def score_step(step: Step, context: StepContext) -> Outcome:
    """Metrics and answers of a prediction, which analysis reads."""
    predict_key, *overlap = step.inputs
    rows = context.finished.rows(step.inputs)
    row = rows[predict_key]
    arrays = context.finished.arrays_of(row)
    leaked = np.empty(0, np.int64)
    if overlap:
        leaked = context.finished.arrays_of(rows[overlap[0]])["leaked"]
    arrays = {name: np.delete(array, leaked, axis=0) for name, array in arrays.items()}
    labels, classes, probabilities, losses = (
        arrays[name] for name in ("labels", "classes", "probabilities", "losses")
    )
    images = {"images": arrays["images"]} if "images" in arrays else {}  # of a repeated split
    smallest = np.min_scalar_type(probabilities.shape[1] - 1)
    metrics = metrics_of(labels, classes, probabilities, losses) if len(labels) else None
    return Outcome(
        result={
            "metrics": _metrics_json(metrics) if metrics else None,
            "left_out": len(leaked),
            **{name: row.result[name] for name in ("checkpoint", "inputs", "train")},
        },
        arrays={"labels": labels.astype(smallest), "classes": classes.astype(smallest), **images},
    )


def _metrics_json(metrics: Metrics) -> Json:
    numbers = asdict(metrics)
    return numbers | {name: finite(numbers[name]) for name in ("nll", "brier", "ece")}
