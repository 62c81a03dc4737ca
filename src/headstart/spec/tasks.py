"""What is to be learnt: a data set, chosen or merged classes, a validation split, preprocessing."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from headstart.spec.base import Spec

ClassName = str | int
"""A class by its name, or by its index among the data set's classes."""


class SplitSpec(Spec):
    """How validation images are taken out of the published training images.

    They are the same for every arm and seed; the published test images are left alone.

    `head` takes the first images of the file, `random` draws without regard to class,
    `stratified` draws from each class in proportion.
    """

    by: Literal["stratified", "random", "head"] = "stratified"
    validation: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: Annotated[int, Field(ge=0)] = 0

    def num_validation(self, num_images: int) -> int:
        """How many of `num_images` images go to validation (a fraction is rounded half up)."""
        if isinstance(self.validation, int):
            return self.validation
        return int(self.validation * num_images + 0.5)


class TaskSpec(Spec):
    """One classification task on one data set.

    `classes` is a list of classes to keep, re-indexed in the order given (all of them when it is
    absent), or a table of new names with the classes merged under each:
    `{ even = [0, 2, 4, 6, 8], odd = [1, 3, 5, 7, 9] }`.
    """

    dataset: str
    classes: tuple[ClassName, ...] | dict[str, tuple[ClassName, ...]] | None = None
    split: SplitSpec = SplitSpec()

    @field_validator("dataset")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; give the name of a data set or a path")
        return value

    def groups(self, known: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
        """The task's classes: name -> indices among `known`. Names must be known (see checks)."""
        if self.classes is None:
            return {name: (index,) for index, name in enumerate(known)}
        if isinstance(self.classes, dict):
            return {
                name: tuple(class_index(member, known) for member in members)
                for name, members in self.classes.items()
            }
        indices = [class_index(given, known) for given in self.classes]
        return {known[index]: (index,) for index in indices}


def class_index(given: ClassName, known: tuple[str, ...]) -> int:
    """Index of a class given by name or by index.

    Raises:
        LookupError: there is no such class.
    """
    if isinstance(given, int):
        if 0 <= given < len(known):
            return given
        raise LookupError(given)
    try:
        return known.index(given)
    except ValueError:
        raise LookupError(given) from None


class PreprocessingSpec(Spec):
    """How bytes become network inputs, the same for every arm of a study.

    `unit` divides by 255. Standardising subtracts a mean and divides by a standard deviation, one
    per channel or one per pixel, measured on the training images of the source task
    (`statistics = "source"`: the convention travels with the trunk) or on the images an arm itself
    trains on (`"own"`). No deviation is taken below `floor` times the range of the scaled inputs,
    so that a constant pixel cannot blow up.
    """

    scale: Literal["unit", "none"] = "unit"
    standardise: Literal["none", "channel", "pixel"] = "none"
    statistics: Literal["source", "own"] = "source"
    floor: Annotated[float, Field(gt=0, le=1)] = 0.01
