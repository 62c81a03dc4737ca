"""Images that lie in one task under two labels: equal bytes, different classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from headstart.data.images import Images
from headstart.data.leaks.exact_duplicates import Hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLabels:
    """The first place of an image, and the first one under another label.

    Positions and classes are those of their own parts; names are empty where images are no files.
    """

    part: str
    other: str
    index: int
    other_index: int
    label: int
    other_label: int
    name: str
    other_name: str


def two_labels(parts: Mapping[str, Images], hashes: Mapping[str, Hashes]) -> tuple[TwoLabels, ...]:
    """Every image of some parts of one task that has two labels, in the order of the parts."""
    first: dict[bytes, tuple[str, int]] = {}
    found: dict[bytes, TwoLabels] = {}
    for other, images in parts.items():
        for other_index, digest in enumerate(hashes[other].plain):
            part, index = first.setdefault(digest, (other, other_index))
            label, other_label = int(parts[part].labels[index]), int(images.labels[other_index])
            if label != other_label and digest not in found:
                found[digest] = TwoLabels(
                    part=part,
                    other=other,
                    index=index,
                    other_index=other_index,
                    label=label,
                    other_label=other_label,
                    name=parts[part].file(index),
                    other_name=images.file(other_index),
                )
    return tuple(found.values())
