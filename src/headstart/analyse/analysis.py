"""The Analysis: everything a report shows, frozen. All faces of headstart read only this.

Accuracies are fractions; whatever ends in `_pp` is in percentage points.
"""

from dataclasses import dataclass
from typing import Literal

MOST_PP = 100.0  # accuracies are no further apart

Word = Literal["helps", "hurts", "no measurable difference", "not enough evidence", "invalid"]
Qualifier = Literal["beyond the margin", "smaller than the margin", ""]
More = Literal["seeds", "test images", "either"]
Severity = Literal["invalid", "caveat"]
Role = Literal[
    "random trunk", "shuffled weights", "compute-matched scratch", "selffer", "label map"
]
"""What a control shows when the transfer arm is set beside it (docs/verdict.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One trial at each measured update of its training; `checkpoint` is the one that counts."""

    seed: int
    updates: tuple[int, ...]
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    checkpoint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm at one size over the seeds that are there.

    A source run is one too, on the source task with its own test images. `seeds`, `test_accuracy`
    and `curves` run in parallel. `sd`, the standard deviation over seeds,
    is None for fewer than two seeds. `seconds` is the mean training time of a trial on one thread,
    pre-training not included; `missing` are seeds whose trial failed or has not run.
    """

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    seeds: tuple[int, ...]
    test_accuracy: tuple[float, ...]
    mean: float
    sd: float | None
    lowest: float
    highest: float
    validation_mean: float | None  # None without validation images
    trainable_parameters: int
    total_parameters: int
    updates: int
    seconds: float
    flops: int
    curves: tuple[Curve, ...]
    missing: tuple[int, ...]
    family: str = ""  # of a cut sweep: AnB, AnB+, BnB, BnB+ or random
    cut: str = ""  # the last stage that was taken over
    # Means over seeds, on the test images but for `train_mean`: the accuracy on (at most 2,000 of)
    # the arm's own training images, measured as the test is. None where it cannot be told.
    balanced_accuracy: float | None = None
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    train_mean: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval, or why it is withheld.

    Without an interval `low` and `high` are None; an end that is open is 0 or infinity. `at_least`
    and `at_most` are bounds where only those can be told. `why` says in words what is not there, or
    what the number rests on.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the control at one size: gain with its interval, and the verdict.

    `low_pp` and `high_pp` are the ends of the crossed seeds x images t interval that the verdict is
    read from, two-sided at level `confidence`. For a member of the family of transfer arms
    (`in_family`) that level is the one at which the interval agrees with Holm's decision; other
    arms are held to the level of the look alone. `low95_pp` and `high95_pp` are the plain 95 %
    interval, adjusted for nothing. Ends are None where there are fewer than two seeds. `p_value` is
    that of the verdict's own test, `p_adjusted` Holm's (None outside the family or where there can
    be no verdict), `p_equivalence` that of the two one-sided tests against the margin.

    `gains_pp` are the paired gains of `seeds`, `favourable` the share of them above 0 (ties half),
    `order_violation` how far the arm is from being ahead at every quantile (from ten seeds on).
    Shown beside, and never deciding: `p_paired_t` and `p_sign_flip` over seeds, and for a single
    seed `p_mcnemar` of its two models.

    For "not enough evidence", `detectable_pp` is the smallest gain that these data could have shown
    (power 0.8), `seeds_needed` and `images_needed` what would do for the gain seen or the margin,
    whichever is larger, and `more` what would help most; None where it cannot be told.
    `error_reduction` is the share of the control's errors that is gone, None where it made none.
    """

    arm: str
    control: str
    size: str
    num_images: int
    source: str
    target: str
    seeds: tuple[int, ...]
    gains_pp: tuple[float, ...]
    gain_pp: float
    low_pp: float | None
    high_pp: float | None
    confidence: float
    margin_pp: float
    verdict: Word
    why: str
    detectable_pp: float | None
    seeds_needed: int | None
    error_reduction: float | None
    qualifier: Qualifier = ""
    images_needed: int | None = None
    more: More | None = None
    low95_pp: float | None = None
    high95_pp: float | None = None
    in_family: bool = False
    p_value: float | None = None
    p_adjusted: float | None = None
    p_equivalence: float | None = None
    favourable: float | None = None
    order_violation: float | None = None
    p_paired_t: float | None = None
    p_sign_flip: float | None = None
    p_mcnemar: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """A transfer arm against a control that shows what a gain may be put down to.

    The interval is two-sided at the level of the look: a gain is put down to what the source learnt
    only where the arm is better than every control, so no single one needs an adjustment. `alike`
    says whether the control's role is what sets it apart from the arm: both were trained by the
    same strategy, or both train everything in the end, or the role has no strategy of its own.
    """

    arm: str
    control: str
    role: Role
    size: str
    source: str
    target: str
    seeds: tuple[int, ...]
    gain_pp: float
    low_pp: float | None
    high_pp: float | None
    confidence: float
    verdict: Word
    why: str
    alike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionNote:
    """What the controls say of one transfer arm at one size of one pair, in one sentence."""

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    reading: str

    @property
    def sentence(self) -> str:
        """The reading with its place."""
        return f"{self.arm} with {self.num_images:,} images: {self.reading}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """What one way of transferring is worth at one size, against the control (docs/tables.md).

    `labels` is the number of labelled images with which the control does as well, `multiplier` the
    same divided by the arm's own number. `threshold` is a validation accuracy: chance and 95 % of
    what the control finally gains over it; `..._to` are medians over seeds of the updates,
    operations and seconds until the best validation accuracy so far gets there, and `..._reached`
    the share of seeds in which it did. `jumpstart_pp` (J1) is the gain in validation accuracy at
    the first measurement, `asymptotic_pp` at the checkpoints, `area_ratio` the relative surplus of
    the area above chance under the validation curve over updates (Taylor and Stone 2009).
    `break_even` is the number of target tasks after which the source run has paid for itself.
    `negative_transfer_pp` is the error of the arm minus that of the same strategy from fresh
    weights, `fresh_arm`. Calibration gains are the control's figure minus the arm's: positive is
    better. `gap_pp` is training minus test accuracy.
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
class ClassGain:
    """The gain of one transfer arm over the control on the test images of one class.

    The interval is the crossed one; `p_adjusted` is after Holm's correction over the classes.
    """

    arm: str
    control: str
    size: str
    source: str
    target: str
    class_name: str
    num_images: int  # test images of the class
    recall: float
    control_recall: float
    gain_pp: float
    low_pp: float | None
    high_pp: float | None
    p_value: float | None
    p_adjusted: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which arm to use at one size: the best mean validation accuracy, ties to the cheaper.

    `flops` are those of the arm's own training, `source_flops` those of its source run, 0 where it
    takes nothing from the source.
    """

    size: str
    num_images: int
    source: str
    target: str
    arm: str
    validation_mean: float
    test_mean: float
    test_sd: float | None
    flops: int
    source_flops: int
    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What the trunk has lost of the source task: the source's own head on it, before and after.

    `forgotten_pp` is before minus after on the source's test images, crossed interval.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check of the protocol: a failed one withholds verdicts, or is printed as a caveat."""

    id: str
    title: str
    passed: bool
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """How many images of one part have a copy in another; each counts once, as the first kind.

    Parts are named in words, as "target test". `mirrored` copies are equal to the mirror image;
    `near` ones correlate with an image, or with its mirror image, by the threshold or more.
    """

    part: str
    other: str
    num_part: int
    num_other: int
    exact: int
    mirrored: int
    near: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small image: uint8 values, row by row, grey or RGB."""

    height: int
    width: int
    channels: int
    values: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakExample:
    """An image and its copy in another part; `similarity` is the correlation of their greys."""

    part: str
    other: str
    index: int
    other_index: int
    label: str
    other_label: str
    kind: str
    similarity: float
    picture: Picture
    other_picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """Images that the parts of one pair share.

    `near` is the threshold of near copies, None where they were not looked for. `num_left_out` of
    `num_test` test images are left out of all scores. Of the training images that both tasks have,
    `odd_labels` carry another target label than is usual for their source label.
    """

    source: str
    target: str
    near: float | None
    copies: tuple[Leak, ...]
    num_test: int
    num_left_out: int
    num_shared_train: int
    odd_labels: int
    common_classes: tuple[str, ...]
    copy_examples: tuple[LeakExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The learning rates that one arm tried on the pilot seed, and the one it got.

    `rates` and `validation_accuracy` run in parallel. `edge` is `low` or `high` where the best rate
    is the smallest or the largest tried, which may hide a better one.
    """

    source: str
    target: str
    size: str
    arm: str
    rates: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    chosen: float
    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """A published figure beside what Keras and headstart give; None where there is none.

    Accuracies are fractions; `is_count` marks numbers of parameters, `is_time` seconds.
    """

    figure: str
    published: float | None
    keras: float | None
    headstart: float | None
    is_count: bool
    is_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """One task of the study in numbers, for the reader."""

    name: str
    dataset: str
    licence: str
    note: str
    classes: tuple[str, ...]
    num_train: int
    num_validation: int
    num_test: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A whole study, analysed."""

    study: str
    question: str
    headline: str
    detail: tuple[str, ...]  # sentences under the headline: caveats first
    seeds: tuple[int, ...]
    sizes: tuple[str, ...]
    arm_names: tuple[str, ...]
    control: str
    tasks: tuple[TaskFacts, ...]
    arms: tuple[ArmResult, ...]
    sources: tuple[ArmResult, ...]
    cuts: tuple[str, ...]  # cuts of the network from stem to head, where a sweep was asked for
    published: tuple[PublishedFigure, ...]
    comparisons: tuple[Comparison, ...]
    tuning: tuple[Tuning, ...]
    gates: tuple[Gate, ...]
    protocol: tuple[tuple[str, str], ...]  # (what, how) lines
    environment: tuple[tuple[str, str], ...]
    num_trials: int
    num_done: int
    failures: tuple[str, ...]
    leaks: tuple[LeakReport, ...] = ()  # of the pairs that were compared
    attributions: tuple[Attribution, ...] = ()
    attribution_notes: tuple[AttributionNote, ...] = ()
    looks: int = 1  # how many times this evidence is looked at, so far or in all
    level: float = 0.05  # of one look
    family_size: int = 0  # comparisons of transfer arms, planned
    worth: tuple[Benefit, ...] = ()
    class_gains: tuple[ClassGain, ...] = ()
    picks: tuple[Pick, ...] = ()
    forgetting: tuple[Forgetting, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether no verdict on transfer is short of evidence, so that no more seeds are asked."""
        return all(c.verdict != "not enough evidence" for c in self.comparisons if c.in_family)
