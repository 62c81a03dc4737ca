"""Images that the parts of two tasks share."""

from dataclasses import dataclass

from headstart.analyse.analysis.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Number of images of one part with a copy in another; each counts once, as the first kind.

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

    `near` is the threshold of near copies, None where they were not searched for. `num_left_out` of
    `num_test` test images are left out of all scores. Of the training images that both tasks have,
    `odd_labels` have another target label than is usual for their source label.
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
