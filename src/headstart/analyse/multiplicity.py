"""Multiple testing: error levels of looks, Holm's procedure for several tests."""

from collections.abc import Sequence
from dataclasses import dataclass

NOMINAL = 0.05
PLANNED = 0.04  # of it, what the looks that a study plans err in together
POCOCK = {1: 0.04, 2: 0.0233, 3: 0.0164, 4: 0.0126, 5: 0.0102}


def planned_level(looks: int) -> float:
    """Error level of each of a number of planned looks, which together err in 4 % of true nulls.

    Pocock's constant boundary (1977) for seeds that double from look to look; where fewer are added
    the looks err less often together. Bonferroni's for more than five looks.

    Raises:
        ValueError: fewer than one look.
    """
    if looks < 1:
        raise ValueError(f"needs at least one look, got {looks}")
    return POCOCK.get(looks, PLANNED / looks)


def later_level(number: int) -> float:
    """Error level of the so-manieth look that nobody planned: half of what is left of 5 %.

    The sum over all looks bounds how often any of them errs (Bonferroni), whatever seeds they are
    about and whatever was seen before they were chosen.

    Raises:
        ValueError: fewer than one look.
    """
    if number < 1:
        raise ValueError(f"needs at least one look, got {number}")
    return (NOMINAL - PLANNED) * 0.5**number


@dataclass(frozen=True, slots=True, kw_only=True)
class Holm:
    """Holm's decisions over a family, in the order of its p-values.

    `levels` are those at which each member's own interval agrees with its decision: a member is
    rejected exactly where its two-sided interval at 1 - level excludes 0.
    """

    adjusted: tuple[float, ...]
    levels: tuple[float, ...]
    rejected: tuple[bool, ...]


def holm(p_values: Sequence[float], levels: Sequence[float]) -> Holm:
    """Holm's step-down procedure (1979) over a family of p-values, each with an error level.

    The member of rank r among m, by p-value over level, is tested at its level / (m - r + 1), until
    the first that fails; that one and all after it are not rejected, and have the share of that
    step. Adjusted p-values are those over the share of the rank, for comparison with the level.

    Raises:
        ValueError: a p-value outside 0 to 1.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005], [0.05] * 4).rejected
        (True, False, False, True)
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie between 0 and 1, got {list(p_values)}")
    size = len(p_values)
    ratios = [p / level for p, level in zip(p_values, levels, strict=True)]
    order = sorted(range(size), key=lambda member: ratios[member])
    passed = 0
    while passed < size and ratios[order[passed]] < 1 / (size - passed):
        passed += 1
    adjusted, shares = [0.0] * size, [0.0] * size
    highest = order[0] if order else 0  # whose p-value, times its rank's factor, counts so far
    factors = {member: size - rank for rank, member in enumerate(order)}
    for rank, member in enumerate(order):
        highest = max(highest, member, key=lambda at: factors[at] * ratios[at])
        scale = levels[member] / levels[highest]  # 1 exactly, where all levels are one
        adjusted[member] = min(1.0, factors[highest] * p_values[highest] * scale)
        shares[member] = levels[member] / (size - min(rank, passed))
    rejected = set(order[:passed])
    return Holm(
        adjusted=tuple(adjusted),
        levels=tuple(shares),
        rejected=tuple(member in rejected for member in range(size)),
    )
