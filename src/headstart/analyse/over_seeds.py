"""Secondary tests, shown beside the verdict and never deciding it (SCIENCE.md 5.2)."""

import numpy as np
from scipy.special import bdtr

from headstart.analyse.statistics import Estimate


def paired_t(gains: np.ndarray) -> Estimate:
    """Mean gain over seeds with the error of a paired t test; images count as fixed.

    Args:
        gains: one paired gain a seed (seeds,), at least two.
    """
    return Estimate(
        mean=float(gains.mean()),
        error=float(gains.std(ddof=1) / np.sqrt(len(gains))),
        df=len(gains) - 1.0,
    )


def sign_flip_p(gains: np.ndarray) -> float:
    """Exact two-sided p of the sign-flip test: every sign of every seed's gain, all alike likely.

    Args:
        gains: whole numbers (seeds,): images won less images lost in each seed. Being whole, sums
            that tie with the one seen are counted without rounding.

    With fewer than six seeds it cannot fall below 0.05: the least it can be is 2 / 2^seeds.
    """
    sizes = np.abs(gains).astype(np.int64)
    total = int(sizes.sum())
    chance = np.zeros(total + 1)  # of each sum of the gains turned negative
    chance[0] = 1.0
    for size in sizes[sizes > 0]:
        chance /= 2
        chance[size:] += chance[:-size].copy()
    flipped = np.abs(total - 2 * np.arange(total + 1))
    return min(1.0, float(chance[flipped >= abs(int(gains.sum()))].sum()))


def mcnemar_p(won: int, lost: int) -> float:
    """Exact two-sided McNemar p of two trained models that differ on won + lost test images.

    It says whether these two models differ, and nothing about the way they were made.
    """
    return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5))) if won + lost else 1.0


def favourable(gains: np.ndarray) -> float:
    """The share of seeds with a gain, ties counted half: P(T > C) (Bouthillier et al. 2021)."""
    return float(((gains > 0) + 0.5 * (gains == 0)).mean())
