"""Tasks: a data set, chosen or merged classes, a validation split, preprocessing."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from headstart.core.names import in_a_row, natural_order
from headstart.study.base import Spec
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.decoding import Colour, Decoding, Fit, Interpolation, resolved
from headstart.study.labels import Grouping, Labels, LabelTable
from headstart.study.network_facts import InputFacts

MOST_PIXELS = 1 << 24  # of an image that a network is given

ClassName = str | int
"""A class by its name, or by its index among the data set's classes; see `class_index`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Groups that stay together: what makes them, and how many are taken out to validate with."""

    by: Grouping
    validation: float
    seed: int

    def __str__(self) -> str:
        return f"grouped by {self.by}, {self.validation:g} to validate, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRef:
    """A data set by name or path, and how its images are decoded: all that is needed to open it.

    `labels` is the table that labels its image files, and `grouped` the groups that its parts keep
    together. The other fields are those of `ImageSpec`. None is what a study does not say:
    `preferring` fills it with what a pretrained network asks for, and `decoding` with the defaults.
    `prepared` is the file that holds the images as they are read, where this machine does not see
    the data set itself.
    """

    dataset: str
    labels: LabelTable | None = None
    grouped: Grouped | None = None
    size: tuple[int, int] | None = None
    colour: Colour | None = None
    fit: Fit | None = None
    crop: float | None = None
    interpolation: Interpolation | None = None
    bits: int | None = None
    skip_broken: bool = False
    follow_links: bool = False
    prepared: str = ""

    def __str__(self) -> str:
        size = f" at {self.size[0]}x{self.size[1]}" if self.size else ""
        fit = {None: "", "stretch": " stretched", "crop": " cropped", "pad": " padded"}[self.fit]
        crop = f" to {self.crop:g}" if self.crop is not None else ""
        bits = f" of {self.bits} bits" if self.bits else ""
        words = (fit + crop, f" {self.interpolation}" if self.interpolation else "", bits)
        colour = f" {self.colour}" if self.colour else ""
        return f"{self.dataset}{size}{colour}{''.join(words)}{self.reading}"

    @property
    def undecoded(self) -> "DataRef":
        """The same without how images are decoded."""
        return replace(
            self, size=None, colour=None, fit=None, crop=None, interpolation=None, bits=None
        )

    @property
    def origin(self) -> str:
        """The data set and how its files are read, however they are decoded."""
        return f"{self.dataset}{self.reading}"

    @property
    def reading(self) -> str:
        """Where labels and groups come from, and the files that are left out."""
        labels = f", labels of {self.labels}" if self.labels else ""
        grouped = f", {self.grouped}" if self.grouped else ""
        skipping = ", skipping broken files" if self.skip_broken else ""
        return f"{labels}{grouped}{skipping}{', following links' if self.follow_links else ''}"

    @property
    def decoding(self) -> Decoding:
        """How image files are decoded, with the defaults for what is not said."""
        return resolved(self.size, self.colour, self.fit, self.crop, self.interpolation, self.bits)

    def cropping(self, known: DatasetFacts) -> "DataRef":
        """The same with the least crop where no fit is said and images have other proportions.

        Where all have those of `size`, stretching and the least crop give the same pixels.
        """
        if self.fit or self.crop or self.size is None:
            return self
        other = known.has_proportions(self.size) is False
        return replace(self, fit="crop", crop=1.0) if other else self

    def preferring(self, wanted: InputFacts) -> "DataRef":
        """The same with what a network was trained on for all that is not said.

        For image files only: arrays are neither resized nor recoloured. A stretched image stays
        whole, so the network's crop is for cropped ones.
        """
        fit = self.fit or "crop"
        return replace(
            self,
            size=self.size or wanted.size,
            colour=self.colour or ("rgb" if wanted.channels == 3 else "grey"),
            fit=fit,
            crop=(self.crop or wanted.crop) if fit == "crop" else None,
            interpolation=self.interpolation or interpolation_of(wanted),
        )


def interpolation_of(wanted: InputFacts) -> Interpolation:
    """The interpolation that a network names, if it is one of those there are."""
    known: dict[str, Interpolation] = {name: name for name in get_args(Interpolation)}
    return known.get(wanted.interpolation, "bilinear")


FOLDS = 5
"""Parts that the images of a repeated split are dealt into: each is the test part of a seed."""


class SplitSpec(Spec):
    """Which images of a task train, which validate and which test.

    Validation images are taken out of the training images and are the same for every arm and seed.
    `head` takes the first images of the file, `tail` the last; `random` draws without regard to
    class, `stratified` from each class in proportion. `by = "test"` validates on the test images
    themselves: a slip that published work contains and that a gate refuses.

    `test` is the published test part, or a share of the training images at their end (the published
    test images are then left alone), of which the last `drop_last` are dropped. `repeated` gives
    each seed a test part to itself, a fifth of all images, those of a published test part included:
    five seeds in a row test every image once. `take` keeps the
    task to a part of its training images, from one share to another in the order of the file, so
    that two tasks on one data set can have different images.

    `group` is a column of the table of labels, or a pattern in file names: images of a group are in
    one part. Groups are dealt for the data set, whatever classes a task has, so that tasks on one
    data set with one split agree.
    """

    by: Literal["stratified", "random", "head", "tail", "test"] = "stratified"
    validation: Annotated[int, Field(ge=0)] | Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: Annotated[int, Field(ge=0)] = 0
    test: Literal["published", "repeated"] | Annotated[float, Field(gt=0, lt=1)] = "published"
    drop_last: Annotated[int, Field(ge=0)] = 0
    take: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(gt=0, le=1)]] = (0, 1)
    group: Grouping | None = None

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
        if self.group is None:
            return self
        if self.by != "stratified":
            raise ValueError(f"groups are dealt by 'stratified', not by '{self.by}'")
        if self.test != "published" or self.take != (0, 1):
            raise ValueError("'test' and 'take' cut groups apart: leave them or 'group' out")
        if isinstance(self.validation, int) and self.validation:
            raise ValueError(
                f"groups cannot make up exactly {self.validation} validation images: give a share, "
                "such as validation = 0.1"
            )
        return self

    @property
    def grouped(self) -> Grouped | None:
        """The groups that the parts of a data set keep together, if any."""
        if self.group is None:
            return None
        return Grouped(by=self.group, validation=float(self.validation), seed=self.seed)

    @property
    def validates(self) -> bool:
        """Whether there are validation images."""
        return self.by == "test" or self.validation != 0

    @property
    def repeats(self) -> bool:
        """Whether each seed has a test part to itself."""
        return self.test == "repeated"

    def taken(self, num_images: int) -> slice:
        """Where the images of the task lie among `num_images` training images."""
        return slice(*self._bounds(num_images))

    def num_taken(self, num_images: int) -> int:
        """How many of `num_images` training images are the task's."""
        first, last = self._bounds(num_images)
        return max(0, last - first)

    def _bounds(self, num_images: int) -> tuple[int, int]:
        first, last = (int(share * num_images + 0.5) for share in self.take)
        return first, last

    def num_test_cut(self, num_images: int) -> int:
        """How many of the images taken become test images (dropped ones included)."""
        if self.test == "published":
            return 0
        if self.test == "repeated":
            return num_images // FOLDS
        # What stays is rounded down, as `images[:int(0.8 * n)]` does.
        return num_images - int((1 - self.test) * num_images)

    def num_validation(self, num_images: int) -> int:
        """How many of `num_images` training images go to validation (a fraction: half up)."""
        if self.by == "test":
            return 0
        if isinstance(self.validation, int):
            return self.validation
        return int(self.validation * num_images + 0.5)

    def num_left(self, num_images: int) -> int:
        """How many of `num_images` are left for training once test and validation are taken."""
        taken = self.num_taken(num_images)
        left = taken - self.num_test_cut(taken)
        return left - self.num_validation(left)


Alteration = Literal["shuffled_labels", "inverted_images"]


class ImageSpec(Spec):
    """How image files of a folder or an archive become arrays of one shape.

    `size` is [height, width], antialiased; left out, all images must have one size. `fit` says what
    becomes of other proportions: `crop` the centre, `pad` with grey, or `stretch`; `crop` is then
    the share of the resized side that is kept, and `interpolation` how pixels are weighed. `colour`
    turns every image into `grey` or `rgb`; left out, all must be of one mode. What is left out is
    as a pretrained network wants it, and else cropped as little as possible and bilinear.
    `bits` is how many of the 16 bits of 16-bit images are used; the upper 8 of them are kept.
    `skip_broken` leaves out files that cannot be decoded, and counts them. `follow_links` takes
    links that lead out of the folder for what they lead to.
    """

    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    colour: Colour | None = None
    fit: Fit | None = None
    crop: Annotated[float, Field(gt=0, le=1)] | None = None
    interpolation: Interpolation | None = None
    bits: Annotated[int, Field(ge=8, le=16)] | None = None
    skip_broken: bool = False
    follow_links: bool = False

    @field_validator("size")
    @classmethod
    def _bounded(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value and value[0] * value[1] > MOST_PIXELS:
            size = f"{value[0]} x {value[1]}"
            raise ValueError(f"{size} is too large; at most {MOST_PIXELS:,} pixels (4096 x 4096)")
        return value

    @model_validator(mode="after")
    def _one_fit(self) -> Self:
        if self.fit in ("stretch", "pad") and self.crop is not None:
            word = "stretched" if self.fit == "stretch" else "padded"
            raise ValueError(f"a {word} image is not cropped: leave out 'crop', or fit = 'crop'")
        return self


class TaskSpec(Spec):
    """One classification task on one data set.

    `classes` is a list of classes to keep, re-indexed in the order given (all of them when it is
    absent), or a table of new names with the classes merged under each:
    `{ even = [0, 2, 4, 6, 8], odd = [1, 3, 5, 7, 9] }`. With `labels = "original"` the classes kept
    have the data set's own labels, and the head is as wide as the data set has classes. Labels of
    image files may come from a table: `labels = "labels.csv"`.

    `alter` spoils a task on purpose, for controls: `shuffled_labels` deals the labels of its
    training and validation images out anew, so that there is nothing to learn of them, and
    `inverted_images` turns light into dark.
    """

    dataset: str
    classes: tuple[ClassName, ...] | dict[str, tuple[ClassName, ...]] | None = None
    labels: Literal["reindexed", "original"] | Labels = "reindexed"
    split: SplitSpec = SplitSpec()
    image: ImageSpec = ImageSpec()
    alter: tuple[Alteration, ...] = ()

    @field_validator("dataset")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; give the name of a data set or a path")
        return value

    @property
    def data(self) -> DataRef:
        """The data set as it is to be decoded."""
        return DataRef(
            dataset=self.dataset,
            labels=self.labels if isinstance(self.labels, LabelTable) else None,
            grouped=self.split.grouped,
            size=self.image.size,
            colour=self.image.colour,
            fit=self.image.fit,
            crop=self.image.crop,
            interpolation=self.image.interpolation,
            bits=self.image.bits,
            skip_broken=self.image.skip_broken,
            follow_links=self.image.follow_links,
        )

    def groups(self, known: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
        """The task's classes: name -> indices among `known`. Names must be known (see checks).

        With original labels, the classes left out are there without any member.
        """
        if self.classes is None:
            return {name: (index,) for index, name in enumerate(known)}
        if isinstance(self.classes, dict):
            return {
                name: tuple(class_index(member, known) for member in members)
                for name, members in self.classes.items()
            }
        indices = [class_index(given, known) for given in self.classes]
        if self.labels == "original":
            return {n: (index,) if index in indices else () for index, n in enumerate(known)}
        return {known[index]: (index,) for index in indices}


def class_index(given: ClassName, known: tuple[str, ...]) -> int:
    """Index of a class given by name or by index.

    A number that is also a name is that name: of the folders 1, 10, 2 the number 1 is the first and
    not the second. Where all classes are named by numbers, no number is an index.

    Raises:
        LookupError: there is no such class.
    """
    if str(given) in known:
        return known.index(str(given))
    if isinstance(given, int) and 0 <= given < len(known) and not _numbered(known):
        return given
    raise LookupError(given)


def known_classes(known: tuple[str, ...]) -> str:
    """A sentence that says how the classes of a data set may be given."""
    if _numbered(known):
        return f"Known: {in_a_row(natural_order(known))}."
    return f"Known: {in_a_row(known)} (or 0 to {len(known) - 1})."


def _numbered(known: tuple[str, ...]) -> bool:
    """Whether all classes are named by whole numbers."""
    return all(name.removeprefix("-").isdecimal() for name in known)


class PreprocessingSpec(Spec):
    """How bytes become network inputs, the same for every arm of a study.

    `unit` divides by 255. With `standardise = "network"` inputs are what a library's network has
    been trained on: its own mean, deviation and order of channels; `auto` is `network` where the
    network says so, and `none` elsewhere. `channel` and `pixel` subtract a mean and divide by a
    standard deviation, one per channel or one per pixel, measured on the training images of the
    source task (`statistics = "source"`: the convention travels with the trunk), on the images an
    arm itself trains on (`"own"`), or on all training images of the arm's task, used or not
    (`"task"`: what published work often does; withheld images leak into it). No deviation is taken
    below `floor` times the range of the scaled inputs, so that a constant pixel cannot blow up.
    """

    scale: Literal["unit", "none"] = "unit"
    standardise: Literal["auto", "network", "none", "channel", "pixel"] = "auto"
    statistics: Literal["source", "own", "task"] = "source"
    floor: Annotated[float, Field(gt=0, le=1)] = 0.01
