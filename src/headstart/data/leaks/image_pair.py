"""Two images of the same or of different parts, by their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headstart.data.images import Images


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePair:
    """Two images with positions and classes in their own parts.

    Names are empty where images are no files.
    """

    part: str
    other: str
    index: int
    other_index: int
    label: int
    other_label: int
    name: str
    other_name: str


def places(
    part: str, index: int, other: str, other_index: int, parts: Mapping[str, Images]
) -> dict[str, Any]:
    """The fields of `ImagePair` for the image at `index` of `part` and that of another part."""
    one, two = parts[part], parts[other]
    return {
        "part": part,
        "other": other,
        "index": index,
        "other_index": other_index,
        "label": int(one.labels[index]),
        "other_label": int(two.labels[other_index]),
        "name": one.file(index),
        "other_name": two.file(other_index),
    }
