"""Facts of a data set for planning: counts, classes, shape and a hash, but no pixels."""

from dataclasses import dataclass

from pydantic import Field

from headstart.study.base import Spec
from headstart.study.decoding import CHANNELS, Colour, Decoding

Size = tuple[int, int]
"""(height, width)."""

Shape = tuple[int, int, int]
"""(height, width, channels)."""

COLOURS: dict[str, Colour] = {"L": "grey", "RGB": "rgb"}
"""Pillow's modes that are taken as they are."""

OTHER_COLOURS = {
    "1": "black and white",
    "P": "palette",
    "LA": "grey with transparency",
    "RGBA": "rgb with transparency",
    "F": "floating-point",
}
"""What a reader calls other modes of Pillow's; any other goes by its own name."""

GREYS = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")
"""Pillow's modes that have no colour."""


FEW_LEVELS = 14
"""Bits up to which at most 64 of 256 levels are left of images that are taken to have 16."""


class GroupFacts(Spec):
    """A column of a table of labels that is called like groups.

    `num_crossing` of its `num` groups have images both in the training and in the test part.
    """

    name: str
    num: int
    num_crossing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Files of one kind that lie among a data set's files and are none of its images, and why.

    `suffix` is in lower case and begins with a dot; it is empty where names have none.
    """

    suffix: str
    number: int
    why: str


class DatasetFacts(Spec):
    """Facts of one data set, as measured from its files.

    `content` names the data whatever folder or archive they came from. Of arrays it is a hash over
    the images and labels of both parts; of image files over part, path, SHA-256 and label of each,
    so that it does not depend on how they are decoded.

    `shape` is what all images have in common, upright; None where their sizes or colours differ.
    `sizes` are the least and the most (height, width) of image files, and `modes` their colours as
    Pillow calls them; None and empty where images are not single files. `proportions` are the
    flattest and the tallest (height, width), in lowest terms. `deep` is the greatest value of image
    files of 16 bits per channel, by their colour. `floats` are pixels that are no bytes, but
    numbers which a network is given as they are.

    `labels_from` names the table of labels and its columns, where there is one, and `groups` those
    that are called like groups. `validation_counts` are the images per class that are taken out to
    validate with where whole groups are; None where a task's split says how many.

    The rest says what was found, for a reader to compare with what he meant: `place` is the
    absolute path of the folder or file, `test_from` says where the test part came from, `left_out`
    which files are not read, hidden ones aside, and `values` are the least and the greatest value
    of a pixel, None where images are files, which are not decoded to be measured. `test_dealt` is
    whether no test part is published, so that a fifth of the images became it.
    """

    name: str
    content: str
    shape: Shape | None
    classes: tuple[str, ...]
    train_counts: tuple[int, ...]  # images per class, in the order of `classes`
    test_counts: tuple[int, ...]
    licence: str = ""
    note: str = ""  # what a reader of results should know of how the images came about
    sizes: tuple[Size, Size] | None = None
    modes: tuple[str, ...] = ()
    proportions: tuple[Size, ...] = ()
    deep: dict[str, int] = Field(default_factory=dict)
    floats: bool = False
    labels_from: str = ""
    groups: tuple[GroupFacts, ...] = ()
    validation_counts: tuple[int, ...] | None = None
    place: str = ""
    test_from: str = ""
    test_dealt: bool = False
    left_out: tuple[LeftOut, ...] = ()
    values: tuple[float, float] | None = None

    @property
    def from_files(self) -> bool:
        """Whether images are single files, to be decoded in one way or another."""
        return self.sizes is not None

    @property
    def noun(self) -> str:
        """What one of its images is called in a sentence."""
        return "photo" if self.from_files else "image"

    def has_proportions(self, size: Size) -> bool | None:
        """Whether every image has the proportions of `size`.

        None of image files whose facts an older version stored: it stretched any of them.
        """
        known = self.proportions if self.sizes else (self.shape[:2],) if self.shape else ()
        return all(high * size[1] == wide * size[0] for high, wide in known) if known else None

    def bits_used(self, mode: str) -> int:
        """How many of the 16 bits of `deep` images of a mode hold every value, at least 8."""
        return max(self.deep[mode].bit_length(), 8)

    @property
    def bits_wanted(self) -> int | None:
        """How many bits to say that 16-bit images in grey have; None where it need not be said."""
        used = [self.bits_used(mode) for mode in self.deep if mode in GREYS]
        return max(used) if used and max(used) <= FEW_LEVELS else None

    @property
    def extent(self) -> tuple[Size, Size]:
        """The least and the most (height, width) of its images, be they files or arrays."""
        if self.sizes is not None:
            return self.sizes
        assert self.shape is not None, "arrays have one shape"
        return self.shape[:2], self.shape[:2]

    @property
    def colours(self) -> tuple[str, ...]:
        """The colours of its images: `grey`, `rgb`, and others as Pillow calls them."""
        if self.sizes is not None:
            return tuple(map(self.colour_of, self.modes))
        assert self.shape is not None, "arrays have one shape"
        return tuple(colour for colour, number in CHANNELS.items() if number == self.shape[2])

    def colour_of(self, mode: str) -> str:
        """What a reader calls one of Pillow's modes."""
        if mode in self.deep and mode in GREYS:
            return "grey of 16 bits"
        return COLOURS.get(mode) or OTHER_COLOURS.get(mode, mode)

    def image_shape(self, decoding: Decoding) -> Shape | None:
        """Shape of the images once decoded; None where they would differ."""
        if self.sizes is None:
            return self.shape
        size, colour = decoding.size or self.common_size, decoding.colour or self.common_colour
        return (*size, CHANNELS[colour]) if size and colour else None

    @property
    def common_size(self) -> Size | None:
        """The size that all image files have."""
        return self.sizes[0] if self.sizes and self.sizes[0] == self.sizes[1] else None

    @property
    def common_colour(self) -> Colour | None:
        """The colour that all image files have, if it can be taken as it is."""
        return COLOURS.get(self.modes[0]) if len(self.modes) == 1 else None
