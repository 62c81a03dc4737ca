"""Multiple testing: error levels for several looks, Holm's procedure for several tests."""

from collections.abc import Sequence
from dataclasses import dataclass

NOMINAL = 0.05
POCOCK = {1: 0.05, 2: 0.0294, 3: 0.0221, 4: 0.0182, 5: 0.0158}


def level_of(looks: int) -> float:
    """Error level of each look, so that all looks together err in about 5 % of true nulls.

    Pocock's constants (1977, table 1), and Bonferroni's for more than five looks.

    Raises:
        ValueError: fewer than one look.
    """
    if looks < 1:
        raise ValueError(f"needs at least one look, got {looks}")
    return POCOCK.get(looks, NOMINAL / looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holm:
    """Holm's decisions over a family, in the order of its p-values.

    `levels` are those at which each member's own interval agrees with its decision: a member is
    rejected exactly where its two-sided interval at 1 - level excludes 0.
    """

    adjusted: tuple[float, ...]
    levels: tuple[float, ...]
    rejected: tuple[bool, ...]


def holm(p_values: Sequence[float], level: float) -> Holm:
    """Holm's step-down procedure (1979) over a family of p-values.

    The member of rank r among m is tested at level / (m - r + 1), until the first that fails; that
    one and all after it are not rejected, and have the level of that step.

    Raises:
        ValueError: a p-value outside 0 to 1.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005], 0.05).rejected
        (True, False, False, True)
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie between 0 and 1, got {list(p_values)}")
    size = len(p_values)
    order = sorted(range(size), key=lambda member: p_values[member])
    passed = 0
    while passed < size and p_values[order[passed]] < level / (size - passed):
        passed += 1
    adjusted, levels = [0.0] * size, [0.0] * size
    highest = 0.0
    for rank, member in enumerate(order):
        highest = max(highest, min(1.0, (size - rank) * p_values[member]))
        adjusted[member] = highest
        levels[member] = level / (size - min(rank, passed))
    rejected = set(order[:passed])
    return Holm(
        adjusted=tuple(adjusted),
        levels=tuple(levels),
        rejected=tuple(member in rejected for member in range(size)),
    )
