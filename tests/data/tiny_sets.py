"""Tiny data sets on disk, and a world with no data of the machine it runs on."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data import find
from headstart.data.catalogue import PARTS, STEMS
from headstart.data.formats.idx import write_idx
from headstart.data.images import Images
from headstart.study.tasks import DataRef

# Read at import, before `alone` hides it.
DATA_FOLDER = os.environ.get("HEADSTART_DATA")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data folder, an empty cache, no data sets of the system."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADSTART_DATA", raising=False)
    monkeypatch.setattr(find, "SYSTEM_FOLDER", tmp_path / "system")


def unlabelled(pixels: np.ndarray) -> Images:
    """Images all of one class."""
    return Images(pixels, np.zeros(len(pixels), np.int64))


def ref(dataset: str | Path, **decoding: Any) -> DataRef:
    """What a task says of its data: a name or path, and perhaps how to decode it."""
    return DataRef(dataset=str(dataset), **decoding)


def full_sets() -> Path:
    """The folder with the full MNIST and Fashion-MNIST; skips where the machine has none."""
    stem = f"{STEMS['train'][0]}.gz"
    for name in ("mnist", "fashion-mnist"):
        if DATA_FOLDER is None or not (Path(DATA_FOLDER) / name / stem).is_file():
            pytest.skip("HEADSTART_DATA is not a folder with mnist/ and fashion-mnist/")
    return Path(str(DATA_FOLDER))


def write_set(
    folder: Path,
    train: list[int],
    test: list[int],
    suffix: str = ".gz",
    size: tuple[int, int] = (4, 5),
) -> Path:
    """Write a user's data set with these labels and random pixels; gives `folder` back."""
    generator = np.random.default_rng(7)
    for part, labels in zip(PARTS, (train, test), strict=True):
        images = generator.integers(0, 256, (len(labels), *size), dtype=np.uint8)
        write_idx(folder / f"{STEMS[part][0]}{suffix}", images)
        write_idx(folder / f"{STEMS[part][1]}{suffix}", np.array(labels, dtype=np.uint8))
    return folder
