"""Tiny image files in folders and archives."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Files = dict[str, bytes]


def picture(
    value: int = 0,
    size: tuple[int, int] = (4, 5),
    mode: str = "RGB",
    kind: str = "PNG",
    **more: Any,
) -> bytes:
    """The file of an image whose values differ from those of another `value`."""
    height, width = size
    channels = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}.get(mode, 1)
    pixels = np.random.default_rng(value).integers(0, 256, (height, width, channels), np.uint8)
    if mode in ("1", "I;16", "I", "F"):
        image = Image.fromarray(pixels[..., 0]).convert(mode.split(";")[0])
        image = image if mode != "I;16" else Image.fromarray(pixels[..., 0].astype(np.uint16) << 8)
    else:
        image = Image.frombytes(mode, (width, height), pixels.tobytes())
    return saved(image, kind, **more)


def saved(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def pictures(*classes: str, num: int = 3, first: int = 0, **looks: Any) -> Files:
    """`num` images in each class folder; no two alike."""
    return {
        f"{name}/{index}.png": picture(first + at * num + index, **looks)
        for at, name in enumerate(classes)
        for index in range(num)
    }


def published(num: int = 3, num_test: int = 2, **looks: Any) -> Files:
    """Cats and dogs with a published test part."""
    test = pictures("test/cat", "test/dog", num=num_test, first=1_000, **looks)
    return pictures("train/cat", "train/dog", num=num, **looks) | test


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below `folder`; a name that ends in '/' is an empty folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(content)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    """The same as an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Mapping[str, bytes], packing: str = "") -> Path:
    """The same as a tar archive, packed by `gz`, `xz` or `bz2` or not."""
    with tarfile.open(path, f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
