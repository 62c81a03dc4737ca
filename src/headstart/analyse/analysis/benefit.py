"""Benefit of transfer: labels, time and operations saved, the arm to use, forgetting."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval, or the reason why it is withheld.

    Without an interval `low` and `high` are None; one that is open above has only `low`, one open
    below begins at 0. `at_least` and `at_most` are bounds where the number itself is unknown. `why`
    states what is missing, or what the number rests on.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """Benefit of one transfer arm at one size, against the control (docs/tables.md).

    `labels` is the number of labelled images with which the control does as well, `multiplier` the
    same divided by the arm's own number. `threshold` is a validation accuracy: chance plus 95 % of
    the control's final gain over it; `..._to` are medians over seeds of the updates, operations and
    seconds until the best validation accuracy reaches it, and `..._reached` the share of seeds in
    which it did. `jumpstart_pp` (J1) is the gain in validation accuracy at the first measurement,
    `asymptotic_pp` at the checkpoints, `area_ratio` the relative surplus of the area above chance
    under the validation curve over updates (Taylor and Stone 2009). `break_even` is the number of
    target tasks after which the source run has paid for itself. `negative_transfer_pp` is the error
    of the arm minus that of the same strategy from fresh weights, `fresh_arm`. Calibration gains
    are the control's measure minus the arm's: positive is better. `gap_pp` is training minus test
    accuracy.
    """

    arm: str
    control: str
    size: str
    num_images: int
    source: str
    target: str
    seeds: tuple[int, ...]
    labels: Estimate
    multiplier: Estimate
    threshold: float | None
    updates_to: Estimate
    control_updates_to: Estimate
    flops_to: Estimate
    control_flops_to: Estimate
    seconds_to: Estimate
    control_seconds_to: Estimate
    reached: float | None
    control_reached: float | None
    source_flops: int
    break_even: Estimate
    jumpstart_pp: Estimate
    asymptotic_pp: Estimate
    area_ratio: Estimate
    error_reduction: Estimate
    fresh_arm: str
    negative_transfer_pp: Estimate
    balanced_gain_pp: Estimate
    nll_gain: Estimate
    brier_gain: Estimate
    ece_gain: Estimate
    gap_pp: Estimate
    control_gap_pp: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSelection:
    """The arm to use at one size: the best mean validation accuracy, ties to the cheaper.

    `flops` are those of the arm's own training, `source_flops` those of its source run, 0 where it
    takes nothing from the source.
    """

    size: str
    num_images: int
    source: str
    target: str
    arm: str
    validation_mean: float
    test_mean: float | None  # None where no test image is left
    test_sd: float | None
    flops: int
    source_flops: int
    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Accuracy on the source task with the source's own head, before and after the target.

    `forgotten_pp` is before minus after on the source's test images, with the crossed interval.
    """

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    seeds: tuple[int, ...]
    before: float
    after: float
    forgotten_pp: Estimate
