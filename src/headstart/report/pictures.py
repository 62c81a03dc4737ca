"""Pictures of a report as data URIs."""

import base64
import io

from headstart.analyse.analysis import Picture

LARGEST_PNG = 40  # rows and columns; up to there every pixel counts, and a PNG is as small


def data_uri(picture: Picture) -> str:
    """Picture in a data URI: a PNG where it is tiny, else a JPEG, a fifth of its size."""
    from PIL import Image

    mode, size = ("L" if picture.channels == 1 else "RGB"), (picture.width, picture.height)
    image, file = Image.frombytes(mode, size, picture.values), io.BytesIO()
    kind = "png" if is_tiny(picture) else "jpeg"
    image.save(file, kind, quality=85)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def is_tiny(picture: Picture) -> bool:
    """Whether a picture is so small that it is enlarged pixel by pixel."""
    return max(picture.height, picture.width) <= LARGEST_PNG
