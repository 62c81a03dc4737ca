"""Comparisons of an arm with the control, with explaining controls, and class by class."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

MOST_PP = 100.0  # largest possible difference of two accuracies
FEWEST_SEEDS = 3  # of a verdict that is read from an interval
ENOUGH_SEEDS = 5  # for a verdict to lean on

Word = Literal[
    "helps", "hurts", "no measurable difference", "not enough evidence", "invalid", "unfinished"
]
Basis = Literal[
    "seeds and images, both paired",
    "seeds and groups of images, both paired",
    "seeds and images, seeds not paired",
    "seeds and images, not paired",
    "seeds, paired",
    "seeds, not paired",
    "folds, paired",
    "folds, not paired",
]
"""What an interval is over, and what of it is paired. Over seeds alone it is about the test images
that there were."""
Qualifier = Literal["beyond the margin", "smaller than the margin", ""]
More = Literal["seeds", "test images", "either"]
Ended = Literal["decided", "budget", "out of reach", "last look", "goes on", ""]
Role = Literal[
    "random trunk", "shuffled weights", "compute-matched scratch", "selffer", "label map"
]
"""Explanation of a gain that a control tests (docs/verdict.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the control at one size: gain with its interval, and the verdict.

    `low_pp` and `high_pp` are the ends of the crossed seeds x images t interval that the verdict is
    read from, two-sided at level `confidence`. For a member of the family of transfer arms
    (`in_family`) that level is the one at which the interval agrees with Holm's decision; for other
    arms it is the level of the look (`level`; `look` counts looks at this comparison in the store).
    `low95_pp` and `high95_pp` are the plain 95 % interval,
    without any adjustment. Ends are None with fewer than two seeds. `p_value` is that of the
    verdict's own test, `p_adjusted` Holm's (None outside the family or where there can be no
    verdict), `p_equivalence` that of the two one-sided tests against the margin.

    `gains_pp` are the paired gains of `seeds`, `favourable` the share of them above 0 (ties half),
    `order_violation` the distance from being ahead at every quantile (from ten seeds on).
    `margin_asked_pp` is the study's margin; where it is another than at the first look, that one
    stays (`margin_pp`). `preferred` marks the transfer arm that validation prefers at its size; the
    headline names it. Where seeds are added as evidence needs them, `ended` says why the comparison
    has no more of them, and `stopped` says it with their number; both are empty elsewhere.
    Secondary, never deciding: `p_paired_t` and `p_sign_flip` over seeds, and for a single seed
    `p_mcnemar` of its two models.

    For "not enough evidence", `detectable_pp` is the smallest gain that these data could have shown
    (power 0.8), `seeds_needed` and `images_needed` are the numbers that would show the gain found
    or the margin, whichever is larger, and `more` is what would help most; None where unknown.
    `error_reduction` is the share of the control's errors removed, None where it made none.

    `basis` is what the interval is over and what of it is paired; where seeds are not, `seeds` are
    the arm's, `control_seeds` the control's, and there are no gains of single seeds. `num_images`
    is None where it is not known, which only happens to results of other programs.
    """

    arm: str
    control: str
    size: str
    num_images: int | None
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
    margin_asked_pp: float | None = None
    look: int = 1
    level: float = 0.04
    low95_pp: float | None = None
    high95_pp: float | None = None
    in_family: bool = False
    preferred: bool = False
    ended: Ended = ""
    stopped: str = ""
    p_value: float | None = None
    p_adjusted: float | None = None
    p_equivalence: float | None = None
    favourable: float | None = None
    order_violation: float | None = None
    p_paired_t: float | None = None
    p_sign_flip: float | None = None
    p_mcnemar: float | None = None
    basis: Basis = "seeds and images, both paired"
    control_seeds: tuple[int, ...] = ()

    @property
    def seeds_of_control(self) -> tuple[int, ...]:
        """Seeds of the control behind the gain: those of the arm, unless they are not paired."""
        return self.control_seeds or self.seeds

    @property
    def gain_by_seed(self) -> dict[int, float]:
        """Gain in percentage points by seed; empty where seeds are not paired."""
        return dict(zip(self.seeds, self.gains_pp, strict=True)) if self.gains_pp else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """A transfer arm against a control that may explain its gain.

    The interval is two-sided at the level of the look: a gain counts as the source's only where the
    arm is better than every control, so no single comparison needs an adjustment. `alike` says
    whether the role alone sets the control apart from the arm: both were trained by the same
    strategy, or both train everything in the end, or the role fixes no strategy.
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
    """Conclusion from the controls of one transfer arm at one size of one pair, one sentence."""

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    reading: str

    @property
    def sentence(self) -> str:
        """The reading with its arm and size."""
        return f"{self.arm} with {self.num_images:,} images: {self.reading}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGain:
    """Gain of one transfer arm over the control on the test images of one class.

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


def interval_over(comparisons: Iterable[Comparison]) -> str:
    """What the intervals of some comparisons are over, in a sentence."""
    bases = {c.basis for c in comparisons}
    if any(basis.startswith("folds") for basis in bases):
        return "folds"
    if any("groups" in basis for basis in bases):
        return "seeds and groups of test images"
    images = any("images" in basis for basis in bases)
    return "seeds and test images" if images else "seeds alone"
