"""Contact sheet of a data set: pictures of every class, what is left out, likely copies."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from headstart.data.catalogue import PARTS, Part
from headstart.data.datasets import facts_of, open_part, photos_in
from headstart.data.formats.file_kinds import is_read
from headstart.data.images import Images, as_bytes
from headstart.data.leaks.copies import KINDS
from headstart.data.leaks.copies_inside import copies_inside
from headstart.data.thumbnails import thumbnails
from headstart.study.dataset_facts import DatasetFacts, Size
from headstart.study.decoding import BITS, Decoding
from headstart.study.tasks import DataRef

if TYPE_CHECKING:
    from headstart.data.formats.photo_set import PhotoSet

NEAR = 0.99  # correlation from which on images are likely copies, as a study takes it
SIDE = 144  # rows and columns of a picture at most: 96 on the page, sharp on a fine screen
COMPARED = (32, 32)  # size at which image files are compared
MOST_COMPARED = 20_000  # images up to which near copies are sought, all with all
PICTURES = 480  # on a page, of all classes together
LEAST_EACH, MOST_EACH = 2, 24  # pictures of a class
PAIRS = 60  # of copies shown
FREQUENT = 6  # sizes named


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """One image of the sheet: part, class, file (or position in its part), picture."""

    part: Part
    label: int
    name: str
    picture: np.ndarray  # uint8 (height, width, 1 or 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopyPair:
    """Two images that are likely one: how they are alike, and by how much (1: equal)."""

    kind: str
    similarity: float
    one: Shown
    other: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCounts:
    """Pairs of likely copies, those of them in two parts, and those in two classes.

    `near_sought` is whether nearly equal images were looked for too.
    """

    num: int
    across_parts: int
    across_classes: int
    near_sought: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContactSheet:
    """What a page shows of a data set.

    Attributes:
        name: of the data set, as it was asked for.
        facts: of it.
        classes: pictures of each class in the order of `facts.classes`, training images first.
        copies: how many images are likely copies.
        pairs: the most telling of them: in two classes, then in two parts, then the most alike.
        sizes: the most frequent (height, width), with the number of images.
        num_sizes: how many different sizes there are.
        colours: all there are, with the number of images.
        broken: image files that cannot be decoded, and why.
    """

    name: str
    facts: DatasetFacts
    classes: tuple[tuple[Shown, ...], ...]
    copies: CopyCounts
    pairs: tuple[CopyPair, ...]
    sizes: tuple[tuple[Size, int], ...]
    num_sizes: int
    colours: tuple[tuple[str, int], ...]
    broken: tuple[tuple[str, str], ...]


def contact_sheet(dataset: str) -> ContactSheet:
    """The sheet of a data set. Image files that cannot be decoded are left out.

    Args:
        dataset: a known name, or the path of a folder or file.

    Raises:
        DataError: it is missing or makes no data set.
    """
    data = DataRef(dataset=dataset, skip_broken=True)
    facts, photos = facts_of(data), photos_in(data)
    small = replace(data, size=COMPARED, colour="rgb", fit="stretch", bits=facts.bits_wanted)
    parts = {part: open_part(small if photos else data, part) for part in PARTS}
    every = _together(parts)
    sought = len(every) <= MOST_COMPARED
    found = copies_inside(every, NEAR if sought else None)
    pairs = _ranked(found.index, found.similarity, parts)
    chosen = [_of_class(parts, label, len(facts.classes)) for label in range(len(facts.classes))]
    wanted = [
        *(at for some in chosen for at in some),
        *(at for pair in pairs[:PAIRS] for at in pair),
    ]
    shown = _shown(dict.fromkeys(wanted), parts, photos, facts)
    sizes = _sizes(photos, facts)
    return ContactSheet(
        name=dataset,
        facts=facts,
        classes=tuple(tuple(shown[at] for at in some) for some in chosen),
        copies=_counts(pairs, parts, sought),
        pairs=tuple(
            CopyPair(
                kind=KINDS[found.kind[one]],
                similarity=float(found.similarity[one]),
                one=shown[one],
                other=shown[other],
            )
            for one, other in pairs[:PAIRS]
        ),
        sizes=tuple(sizes.most_common(FREQUENT)),
        num_sizes=len(sizes),
        colours=tuple(_colours(photos, facts).most_common()),
        broken=_broken(photos) if photos else (),
    )


def _together(parts: dict[Part, Images]) -> Images:
    """All images of all parts: positions run through the parts in their order."""
    pixels = [np.concatenate([*parts[part].blocks()]) for part in PARTS if len(parts[part])]
    labels = [parts[part].labels for part in PARTS]
    return Images(np.concatenate(pixels), np.concatenate(labels))


def _place(at: int, parts: dict[Part, Images]) -> tuple[Part, int]:
    """Part and position in it of an image among all."""
    num_train = len(parts["train"])
    return ("train", at) if at < num_train else ("test", at - num_train)


def _label(at: int, parts: dict[Part, Images]) -> int:
    part, position = _place(at, parts)
    return int(parts[part].labels[position])


def _ranked(
    index: np.ndarray, similarity: np.ndarray, parts: dict[Part, Images]
) -> list[tuple[int, int]]:
    """Pairs of copies, the most telling first."""

    def rank(pair: tuple[int, int]) -> tuple[bool, bool, float, int]:
        one, other = pair
        same_class = _label(one, parts) == _label(other, parts)
        same_part = _place(one, parts)[0] == _place(other, parts)[0]
        return same_class, same_part, -similarity[one], one

    # Two images that name each other are one pair.
    pairs = {
        frozenset((at, index[at])): (at, index[at]) for at in np.flatnonzero(index >= 0).tolist()
    }
    return sorted(((one, int(other)) for one, other in pairs.values()), key=rank)


def _counts(
    pairs: Sequence[tuple[int, int]], parts: dict[Part, Images], near_sought: bool
) -> CopyCounts:
    return CopyCounts(
        num=len(pairs),
        across_parts=sum(_place(one, parts)[0] != _place(two, parts)[0] for one, two in pairs),
        across_classes=sum(_label(one, parts) != _label(two, parts) for one, two in pairs),
        near_sought=near_sought,
    )


def _of_class(parts: dict[Part, Images], label: int, num_classes: int) -> list[int]:
    """Images of a class to show, evenly spread over all that there are."""
    labels = np.concatenate([parts[part].labels for part in PARTS])
    there = np.flatnonzero(labels == label)
    most = min(max(PICTURES // num_classes, LEAST_EACH), MOST_EACH)
    spread = np.linspace(0, len(there) - 1, min(most, len(there))).round().astype(int)
    return [int(at) for at in there[spread]]


def _shown(
    wanted: dict[int, None],
    parts: dict[Part, Images],
    photos: "PhotoSet | None",
    facts: DatasetFacts,
) -> dict[int, Shown]:
    def shown(at: int) -> Shown:
        part, position = _place(at, parts)
        names = parts[part].names
        return Shown(
            part=part,
            label=int(parts[part].labels[position]),
            name=f"image {position}" if names is None else str(names[position]),
            picture=_of_file(photos, part, position, facts.bits_wanted or BITS)
            if photos
            else thumbnails([as_bytes(parts[part].image(position)[np.newaxis])[0]], SIDE)[0],
        )

    with ThreadPoolExecutor() as pool:
        return dict(zip(wanted, pool.map(shown, wanted), strict=True))


def _of_file(photos: "PhotoSet", part: Part, position: int, bits: int) -> np.ndarray:
    """Picture of an image file in its own proportions."""
    from headstart.data.formats.decode import decode

    of = photos.parts[part]
    height, width = of.sizes[position].tolist()
    scale = max(height, width, SIDE) / SIDE
    size = (max(round(height / scale), 1), max(round(width / scale), 1))
    decoding = Decoding(size=size, colour="rgb", bits=bits)
    return decode(photos.source.read(of.names[position]), decoding)


def _sizes(photos: "PhotoSet | None", facts: DatasetFacts) -> Counter[Size]:
    if photos is None:
        assert facts.shape is not None, "arrays have one shape"
        return Counter({facts.shape[:2]: sum(facts.train_counts) + sum(facts.test_counts)})
    every = np.concatenate([photos.parts[part].sizes for part in PARTS])
    sizes, counts = np.unique(every, axis=0, return_counts=True)
    return Counter(
        {
            (high, wide): number
            for (high, wide), number in zip(sizes.tolist(), counts.tolist(), strict=True)
        }
    )


def _colours(photos: "PhotoSet | None", facts: DatasetFacts) -> Counter[str]:
    if photos is None:
        num = sum(facts.train_counts) + sum(facts.test_counts)
        return Counter({colour: num for colour in facts.colours})
    modes = Counter(mode for part in PARTS for mode in photos.parts[part].modes.tolist())
    return Counter({facts.colour_of(mode): number for mode, number in modes.items()})


def _broken(photos: "PhotoSet") -> tuple[tuple[str, str], ...]:
    """Names of broken image files and why, as they were measured before."""
    from headstart.data.formats.file_facts import file_facts

    there = {name for of in photos.parts.values() for name in of.names}
    others = sorted(
        name for name in photos.source.listing.files if is_read(name) and name not in there
    )
    facts = file_facts(photos.source, others, decode=True)
    return tuple((one.name, one.broken) for one in facts if one.broken)
