"""Facts of the image files of a data set, without decoding them, and their form on disk."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from headstart.core.errors import DataError
from headstart.data.catalogue import PARTS, Part
from headstart.data.errors import fault
from headstart.data.formats.archives import Source
from headstart.study.dataset_facts import COLOURS, GroupFacts, LeftOut, Shape, Size
from headstart.study.decoding import CHANNELS, Decoding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photos:
    """The image files of one part in order: names, labels, and sizes and modes from headers."""

    names: list[str]
    labels: np.ndarray  # int64 (n,)
    sizes: np.ndarray  # int32 (n, 2): height and width, upright
    modes: np.ndarray  # text (n,): Pillow's
    units: np.ndarray | None  # uint64 (n,): what is dealt together; None where parts are published
    greatest: np.ndarray  # int64 (n,): values of images of 16 bits, 0 for others
    file_bytes: float  # of a file, on the mean

    def described(self, at: int) -> str:
        """One file in words."""
        height, width = self.sizes[at]
        mode = str(self.modes[at])
        return f"{self.names[at]} is {height}x{width} {COLOURS.get(mode, mode)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoSet:
    """A folder or .zip of image files, measured. `content` does not depend on how it is decoded."""

    source: Source
    content: str
    classes: tuple[str, ...]
    parts: Mapping[Part, Photos]
    test_from: str
    labels_from: str
    groups: tuple[GroupFacts, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def sizes(self) -> tuple[Size, Size]:
        """The least and the greatest height and width."""
        every = np.concatenate([self.parts[part].sizes for part in PARTS])
        least, most = every.min(axis=0).tolist(), every.max(axis=0).tolist()
        return (least[0], least[1]), (most[0], most[1])

    @property
    def proportions(self) -> tuple[Size, Size]:
        """The flattest and the tallest (height, width), in lowest terms."""
        every = np.concatenate([self.parts[part].sizes for part in PARTS]).astype(np.int64)
        every = np.unique(every // np.gcd(every[:, :1], every[:, 1:]), axis=0)
        order = np.argsort(every[:, 0] / every[:, 1])
        (flat, tall) = every[order[[0, -1]]].tolist()
        return (flat[0], flat[1]), (tall[0], tall[1])

    @property
    def deep(self) -> dict[str, int]:
        """The greatest value of images of 16 bits per channel, by their mode."""
        found: dict[str, int] = {}
        for photos in self.parts.values():
            for mode in np.unique(photos.modes[photos.greatest > 0]).tolist():
                most = int(photos.greatest[photos.modes == mode].max())
                found[mode] = max(most, found.get(mode, 0))
        return found

    @property
    def modes(self) -> tuple[str, ...]:
        """Pillow's names of all colours there are."""
        found = [np.unique(self.parts[part].modes).tolist() for part in PARTS]
        return tuple(sorted({mode for modes in found for mode in modes}))

    def image_shape(self, decoding: Decoding) -> Shape:
        """Shape of every image once decoded.

        Raises:
            DataError: sizes or colours differ and `decoding` does not say what to make of them.
        """
        first = self.parts["train"]
        size, mode = first.sizes[0], str(first.modes[0])
        for part in PARTS:
            photos = self.parts[part]
            strange = np.flatnonzero(~np.isin(photos.modes, list(COLOURS)))
            if not decoding.colour and len(strange):
                raise self._other_colour(photos.described(strange[0]), strange=True)
            others = np.flatnonzero(photos.modes != mode)
            if not decoding.colour and len(others):
                raise self._other_colour(photos.described(others[0]), strange=False)
            others = np.flatnonzero((photos.sizes != size).any(axis=1))
            if not decoding.size and len(others):
                raise self._other_size(photos.described(others[0]))
        height, width = decoding.size or size.tolist()
        return height, width, CHANNELS[decoding.colour or COLOURS[mode]]

    def _other_colour(self, one: str, *, strange: bool) -> DataError:
        first = self.parts["train"].described(0)
        return fault(
            self.source.path,
            f"{one}: neither grey nor RGB of 8 bits."
            if strange
            else f"images of different colours: {first}, {one}.",
            "Expected only grey images or only RGB images.",
            'To convert all of them: `image = { colour = "rgb" }` (or "grey") in the task.',
        )

    def _other_size(self, one: str) -> DataError:
        return fault(
            self.source.path,
            f"images of different sizes: {self.parts['train'].described(0)}, {one}.",
            "Expected images of one size.",
            "To resize all of them: `image = { size = [64, 64] }` (height, width) in the task.",
        )


def to_bytes(photos: PhotoSet) -> bytes:
    """A set as a file: a hundred thousand names are read in a tenth of a second."""
    facts = {
        "content": photos.content,
        "classes": photos.classes,
        "test_from": photos.test_from,
        "labels_from": photos.labels_from,
        "groups": [group.model_dump() for group in photos.groups],
        "left_out": [asdict(others) for others in photos.left_out],
        "notes": photos.notes,
        "file_bytes": {part: photos.parts[part].file_bytes for part in PARTS},
    }
    arrays = {"facts": as_array(json.dumps(facts))}
    for part in PARTS:
        of = photos.parts[part]
        arrays |= {
            f"{part}/names": as_array("\0".join(of.names)),
            f"{part}/labels": of.labels,
            f"{part}/sizes": of.sizes,
            f"{part}/modes": of.modes,
            f"{part}/greatest": of.greatest,
        }
        if of.units is not None:
            arrays[f"{part}/units"] = of.units
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_bytes(content: bytes, source: Source) -> PhotoSet | None:
    """The set in a file; None where it is torn."""
    try:
        arrays = np.load(io.BytesIO(content), allow_pickle=False)
        facts = json.loads(as_text(arrays["facts"]))
        return PhotoSet(
            source=source,
            content=facts["content"],
            classes=tuple(facts["classes"]),
            parts={
                part: Photos(
                    names=as_text(arrays[f"{part}/names"]).split("\0"),
                    labels=arrays[f"{part}/labels"],
                    sizes=arrays[f"{part}/sizes"],
                    modes=arrays[f"{part}/modes"],
                    units=arrays.get(f"{part}/units"),
                    greatest=arrays[f"{part}/greatest"],
                    file_bytes=facts["file_bytes"][part],
                )
                for part in PARTS
            },
            test_from=facts["test_from"],
            labels_from=facts["labels_from"],
            groups=tuple(GroupFacts(**group) for group in facts["groups"]),
            left_out=tuple(LeftOut(**others) for others in facts["left_out"]),
            notes=tuple(facts["notes"]),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def as_array(text: str) -> np.ndarray:
    """Text as bytes (n,), which need no pickle; names that are not UTF-8 stay what they are."""
    return np.frombuffer(text.encode(errors="surrogateescape"), np.uint8)


def as_text(array: np.ndarray) -> str:
    """The same the other way round."""
    return array.tobytes().decode(errors="surrogateescape")
