"""How good the answers of one trial are: metrics of labels, classes and probabilities, in numpy.

Formulas are those of Guo et al. 2017 (ECE) and Brier 1950; nothing here looks at two trials.
"""

from dataclasses import dataclass

import numpy as np

NUM_BINS = 15
SMALLEST = 1e-12  # a probability of 0 for what was true would make the loss infinite


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One trial on its test images.

    `balanced_accuracy` is the mean recall over the classes that have images; `nll` the mean
    negative log-likelihood in nats; `brier` the mean over images of the sum over classes of
    (p - 1[y])^2; `ece` the expected calibration error. `recall` is None for a class without images,
    `counts` are images of each class.
    """

    num_images: int
    accuracy: float
    balanced_accuracy: float
    nll: float
    brier: float
    ece: float
    recall: tuple[float | None, ...]
    counts: tuple[int, ...]


def metrics_of(labels: np.ndarray, classes: np.ndarray, probabilities: np.ndarray) -> Metrics:
    """Metrics of answers.

    Args:
        labels: true classes (images,).
        classes: answers (images,). They need not be the most probable ones.
        probabilities: of every class (images, classes).

    Raises:
        ValueError: there is no image.
    """
    if not len(labels):
        raise ValueError("needs at least one image")
    correct = labels == classes
    width = probabilities.shape[1]
    counts = np.bincount(labels, minlength=width)
    right = np.bincount(labels[correct], minlength=width)
    recall = tuple(
        float(some / all_) if all_ else None for some, all_ in zip(right, counts, strict=True)
    )
    there = [value for value in recall if value is not None]
    return Metrics(
        num_images=len(labels),
        accuracy=float(correct.mean()),
        balanced_accuracy=float(np.mean(there)),
        nll=nll(labels, probabilities),
        brier=brier(labels, probabilities),
        ece=calibration_error(correct, probabilities),
        recall=recall,
        counts=tuple(int(count) for count in counts),
    )


def nll(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log-likelihood in nats, probabilities clipped from below."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(true, SMALLEST)).mean())


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared distance of the probabilities from the truth, summed over classes: 0 to 2."""
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(labels)), labels] -= 1
    return float((distance**2).sum(1).mean())


def calibration_error(
    correct: np.ndarray, probabilities: np.ndarray, num_bins: int = NUM_BINS
) -> float:
    """Expected calibration error over equal bins (low, high] of the highest probability."""
    highest = probabilities.max(1).astype(np.float64)
    if not np.isfinite(highest).all():
        return float("nan")
    edges = np.linspace(0, 1, num_bins + 1)
    places = np.clip(np.searchsorted(edges, highest, side="left") - 1, 0, num_bins - 1)
    surplus = np.bincount(places, weights=highest - correct, minlength=num_bins)
    return float(np.abs(surplus).sum() / len(correct))
