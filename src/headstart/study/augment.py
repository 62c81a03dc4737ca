"""Augmentation: random changes of training images, drawn anew at every update."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from headstart.study.base import Spec

Share = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0)]


class Flip(Spec):
    """Mirror an image, left to right or (`vertical`) upside down, with probability `p`."""

    kind: Literal["flip"] = "flip"
    vertical: bool = False
    p: Share = 0.5


class Crop(Spec):
    """Shift an image by up to `padding` pixels, what comes in being black."""

    kind: Literal["crop"] = "crop"
    padding: Annotated[int, Field(ge=1)] = 4


class ResizedCrop(Spec):
    """Cut out a part of an image's area, from `smallest` to all of it, and resize it back."""

    kind: Literal["resized_crop"] = "resized_crop"
    smallest: Annotated[float, Field(gt=0, lt=1)] = 0.35


class Colour(Spec):
    """Change brightness, contrast and saturation by up to these shares, and hue by a part of 1."""

    kind: Literal["colour"] = "colour"
    brightness: Strength = 0.3
    contrast: Strength = 0.3
    saturation: Strength = 0.3
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0


class RandAugment(Spec):
    """Some of fourteen operations on each image (Cubuk et al. 2020)."""

    kind: Literal["rand_augment"] = "rand_augment"
    operations: Annotated[int, Field(ge=1)] = 2
    magnitude: Annotated[int, Field(ge=0, le=30)] = 9


AnyAugmentation = Flip | Crop | ResizedCrop | Colour | RandAugment


def _named(given: Any) -> Any:
    """One that needs no settings may be written as its bare name: "flip"."""
    return {"kind": given} if isinstance(given, str) else given


Augmentation = Annotated[
    Annotated[AnyAugmentation, Field(discriminator="kind")],
    BeforeValidator(_named),
]
