"""Answers to single test images: confusion matrices, mistakes, what an arm put right and broke."""

from dataclasses import dataclass

from headstart.analyse.analysis.picture import Picture
from headstart.image_outcomes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionRow:
    """Answers to the test images of one class, summed over seeds.

    `answer` and `count` run in parallel over the classes that were answered. `accuracy` is the
    share of right answers, None without test images of the class.
    """

    true_class: str
    num_tested: int
    accuracy: float | None
    answer: tuple[str, ...]
    count: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Confusion matrix of one arm at one size, a row for each true class in the task's order."""

    arm: str
    size: str
    num_images: int | None
    source: str
    target: str
    seeds: tuple[int, ...]
    confusion_rows: tuple[ConfusionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMistake:
    """A test image that the arm gets wrong, has put right or has broken, in most seeds.

    `index` counts the task's test images from 0, `file` is the name of an image file, or the name
    that results from elsewhere give the image; `num_seeds` were tested on it. For the arm and for
    the control: the number of seeds that are wrong; the most frequent wrong answer, or the right
    one where no seed is wrong; the mean over seeds of its probability.
    """

    kind: Kind
    index: int
    file: str
    true_class: str
    num_seeds: int
    num_wrong: int
    answer: str
    probability: float | None
    control_num_wrong: int
    control_answer: str
    control_probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """Test images by what the preferred transfer arm and the control make of them in most seeds.

    Most is more than half. `wrong` are those that the arm gets wrong. The five counts that follow
    add up to `num_tested`; `undecided` are images that one of the two gets right in exactly half of
    the seeds. `image_mistakes` are some images of each kind, the surest first, and `pictures` run
    in parallel to them; both are empty until the store has them, which takes every trial at this
    size. Of results from elsewhere pictures are missing where no file of the image is known.
    `repeated` says that each seed has a test part to itself: the seeds of an image are then those
    that tested it.
    """

    arm: str
    control: str
    size: str
    num_images: int | None
    source: str
    target: str
    seeds: tuple[int, ...]
    num_tested: int
    wrong: int
    both_right: int
    put_right: int
    broken: int
    both_wrong: int
    undecided: int
    repeated: bool
    image_mistakes: tuple[ImageMistake, ...]
    pictures: tuple[Picture, ...]
