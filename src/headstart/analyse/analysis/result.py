"""Results of arms, and the facts beside them: tasks, gates, learning rates, published figures."""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, TypeVar

from headstart.study.dataset_facts import GroupFacts, LeftOut, Size

Severity = Literal["invalid", "caveat"]
_Number = TypeVar("_Number", int, float)


def known(number: _Number | None) -> _Number:
    """A number that only results from elsewhere may lack, where there are none."""
    assert number is not None, "not known of results from elsewhere"
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Learning curve of one trial, a value for each measured update; None where it is not finite.

    Validation accuracy is by the study's metric; that of training is the share of right answers in
    the batches. `checkpoint` is the update whose weights count.
    """

    seed: int
    updates: tuple[int, ...]
    train_loss: tuple[float | None, ...]
    validation_loss: tuple[float | None, ...]
    validation_accuracy: tuple[float | None, ...]
    train_accuracy: tuple[float, ...]
    checkpoint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """Result of one arm at one size over its finished seeds, or of the source runs of a task.

    Accuracies are by the study's metric: plain or balanced. `seeds`, `test_accuracy` and `curves`
    run in parallel; where every test image has leaked, `test_accuracy` is empty and nothing is
    known of it. `sd`, the standard deviation over seeds, is None with fewer than two. `seconds` is
    the mean training time of a trial on one thread, without pre-training; `missing` are seeds whose
    trial failed or has not run. Of results of other programs some numbers are not known: None.
    """

    arm: str
    size: str
    num_images: int | None
    source: str
    target: str
    seeds: tuple[int, ...]
    test_accuracy: tuple[float, ...]
    mean: float | None
    sd: float | None
    lowest: float | None
    highest: float | None
    validation_mean: float | None  # None without validation images
    trainable_parameters: int | None
    total_parameters: int | None
    updates: int | None
    seconds: float | None
    flops: int | None
    curves: tuple[Curve, ...]
    missing: tuple[int, ...]
    family: str = ""  # of a cut sweep: AnB, AnB+, BnB, BnB+ or random
    cut: str = ""  # name of the last transferred stage
    # Means over seeds on the test images; `train_mean` is the accuracy on (at most 2,000 of) the
    # arm's own training images, measured as the test is. None where a seed has no value. `accuracy`
    # is the share of right answers, whatever the metric.
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    train_mean: float | None = None

    @property
    def mean_percent(self) -> float:
        """Mean in per cent, of a result that has one."""
        assert self.mean is not None, "no test image is left"
        return 100 * self.mean

    def mean_over(self, seeds: Collection[int]) -> float | None:
        """Mean test accuracy over some seeds, of which the arm may have more; None without any."""
        if set(seeds) >= set(self.seeds):
            return self.mean
        values = [value for seed, value in self.by_seed.items() if seed in seeds]
        return fmean(values) if values else None

    @property
    def by_seed(self) -> dict[int, float]:
        """Test accuracy by seed; empty where no test image is left."""
        return dict(zip(self.seeds, self.test_accuracy, strict=True)) if self.test_accuracy else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmNote:
    """What one arm is: what it trains, and from which first weights.

    `other_settings` are those of its training that are not the control's, each with the control's
    in brackets; empty without any. `from_nothing` says whether everything is trained from weights
    that have learnt nothing.
    """

    arm: str
    what: str
    other_settings: str = ""
    from_nothing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Outcome of one check of the protocol: failed, it withholds verdicts or is a caveat.

    `could_turn` marks a caveat that could turn a verdict of the headline around.
    It is not `known` where results of another program do not say what the check must know.
    """

    id: str
    title: str
    passed: bool
    severity: Severity
    message: str
    could_turn: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Learning rates that one arm tried on a seed, and the one chosen there.

    `seed` is None for the pilot seed; where each seed has a test part to itself, it is that seed.

    `rates`, `validation_accuracy` and `finite` (whether the training stayed finite) run in
    parallel. `edge` is `low` or `high` where the best rate is the smallest or the largest tried,
    which may hide a better one.
    """

    source: str
    target: str
    size: str
    arm: str
    seed: int | None
    rates: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    finite: tuple[bool, ...]
    chosen: float
    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """A published figure beside those of Keras and headstart; None where there is none.

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
    """One task of the study in numbers, and what was found of its data set.

    `train_counts` are the images of every class that there are to train on, before any are taken
    out to validate or test with; `test_counts` those of the test part, empty where it is cut off
    the training part. Sizes are (height, width) of the images as they were found. `values` are the
    least and the greatest value of a pixel, None where images are files; `decoded` then says what
    becomes of their shape. `labels_from` is the table of labels, if there is one; `groups` are its
    columns that are called like groups, and `grouped_by` says what is kept together. `repeated`
    says that each seed has a test part to itself: the numbers for training, validation and testing
    are those of each seed.
    """

    name: str
    dataset: str
    place: str  # absolute path of the folder or file; empty in results of older versions
    licence: str
    note: str
    classes: tuple[str, ...]
    num_train: int
    num_validation: int
    num_test: int
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    test_from: str  # where the test part came from
    smallest: Size
    largest: Size
    colours: tuple[str, ...]
    values: tuple[float, float] | None
    left_out: tuple[LeftOut, ...]
    labels_from: str = ""
    groups: tuple[GroupFacts, ...] = ()
    grouped_by: str = ""
    decoded: str = ""
    noun: str = "image"  # what one of its images is called: image or photo
    repeated: bool = False

    @property
    def num_images(self) -> int:
        """Images of its classes, of all parts."""
        return self.num_train + self.num_validation + self.num_test
