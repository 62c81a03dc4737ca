"""Images that the parts of two tasks share."""

from dataclasses import dataclass

from headstart.analyse.analysis.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Number of images of one part with a copy in another; each counts once, as the first kind.

    Parts are named in words, as "target test". `mirrored` copies are equal to the mirror image,
    `changed` ones are equal once they are turned, inverted or shifted; `near` ones correlate by the
    threshold or more, as they are or once they are changed. `alike` ones do so too, but only as all
    images of their set or of a long series do: they are no copies.
    """

    part: str
    other: str
    num_part: int
    num_other: int
    exact: int
    mirrored: int
    changed: int
    near: int
    alike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePair:
    """Two images by their places. Names are those of image files, and else empty."""

    part: str
    other: str
    index: int
    other_index: int
    label: str
    other_label: str
    name: str
    other_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakExample(ImagePair):
    """An image and its copy in another part; `similarity` is the correlation of their greys."""

    kind: str
    similarity: float
    picture: Picture
    other_picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbiguousImage(ImagePair):
    """An image that lies under two labels of one task, in two places that may be of one part."""

    picture: Picture

    @property
    def place(self) -> str:
        """Name of the first place, or where it is."""
        return self.name or f"{self.part} image {self.index}"

    @property
    def other_place(self) -> str:
        """Name of the other place, or where it is."""
        return self.other_name or f"{self.other} image {self.other_index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """Images that the parts of one pair share.

    `near` is the threshold of near copies, None where they were not searched for. `num_left_out` of
    `num_test` test images are left out of all scores, `num_alike` are like training images only as
    their whole set is. Of the training images that both tasks have, `odd_labels` have another
    target label than is usual for their source label. Where each seed has a test part to itself,
    counts are sums over `num_splits` splits.
    """

    source: str
    target: str
    near: float | None
    copies: tuple[Leak, ...]
    num_test: int
    num_left_out: int
    num_alike: int
    num_shared_train: int
    odd_labels: int
    common_classes: tuple[str, ...]
    copy_examples: tuple[LeakExample, ...]
    ambiguous_images: tuple[AmbiguousImage, ...]  # the first of each task
    num_splits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenCopy:
    """A test image of results from elsewhere that has a copy, and is left out of all scores.

    `image` is its name in the results, `file` its file, `other` the file of the copy. `num_parts`
    is the number of test parts that leave it out, one but where runs split the same images anew.
    """

    image: str
    file: str
    other: str
    kind: str
    similarity: float
    num_parts: int
