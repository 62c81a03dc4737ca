"""How image files become arrays of one shape: size, colour, fit, interpolation, bits."""

from dataclasses import dataclass
from typing import Literal

from headstart.core.hashing import Json

Colour = Literal["grey", "rgb"]
Fit = Literal["stretch", "crop", "pad"]
Interpolation = Literal["bilinear", "bicubic", "lanczos", "nearest"]

CHANNELS: dict[Colour, int] = {"grey": 1, "rgb": 3}
CROP = 0.875  # the share of the resized image's side that ImageNet's evaluations keep
PADDING = 128  # grey: about the mean of photos, so near 0 once inputs are standardised
BITS = 16
VERSION = 1  # raised when the same files and the same decoding give other pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """The decoding of image files, with nothing left open but what all files have in common.

    Attributes:
        size: (height, width) of every image; None: the size that all files have.
        colour: of every image; None: the colour that all files have.
        fit: `stretch` resizes to `size`, whatever the proportions; `crop` resizes until the image
            covers `size` divided by `crop`, and keeps the centre; `pad` resizes until the image
            just fits into `size`, and fills the rest with grey (`PADDING`) on both sides.
        crop: side of the centre that is kept, as a share of the resized image's.
        interpolation: of the resizing, antialiased (but for `nearest`).
        bits: that the values of 16-bit images take up; the upper 8 of them are kept.
    """

    size: tuple[int, int] | None = None
    colour: Colour | None = None
    fit: Fit = "stretch"
    crop: float = 1.0
    interpolation: Interpolation = "bilinear"
    bits: int = BITS

    def words(self, *, same_proportions: bool) -> str:
        """What becomes of the shape and depth of image files; empty where both stay."""
        fits = {"stretch": "stretched", "crop": "cropped", "pad": "padded"}
        if same_proportions:
            fits["stretch"] = "resized"
        words = [f"{fits[self.fit]} to {self.size[0]} x {self.size[1]}"] if self.size else []
        return ", ".join([*words, *([f"{self.bits} bits"] if self.bits != BITS else [])])

    @property
    def payload(self) -> Json:
        """Payload: version of the decoder, and every setting that is not the default."""
        given: Json = {"version": VERSION}
        if self.size is not None:
            given["size"] = list(self.size)
        if self.colour is not None:
            given["colour"] = self.colour
        if self.fit != "stretch":
            given["fit"] = self.fit
        if self.fit == "crop":
            given["crop"] = self.crop
        if self.interpolation != "bilinear":
            given["interpolation"] = self.interpolation
        if self.bits != BITS:
            given["bits"] = self.bits
        return given


def resolved(
    size: tuple[int, int] | None,
    colour: Colour | None,
    fit: Fit | None,
    crop: float | None,
    interpolation: Interpolation | None,
    bits: int | None,
) -> Decoding:
    """Decoding with defaults for what is None.

    Where no size is wished, nothing is resized, so that one decoding has one payload.
    """
    if size is None:
        return Decoding(colour=colour, bits=bits or BITS)
    fit = fit or ("stretch" if crop is None else "crop")
    return Decoding(
        size=size,
        colour=colour,
        fit=fit,
        crop=(crop or CROP) if fit == "crop" else 1.0,
        interpolation=interpolation or "bilinear",
        bits=bits or BITS,
    )
