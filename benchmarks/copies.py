"""Which copies does the search find, and which images does it take for copies?

`python -m benchmarks.copies [SET ...]` plants copies of training images in the test part of each
set, one kind after the other, and prints a table: "by correlation" counts images that are equal to
one, or whose greys correlate by 0.99, as they are or once they are changed; "copies" those whose
own parts are alike as well; "changed" those of them that are turned, inverted or shifted. Labels
are not looked at, as between source and target. Sets of photos are read from HEADSTART_DATA; parts
under a camera and films are made up, and hold no copies but those planted.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image, ImageDraw

from headstart.core.errors import DataError
from headstart.data.datasets import open_part
from headstart.data.images import Images
from headstart.data.leaks.changed_matches import changed_matches
from headstart.data.leaks.changes import CHANGES
from headstart.data.leaks.copies import ALIKE, KINDS
from headstart.data.leaks.exact_duplicates import exact_copies, hashes
from headstart.data.leaks.near_copies import compared_at, near_copies, prepared
from headstart.data.leaks.near_duplicates import best_matches
from headstart.study.tasks import DataRef

NEAR = 0.99
MOST_PLANTED = 100  # copies of each kind, and no more than a quarter of the training images
SIDE = 120  # rows and columns of what is made up

Arrays = tuple[np.ndarray, np.ndarray]
"""Training and test images (n, height, width, channels)."""

Change = Callable[[np.ndarray], np.ndarray]
_draw = np.random.default_rng(0)


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def _saved(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    _picture(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def _enlarged(image: np.ndarray) -> np.ndarray:
    """Twice as large, and back as a study's decoding does it."""
    height, width = image.shape[:2]
    large = _picture(image).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    return np.asarray(large.resize((width, height), Image.Resampling.BILINEAR)).reshape(image.shape)


def _noisy(image: np.ndarray) -> np.ndarray:
    return np.clip(image + _draw.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


PLANTED: dict[str, Change] = {
    "JPEG 85": lambda image: _saved(image, 85),
    "JPEG 60": lambda image: _saved(image, 60),
    "enlarged": _enlarged,
    "flatter": lambda image: (image * 0.8 + 20).astype(np.uint8),
    "noise": _noisy,
    "mirrored, JPEG 85": lambda image: _saved(image[:, ::-1], 85),
    "turned": lambda image: np.rot90(image),
    "turned, JPEG 85": lambda image: _saved(np.rot90(image), 85),
    "upside down, JPEG 85": lambda image: _saved(image[::-1, ::-1], 85),
    "inverted": lambda image: 255 - image,
    "inverted, JPEG 85": lambda image: _saved(255 - image, 85),
    "shifted by 1": lambda image: np.pad(image, ((1, 0), (0, 0), (0, 0)), "edge")[:-1],
    "shifted by 2": lambda image: np.roll(image, (2, -2), (0, 1)),
}


def _read(dataset: str, side: int | None = None) -> Arrays:
    size = None if side is None else (side, side)
    ref = DataRef(dataset=dataset, size=size, colour="rgb" if side else None)
    train, test = open_part(ref, "train"), open_part(ref, "test")
    return np.asarray(train.pixels), np.asarray(test.pixels)


def _ring() -> Image.Image:
    """A part as a camera above a conveyor sees it."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    radius = np.hypot(x, y)
    values = np.select([radius < 22, radius < 44, radius < 50], [40, 180, 120], 40)
    values[(np.abs(y) < 4) & (radius > 22) & (radius < 50)] = 90
    return Image.fromarray(values.astype(np.uint8))


def _camera(num: int, tilt: float = 0.0, light: float = 0.0, seed: int = 0) -> np.ndarray:
    """One part after the other: moved by up to 1.5 pixels, and every other one scratched."""
    draw, ring = np.random.default_rng(seed), _ring()
    across = np.linspace(-1, 1, SIDE)
    found = []
    for number in range(num):
        dx, dy = draw.uniform(-1.5, 1.5, 2)
        turned = ring.rotate(draw.normal(0, tilt), Image.Resampling.BICUBIC, fillcolor=40)
        moved = turned.transform(
            turned.size,
            Image.Transform.AFFINE,
            (1, 0, dx, 0, 1, dy),
            Image.Resampling.BICUBIC,
            fillcolor=40,
        )
        if number % 2:
            (x, y), (along, up) = draw.uniform(30, 90, 2), draw.uniform(-9, 9, 2)
            ends = (x - along, y - up, x + along, y + up)
            ImageDraw.Draw(moved).line(ends, fill=235, width=2)
        slope = 1 + light * (draw.uniform(-1, 1) * across + draw.uniform(-1, 1) * across[:, None])
        values = np.asarray(moved) * draw.uniform(0.85, 1.1) * slope
        found.append(np.clip(values + draw.normal(0, 5, values.shape), 0, 255).astype(np.uint8))
    return np.stack(found)[..., None]


def _cameras(num: int) -> Arrays:
    """Several cameras, each before another background."""
    draw = np.random.default_rng(1)
    trains, tests = [], []
    for seed in range(num):
        behind = _scene(draw, 80)[..., None].astype(int)
        shots = np.clip(_camera(90, seed=seed) + behind - 20, 0, 255).astype(np.uint8)
        trains.append(shots[:60])
        tests.append(shots[60:])
    return np.concatenate(trains), np.concatenate(tests)


def _scene(draw: np.random.Generator, brightest: int) -> np.ndarray:
    blocks = draw.integers(0, brightest, (10, 10), np.uint8)
    return np.asarray(Image.fromarray(blocks).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _films(num: int, frames: int) -> Arrays:
    """Something that moves before a scene; the frames of all films are dealt out at random."""
    draw = np.random.default_rng(2)
    y, x = np.mgrid[:SIDE, :SIDE]
    found = []
    for _ in range(num):
        scene, place, speed = _scene(draw, 255), draw.uniform(30, 90, 2), draw.normal(0, 0.5, 2)
        for frame in range(frames):
            at = place + frame * speed
            values = np.where(np.hypot(x - at[0], y - at[1]) < 14, 5, scene)
            noisy = values + draw.normal(0, 4, values.shape)
            found.append(np.clip(noisy, 0, 255).astype(np.uint8))
    mixed = np.stack(found)[draw.permutation(len(found))][..., None]
    return mixed[: 2 * len(mixed) // 3], mixed[2 * len(mixed) // 3 :]


def _parted(shots: np.ndarray, num_train: int) -> Arrays:
    return shots[:num_train], shots[num_train:]


def _folder(name: str) -> str:
    return str(Path(os.environ.get("HEADSTART_DATA", ".")) / name)


SETS: dict[str, Callable[[], Arrays]] = {
    "mnist-mini": lambda: _read("mnist-mini"),
    "fashion-mini": lambda: _read("fashion-mini"),
    "mnist": lambda: _read("mnist"),
    "fashion-mnist": lambda: _read("fashion-mnist"),
    "cifar10": lambda: _read(_folder("cifar10/cifar10-jpeg.zip")),
    "hymenoptera": lambda: _read("hymenoptera", 224),
    "sign-digits": lambda: _read(_folder("sign-digits/sign-digits.zip"), 100),
    "camera": lambda: _parted(_camera(180), 120),
    "camera, few images": lambda: _parted(_camera(60), 40),
    "camera, tilted parts": lambda: _parted(_camera(1_300, tilt=1.5), 1_000),
    "camera, uneven light": lambda: _parted(_camera(1_300, light=0.2), 1_000),
    "5 cameras": lambda: _cameras(5),
    "20 films": lambda: _films(20, 30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Number of test images, and of planted ones, that each criterion finds.

    `changed` are test images that are copies once they are turned, inverted or shifted. `seconds`
    are those of the search as images are, and of all.
    """

    by_correlation: tuple[int, int]
    copies: tuple[int, int]
    changed: int
    alike: int
    seconds: tuple[float, float]


def search(train: np.ndarray, test: np.ndarray, planted: np.ndarray) -> Found:
    """What is found among training images, of test images with planted ones behind them."""
    parts = {"train": _images(train), "test": _images(np.concatenate([test, planted]))}
    size = compared_at(*parts.values())
    ready = prepared(parts, size)
    start = process_time()
    matches = [best_matches(ready["test"], ready["train"], NEAR)]
    plain = process_time()
    exact = exact_copies(hashes(parts["test"], CHANGES, shifts=True), hashes(parts["train"]))
    found = near_copies(exact, ready["test"], ready["train"], NEAR, CHANGES)
    end = process_time()
    changes = [change for change in CHANGES if change.shape(size) == size]
    matches += changed_matches(ready["test"], ready["train"], changes, NEAR).values()
    by_correlation = np.any([exact.found, *(one.index >= 0 for one in matches)], axis=0)
    kinds = np.array(KINDS)[found.kind[: len(test)]]
    return Found(
        by_correlation=_counts(by_correlation, len(test)),
        copies=_counts(found.found, len(test)),
        changed=sum(kind.endswith(("quarter", "half", "inverted", "shifted")) for kind in kinds),
        alike=int((found.kind[: len(test)] == ALIKE).sum()),
        seconds=(plain - start, end - plain),
    )


def _counts(found: np.ndarray, num_test: int) -> tuple[int, int]:
    return int(found[:num_test].sum()), int(found[num_test:].sum())


def _images(pixels: np.ndarray) -> Images:
    return Images(pixels, np.zeros(len(pixels), np.int64))


def rows(name: str) -> Iterator[str]:
    """Lines of the table for a set."""
    train, test = SETS[name]()
    num = min(MOST_PLANTED, len(train) // 4)
    chosen = train[np.random.default_rng(3).permutation(len(train))[:num]]
    found = {
        kind: search(train, test, np.stack(list(map(f, chosen)))) for kind, f in PLANTED.items()
    }
    own = search(train, test, chosen[:0])
    before, after = own.seconds
    planted = "; ".join(
        f"{kind} {one.by_correlation[1]}, {one.copies[1]}" for kind, one in found.items()
    )
    yield (
        f"| {name} | {len(train):,} + {len(test):,} | {own.by_correlation[0]:,} | "
        f"{own.copies[0]:,} | {own.changed:,} | {own.alike:,} | of {num}: {planted} | "
        f"{before:.1f}, {after:.1f} |"
    )


def main() -> None:
    """Print the table."""
    print(
        "| set | training + test images | by correlation | copies | changed | alike only "
        "| planted: by correlation, copies | CPU seconds: as they are, all |\n" + "| --- " * 8 + "|"
    )
    for name in sys.argv[1:] or SETS:
        try:
            for row in rows(name):
                print(row, flush=True)
        except DataError as error:
            print(f"{name} left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
