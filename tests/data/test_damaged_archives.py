"""Archives with changed bytes are read or refused with a sentence."""

import contextlib
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny_images import pictures, write_tar, write_zip

from headstart.core.errors import HeadstartError
from headstart.data import datasets
from headstart.data.datasets import open_part
from headstart.study.tasks import DataRef

FOUR = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff")
MANY = (pytest.mark.slow, pytest.mark.timeout(1_200))


def archives(folder: Path) -> list[Path]:
    """The same images in every way of packing them, and arrays."""
    files = pictures("cat", "dog", num=2)
    zips = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "lz": zipfile.ZIP_LZMA}
    made = [write_zip(folder / f"{name}.zip", files, kind) for name, kind in zips.items()]
    tars = {".tar": "", ".tar.gz": "gz", ".tar.xz": "xz", ".tar.bz2": "bz2"}
    made += [write_tar(folder / f"photos{end}", files, kind) for end, kind in tars.items()]
    images, labels = np.arange(8 * 9, dtype=np.uint8).reshape(8, 3, 3), np.arange(8) % 2
    arrays: dict[str, np.ndarray] = {
        "x_train": images,
        "y_train": labels,
        "x_test": images,
        "y_test": labels,
    }
    np.savez(folder / "stored.npz", allow_pickle=False, **arrays)
    np.savez_compressed(folder / "deflated.npz", allow_pickle=False, **arrays)
    return [*made, folder / "stored.npz", folder / "deflated.npz"]


def mutant(content: bytes, draw: random.Random) -> bytes:
    """The content with one to ten changes."""
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 4, 10])):
        at = draw.randrange(len(changed)) if changed else 0
        kind = draw.randrange(4)
        if kind == 0:
            changed[at : at + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            del changed[at : at + draw.choice([1, 10, 100, 1_000])]
        elif kind == 2:
            changed[at : at + 4] = draw.choice(FOUR)
        else:
            changed[at:at] = changed[at : at + draw.choice([1, 50, 512])]
    return bytes(changed)


@pytest.mark.parametrize(
    "num", [pytest.param(25, id="some"), pytest.param(2_000, id="many", marks=MANY)]
)
def test_changed_bytes_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num: int
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    draw = random.Random(num)
    contents = {path: path.read_bytes() for path in archives(tmp_path)}
    for path in contents:
        assert len(open_part(DataRef(dataset=str(path)), "train"))
    for _ in range(num):
        path = draw.choice(list(contents))
        path.write_bytes(mutant(contents[path], draw))
        datasets.forget()
        with contextlib.suppress(HeadstartError):
            open_part(DataRef(dataset=str(path)), "train")
