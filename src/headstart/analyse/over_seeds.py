"""Secondary tests over seeds, which never decide a verdict (docs/verdict.md)."""

import numpy as np
import scipy  # its parts load when they are first used

from headstart.analyse.statistics import MeanError


def paired_t(gains: np.ndarray) -> MeanError:
    """Mean gain over seeds with the error of a paired t test; images count as fixed.

    Args:
        gains: one paired gain a seed (seeds,), at least two.
    """
    return MeanError(
        mean=float(gains.mean()),
        error=float(gains.std(ddof=1) / np.sqrt(len(gains))),
        df=len(gains) - 1.0,
    )


_UNITS = 1_000_000


def sign_flip_p(gains: np.ndarray) -> float:
    """Exact two-sided p-value of the sign-flip test: all signs of the gains equally likely.

    Args:
        gains: (seeds,). Whole numbers (images won minus images lost in each seed) are taken as they
            are, so that sums that tie with the observed one are counted without rounding; others
            in millionths of their sum.

    With fewer than six seeds it cannot fall below 0.05: its minimum is 2 / 2^seeds.
    """
    if gains.dtype.kind == "f" and gains.any():
        gains = np.rint(gains / np.abs(gains).sum() * _UNITS)
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
    """Exact two-sided McNemar p-value of two trained models that differ on won + lost images.

    It tests whether these two models differ, not the methods that trained them.
    """
    return (
        min(1.0, 2 * float(scipy.special.bdtr(min(won, lost), won + lost, 0.5)))
        if won + lost
        else 1.0
    )


def favourable(gains: np.ndarray) -> float:
    """Share of seeds with a gain, ties counted half: P(T > C) (Bouthillier et al. 2021)."""
    return float(((gains > 0) + 0.5 * (gains == 0)).mean())


FEWEST_FOR_ORDER = 10  # seeds below which the order of two distributions means nothing


def order_violation(arm: np.ndarray, other: np.ndarray) -> float | None:
    """Distance of the arm from being ahead at every quantile (Dror et al. 2019).

    The share, in squared distance between the quantile functions, of the quantiles at which the
    other arm is ahead: 0 where the arm is ahead everywhere, 1 where the other arm is. Below 0.5 the
    arm is almost stochastically dominant in this sample; no error level goes with it.

    Args:
        arm: accuracy of each seed (seeds,).
        other: accuracy of each seed of the other arm, with as many seeds.

    Returns:
        None where the two distributions are the same.
    """
    ahead = np.sort(arm) - np.sort(other)
    total = float((ahead**2).sum())
    return float((ahead[ahead < 0] ** 2).sum()) / total if total else None
