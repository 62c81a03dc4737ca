"""How good the answers of one trial are: metrics of labels, classes and probabilities, in numpy.

Formulas are those of Guo et al. 2017 (ECE) and Brier 1950; nothing here looks at two trials.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headstart.study.training import MetricName

NUM_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a study is judged and its weights are chosen by: a weighted share of right answers.

    Attributes:
        name: in study files.
        noun: in sentences.
        share: what "right so many times" is out of.
        of_hundred: the same of test images, for a title; `noun` is what one is called.
        weights: from the labels of some images (images,) to the weight of each, with mean 1.
    """

    name: MetricName
    noun: str
    share: str
    of_hundred: str
    weights: Callable[[np.ndarray], np.ndarray]

    def on(self, part: str) -> str:
        """What it is on a part of the images: test accuracy, balanced test accuracy."""
        return self.noun.replace("accuracy", f"{part} accuracy".lstrip())

    def of(self, labels: np.ndarray, classes: np.ndarray) -> float:
        """Score of answers (images,), from 0 to 1; there is at least one."""
        weights = self.weights(labels)
        return float((weights * (labels == classes)).sum() / weights.sum())  # 1 if all are right

    def chance(self, labels: np.ndarray) -> float:
        """Best score of an answer that is always the same."""
        return float(np.bincount(labels, weights=self.weights(labels)).max() / len(labels))

    def effective_number(self, labels: np.ndarray) -> float:
        """Number of equally weighted images whose score would vary as much (Kish 1965)."""
        weights = self.weights(labels).astype(np.float64)
        return float(weights.sum() ** 2 / (weights**2).sum())


def class_weights(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Weights by which all classes count alike: n / (K n_c) for each class (classes,).

    K counts the classes that have images; one without any has weight 0, for it is never used. It
    is what scikit-learn calls `balanced`.
    """
    counts = np.bincount(labels, minlength=num_classes)
    there = counts > 0
    weights = np.zeros(len(counts))
    weights[there] = len(labels) / (there.sum() * counts[there])
    return weights


def _alike(labels: np.ndarray) -> np.ndarray:
    return np.ones(len(labels), np.int8)  # whole numbers, which sums of squares do not round


def _by_class(labels: np.ndarray) -> np.ndarray:
    return np.asarray(class_weights(labels, 0)[labels])


ACCURACY = Metric(
    name="accuracy",
    noun="accuracy",
    share="in 100",
    of_hundred="in 100 test {noun}s",
    weights=_alike,
)
BALANCED_ACCURACY = Metric(
    name="balanced_accuracy",
    noun="balanced accuracy",
    share="in 100 of each class on the mean",
    of_hundred="in 100 test {noun}s of each class, on the mean",
    weights=_by_class,
)
METRICS: dict[MetricName, Metric] = {m.name: m for m in (ACCURACY, BALANCED_ACCURACY)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One trial on its test images.

    `balanced_accuracy` is the mean recall over the classes that have images; `nll` the mean
    negative log-likelihood in nats, of which nothing is clipped: it is infinite where a true class
    was held impossible; `brier` the mean over images of the sum over classes of (p - 1[y])^2; `ece`
    the expected calibration error. `recall` is None for a class without images, `counts` are images
    of each class.
    """

    num_images: int
    accuracy: float
    balanced_accuracy: float
    nll: float
    brier: float
    ece: float
    recall: tuple[float | None, ...]
    counts: tuple[int, ...]


def metrics_of(
    labels: np.ndarray, classes: np.ndarray, probabilities: np.ndarray, losses: np.ndarray
) -> Metrics:
    """Metrics of answers.

    Args:
        labels: true classes (images,).
        classes: answers (images,). They need not be the most probable ones.
        probabilities: of every class (images, classes).
        losses: of the true classes (images,), see `losses_of`.

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
        nll=nll(losses),
        brier=brier(labels, probabilities),
        ece=calibration_error(correct, probabilities),
        recall=recall,
        counts=tuple(int(count) for count in counts),
    )


def losses_of(labels: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
    """Negative log-likelihood in nats of each image's true class (images,)."""
    return np.asarray(-log_probabilities[np.arange(len(labels)), labels])


def nll(losses: np.ndarray) -> float:
    """Mean negative log-likelihood in nats of images (images,); nothing is clipped."""
    return float(losses.astype(np.float64).mean())


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
