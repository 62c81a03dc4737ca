"""One image file to an array: upright, in one colour and size."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from headstart.core.errors import DataError
from headstart.data.formats.archives import DamagedFile
from headstart.data.formats.file_kinds import pillow_formats, unread_by_content
from headstart.study.decoding import BITS, PADDING, Decoding

ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)  # orientations that exchange height and width
GAP = 3.0  # an image is first reduced roughly, to this many times the size asked for at least
ROUNDING = 1e-6  # so that 224 / (224 / 232) is 232

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A file that cannot be decoded, and why."""

    name: str
    reason: str


class _Unfit(Exception):
    """A file that is no image which can be decoded as asked, and why."""


def guarded(name: str, work: Callable[[], Answer]) -> Answer | Broken:
    """Result of `work` for a file, or the reason why its bytes are no image.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return work()
    except (DataError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Broken(name=name, reason=f"too large to be decoded safely: {error}")
    except DamagedFile as error:
        return Broken(name=name, reason=str(error))
    except Exception as error:  # whatever Pillow's readers meet in damaged bytes
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        return Broken(name=name, reason=reason or type(error).__name__)


def opened(content: bytes) -> Image.Image:
    """The image in a file, of which the header is read; raises what Pillow raises."""
    try:
        return Image.open(io.BytesIO(content), formats=pillow_formats())
    except UnidentifiedImageError:
        if reason := unread_by_content(content):
            raise _Unfit(reason) from None
        raise


def greatest_value(image: Image.Image) -> int:
    """The greatest value of an image of 16 bits per channel; 0 for one of 8 bits.

    Of colours Pillow gives the upper 8 bits alone: the lower ones are then taken to be ones.
    """
    if image.mode.startswith("I"):
        return int(np.asarray(image).max())
    if not any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        return 0
    colours = [band for band in image.getbands() if band != "A"]
    return max(int(np.asarray(image.getchannel(band)).max()) for band in colours) << 8 | 0xFF


def check(content: bytes) -> None:
    """Decode a file as coarsely as its format allows; raises what Pillow raises."""
    image = opened(content)
    image.draft(None, (1, 1))  # of a JPEG all bytes are read, and few pixels computed
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        _coloured(image, "L", BITS)


def decode(content: bytes, decoding: Decoding) -> np.ndarray:
    """Pixels of a file, uint8 (height, width, channels); raises what Pillow raises."""
    image = opened(content)
    gap = None if decoding.interpolation == "nearest" else GAP
    height, width = upright_size(image)
    if decoding.size and gap:
        # A JPEG may be read at a half, a quarter or an eighth, still larger than it is reduced from
        # below, whichever way up: photos of 12 megapixels take a third of the time.
        side = round(gap * _draft_side(height, width, decoding))
        image.draft(None, (side, side))
    ImageOps.exif_transpose(image, in_place=True)
    if decoding.colour:
        mode = "L" if decoding.colour == "grey" else "RGB"
        image = _coloured(image, mode, decoding.bits)
    if decoding.size:
        image = _fitted(image, (height, width), decoding, gap)
    pixels = np.frombuffer(image.tobytes(), dtype=np.uint8)
    return pixels.reshape(image.height, image.width, -1)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of an image that was opened, as they are once it is turned upright."""
    width, height = image.size
    # Pillow opens a TIFF at its upright size.
    turned = image.format != "TIFF" and image.getexif().get(ORIENTATION) in TURNED
    return (width, height) if turned else (height, width)


def resized_to(height: int, width: int, decoding: Decoding) -> tuple[int, int]:
    """(height, width) that an image of some size is resized to, before it is cut or padded.

    As torchvision's `Resize` and timm's `ResizeKeepRatio` round, behind timm's `floor(size / crop)`
    for the size that is to be covered.
    """
    assert decoding.size
    if decoding.fit == "stretch":
        return decoding.size
    if decoding.fit == "pad":
        high, wide = decoding.size
        ratio = max(height / high, width / wide)
        return max(round(height / ratio), 1), max(round(width / ratio), 1)
    high, wide = (floor(side / decoding.crop + ROUNDING) for side in decoding.size)
    if high == wide:
        if height <= width:
            return high, int(high * width / height)
        return int(high * height / width), high
    ratio = min(height / high, width / wide)
    return max(round(height / ratio), high), max(round(width / ratio), wide)


def _draft_side(height: int, width: int, decoding: Decoding) -> int:
    """The side that neither side of a coarsely read image may come below, before the gap."""
    if decoding.fit == "stretch":
        assert decoding.size
        return max(decoding.size)
    # Either way up: an image that lies on its side may have to cover more.
    return max(min(resized_to(*way, decoding)) for way in ((height, width), (width, height)))


def _fitted(
    image: Image.Image, original: tuple[int, int], decoding: Decoding, gap: float | None
) -> Image.Image:
    """Resized as its size before any coarse reading asks for, and then its centre or padded."""
    assert decoding.size
    high, wide = resized_to(*original, decoding)
    height, width = decoding.size
    method = Image.Resampling[decoding.interpolation.upper()]
    if decoding.fit == "pad":
        if (image.height, image.width) != (high, wide):
            image = image.resize((wide, high), method, reducing_gap=gap)
        padded = Image.new(image.mode, (width, height), (PADDING,) * len(image.getbands()))
        padded.paste(image, ((width - wide) // 2, (height - high) // 2))
        return padded
    top, left = round((high - height) / 2), round((wide - width) / 2)
    if (image.height, image.width) == (high, wide):
        whole = (high, wide) == (height, width)
        return image if whole else image.crop((left, top, left + width, top + height))
    # Only the centre is computed: filters look beyond the box, so that its pixels are the same.
    down, across = image.height / high, image.width / wide
    box = (left * across, top * down, (left + width) * across, (top + height) * down)
    return image.resize((width, height), method, box=box, reducing_gap=gap)


def _coloured(image: Image.Image, mode: str, bits: int) -> Image.Image:
    """In 8 bits, over white where it is transparent, in one mode.

    Of grey images of 16 bits the upper 8 of `bits` are kept.
    """
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if image.mode == "I" and not (values.min() >= 0 and values.max() < 1 << BITS):
            raise _Unfit("has more than 16 bits per pixel")
        if values.max() >> bits:
            raise _Unfit(f"has the value {values.max():,}, more than {bits} bits hold")
        image = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
    if image.mode == "F":
        raise _Unfit("has floating-point pixels")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)
