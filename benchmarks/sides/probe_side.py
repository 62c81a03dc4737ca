"""Logistic regression on frozen features, a path of penalties: scikit-learn's, or headstart's.

Both minimise the mean cross-entropy plus half the penalty times the sum of squared weights (the
intercepts are free) until no part of the gradient is greater than the tolerance, from the largest
penalty to the smallest, each starting from the one before.
"""

import argparse
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.data import read
from benchmarks.sides.clock import hand_over

WIDTH, TOLERANCE = 512, 1e-4
PENALTIES = np.logspace(-1, -5, 20)
MOST_STEPS = 10_000


def features(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """10,000 digits as the standardised outputs of 512 random units with relu: float32."""
    x, y, _, _ = read(folder, "mnist")
    x, y = x[:10_000].reshape(-1, 784).astype(np.float32) / 255, y[:10_000].astype(np.int64)
    weights = np.random.default_rng(0).normal(0, np.sqrt(2 / 784), (784, WIDTH))
    hidden = np.maximum(x @ weights.astype(np.float32), 0)
    return (hidden - hidden.mean(0)) / (hidden.std(0) + 1e-6), y


def scikit_learn(x: np.ndarray, y: np.ndarray) -> None:
    """As its user guide has it: one estimator with a warm start, C = 1 / (n penalty)."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(tol=TOLERANCE, max_iter=MOST_STEPS, warm_start=True)
    for penalty in PENALTIES:
        model.set_params(C=1 / (len(x) * penalty)).fit(x, y)


def headstart(x: np.ndarray, y: np.ndarray) -> None:
    """headstart's converged probe."""
    import_module("headstart.train.logistic_path").fit_path(x, y, 10, PENALTIES.tolist(), TOLERANCE)


SIDES = {"scikit-learn": scikit_learn, "headstart": headstart}


def main() -> None:
    """Fit the path and hand over its time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    x, y = features(given.folder)
    SIDES[given.side](x[:200], y[:200])  # imports and first calls are not what is compared
    started = time.perf_counter()
    SIDES[given.side](x, y)
    hand_over(given.out, {"path": time.perf_counter() - started})


if __name__ == "__main__":
    main()
