"""A folder of small photos of two kinds, in every colour there is, and a study on them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart.study.study import StudySpec

ORIENTATION = 0x0112


def photo(shade: int, number: int) -> Image.Image:
    """A noisy photo, dark or light by its class."""
    draw = np.random.default_rng([shade, number])
    pixels = draw.integers(shade, shade + 90, (18, 14 + number % 5, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def photo_folder(folder: Path) -> Path:
    """train/ and test/ with two classes; grey, CMYK, 16 bit, turned and transparent ones too."""
    for part, number in (("train", 14), ("test", 8)):
        for name, shade in (("dark", 0), ("light", 140)):
            place = folder / part / name
            place.mkdir(parents=True)
            for at in range(number):
                _save(photo(shade, at + 100 * (part == "test")), place / f"{at:02}", at)
    return folder


def _save(image: Image.Image, path: Path, kind: int) -> None:
    match kind:
        case 0:
            image.convert("L").save(path.with_suffix(".png"))
        case 1:
            image.convert("CMYK").save(path.with_suffix(".jpg"))
        case 2:
            deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
            Image.fromarray(deep).save(path.with_suffix(".png"))
        case 3:
            exif = Image.Exif()
            exif[ORIENTATION] = 6
            image.save(path.with_suffix(".jpg"), exif=exif)
        case 4:
            image.convert("RGBA").save(path.with_suffix(".png"))
        case _:
            image.save(path.with_suffix(".png"))


def photo_study(photos: Path, **changes: Any) -> StudySpec:
    """A study on these photos with a declared network."""
    task = {
        "dataset": str(photos),
        "image": {"size": [16, 16], "colour": "rgb"},
        "split": {"validation": 4},
    }
    given: dict[str, Any] = {
        "name": "photos",
        "network": "cnn-tiny",
        "tasks": {"source": task, "target": task},
        "training": {"updates": 30, "batch_size": 8, "validations": 2, "optimiser": {"lr": 0.05}},
        "arms": ["scratch"],
        "seeds": 1,
        "leaks": {"near": "off"},
        "margin": 1.0,
    }
    return StudySpec.model_validate(given | changes)
