"""How image files become arrays of one shape: size, colour, fit, crop and interpolation."""

from dataclasses import dataclass
from typing import Literal

from headstart.core.hashing import Json

Colour = Literal["grey", "rgb"]
Fit = Literal["stretch", "crop"]
Interpolation = Literal["bilinear", "bicubic", "lanczos", "nearest"]

CHANNELS: dict[Colour, int] = {"grey": 1, "rgb": 3}
CROP = 0.875  # the share of the resized image's side that ImageNet's evaluations keep
VERSION = 1  # raised when the same files and the same decoding give other pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """The decoding of image files, with nothing left open but what all files have in common.

    Attributes:
        size: (height, width) of every image; None: the size that all files have.
        colour: of every image; None: the colour that all files have.
        fit: `stretch` resizes to `size`, whatever the proportions; `crop` resizes until the image
            covers `size` divided by `crop`, and keeps the centre.
        crop: side of the centre that is kept, as a share of the resized image's.
        interpolation: of the resizing, antialiased (but for `nearest`).
    """

    size: tuple[int, int] | None = None
    colour: Colour | None = None
    fit: Fit = "stretch"
    crop: float = 1.0
    interpolation: Interpolation = "bilinear"

    @property
    def payload(self) -> Json:
        """Payload: version of the decoder, and every setting that is not the default."""
        given: Json = {"version": VERSION}
        if self.size is not None:
            given["size"] = list(self.size)
        if self.colour is not None:
            given["colour"] = self.colour
        if self.fit != "stretch":
            given |= {"fit": self.fit, "crop": self.crop}
        if self.interpolation != "bilinear":
            given["interpolation"] = self.interpolation
        return given


def resolved(
    size: tuple[int, int] | None,
    colour: Colour | None,
    fit: Fit | None,
    crop: float | None,
    interpolation: Interpolation | None,
) -> Decoding:
    """Decoding with defaults for what is None.

    Where no size is wished, nothing is resized, so that one decoding has one payload.
    """
    if size is None:
        return Decoding(colour=colour)
    cropped = (fit or ("stretch" if crop is None else "crop")) == "crop"
    return Decoding(
        size=size,
        colour=colour,
        fit="crop" if cropped else "stretch",
        crop=(crop or CROP) if cropped else 1.0,
        interpolation=interpolation or "bilinear",
    )
