"""The very same images for every side: raw arrays in a folder, read once by headstart's readers."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from headstart.core.errors import DataError
from headstart.data.datasets import open_part
from headstart.study.tasks import DataRef

MINI = {"mnist": "mnist-mini", "fashion-mnist": "fashion-mini"}
"""The small sets inside the package, for when the full ones are not at hand."""

Arrays = dict[str, np.ndarray]


def full() -> bool:
    """Whether the full data sets are to be used: HEADSTART_DATA names their folder."""
    return bool(os.environ.get("HEADSTART_DATA"))


def described() -> str:
    """What the CSV file says of the data."""
    return "full sets" if full() else "mini sets inside the package (10,000 + 2,000 images each)"


def dataset(name: str) -> str | None:
    """The data set that stands for `name` here, or None where there is none."""
    return name if full() else MINI.get(name)


def prepare(names: tuple[str, ...], folder: Path) -> bool:
    """Write each data set's arrays below `folder`; False where one is missing."""
    for name in names:
        found = dataset(name)
        if found is None:
            return False
        if (folder / name).is_dir():
            continue
        try:
            parts = {part: open_part(DataRef(dataset=found), part) for part in ("train", "test")}
        except DataError:
            return False
        (folder / name).mkdir(parents=True)
        for part, images in parts.items():
            np.save(folder / name / f"x_{part}.npy", np.squeeze(images.pixels))
            np.save(folder / name / f"y_{part}.npy", images.labels.astype(np.uint8))
    return True


def read(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(x_train, y_train, x_test, y_test), as the data sets of Keras come: uint8."""
    names = ("x_train", "y_train", "x_test", "y_test")
    first, second, third, fourth = (np.load(folder / name / f"{part}.npy") for part in names)
    return first, second, third, fourth


def make_photos(folder: Path, classes: Sequence[str], num: Mapping[str, int]) -> None:
    """JPEGs of coloured blurs; each class is short of one colour, or of none."""
    draw = np.random.default_rng(0)
    for at, name in enumerate(classes):
        for part, photos in num.items():
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(photos):
                blocks = draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)
                blocks[..., at % 3] //= 1 + (at < 3)
                photo = Image.fromarray(blocks).resize((640, 480), Image.Resampling.BICUBIC)
                photo.save(place / f"{number}.jpg", quality=90)
