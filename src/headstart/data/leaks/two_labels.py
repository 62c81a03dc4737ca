"""Images that lie in one task under two labels: equal bytes, different classes."""

from collections.abc import Mapping

from headstart.data.images import Images
from headstart.data.leaks.exact_duplicates import Hashes
from headstart.data.leaks.image_pair import ImagePair, places


def two_labels(parts: Mapping[str, Images], hashes: Mapping[str, Hashes]) -> tuple[ImagePair, ...]:
    """Every image of some parts of one task that has two labels, in the order of the parts.

    A pair is the first place of the image, and the first one under another label.
    """
    first: dict[bytes, tuple[str, int]] = {}
    found: dict[bytes, ImagePair] = {}
    for other, images in parts.items():
        for other_index, digest in enumerate(hashes[other].plain):
            part, index = first.setdefault(digest, (other, other_index))
            label, other_label = int(parts[part].labels[index]), int(images.labels[other_index])
            if label != other_label and digest not in found:
                found[digest] = ImagePair(**places(part, index, other, other_index, parts))
    return tuple(found.values())
