"""Quality of one trained model on the test images: its accuracy, and how far to trust it."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy  # its parts load when they are first used

from headstart.metrics import BALANCED_ACCURACY, calibration_error
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuality:
    """One model on its test images, those that leaked left out.

    `low` and `high` are the ends of Wilson's 95 % interval of the accuracy, over new test images.
    `balanced` is the balanced accuracy, the mean of the recalls of classes.
    `confidence` is the mean of the highest probability, `ece` the expected calibration error; None
    where probabilities are not finite.
    """

    num_images: int
    accuracy: float
    balanced: float
    low: float
    high: float
    confidence: float | None
    ece: float | None


def quality_of(plan: Plan, trial: Trial, store: Store) -> ModelQuality | None:
    """Quality of the model of a trial; None where it has not been scored or no image is left."""
    row = store.row(trial.score_key)
    if row is None or not row.result["metrics"]:
        return None
    predicted, *overlap = plan.steps[trial.score_key].inputs
    arrays = store.arrays(predicted)
    leaked = store.arrays(overlap[0])["leaked"] if overlap else np.empty(0, np.int64)
    names = ("labels", "classes", "probabilities")
    return model_quality(*(np.delete(arrays[name], leaked, axis=0) for name in names))


def model_quality(
    labels: np.ndarray, classes: np.ndarray, probabilities: np.ndarray
) -> ModelQuality:
    """Quality of answers.

    Args:
        labels: true classes (images,), at least one.
        classes: answers (images,).
        probabilities: of every class (images, classes).
    """
    correct = labels == classes
    low, high = share_interval(int(correct.sum()), len(labels))
    finite = bool(np.isfinite(probabilities).all())
    return ModelQuality(
        num_images=len(labels),
        accuracy=float(correct.mean()),
        balanced=BALANCED_ACCURACY.of(labels, classes),
        low=low,
        high=high,
        confidence=float(probabilities.max(1).mean(dtype=np.float64)) if finite else None,
        ece=calibration_error(correct, probabilities) if finite else None,
    )


def share_interval(count: int, num: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of a share of independent draws (Wilson 1927).

    Written out, because `scipy.stats`, which has it, takes a second to import.
    """
    z2 = float(scipy.special.ndtri(0.5 + confidence / 2)) ** 2 / num
    share = count / num
    centre, half = share + z2 / 2, sqrt(z2 * share * (1 - share) + z2 * z2 / 4)
    return max((centre - half) / (1 + z2), 0.0), min((centre + half) / (1 + z2), 1.0)
