"""What unpacks or decodes to more than a machine has is refused before memory is taken for it."""

import gzip
import io
import lzma
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from headstart.core.errors import DataError
from headstart.data.formats import listing
from headstart.data.formats.idx import encode_idx, read_bytes, read_idx
from headstart.data.formats.npz_set import read_npz_set
from headstart.study.tasks import ImageSpec

SPARE = 700 << 20  # bytes of address space beside what the program itself takes
READ = """
import resource, sys
from headstart.data.datasets import facts_of
from headstart.data.formats import image_files
from headstart.study.tasks import DataRef
with open("/proc/self/statm") as file:
    own = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (own + int(sys.argv[2]),) * 2)
try:
    facts_of(DataRef(dataset=sys.argv[1]))
except ValueError as error:
    print(error)
"""


def refusal_in_little_memory(path: Path) -> str:
    """What is said of a data set by a process that gets no more than SPARE."""
    ended = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(SPARE)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def idx_set(folder: Path, images: bytes) -> Path:
    folder.mkdir()
    labels = gzip.compress(encode_idx(np.zeros(4, np.uint8)))
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(labels)
    return folder


def zeros(header: bytes, num: int) -> bytes:
    """So many zeros behind a header, in gzip: a stream may be put together of several."""
    return gzip.compress(header) + gzip.compress(bytes(1 << 20)) * (num >> 20)


linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")


@linux
def test_a_gigabyte_of_zeros_is_refused_by_its_header(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 1 << 10, 1 << 10, 1 << 10)
    path = idx_set(tmp_path / "mine", zeros(header, 1 << 30))
    text = refusal_in_little_memory(path)
    assert "idx3-ubyte.gz: would unpack from 1,0" in text
    assert "to 1,073,741,840 bytes or more." in text


@linux
def test_more_than_the_header_says_is_not_unpacked(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 2, 2)
    path = idx_set(tmp_path / "mine", zeros(header, 1 << 30))
    assert "the body is followed by more: 17 bytes after the header." in refusal_in_little_memory(
        path
    )


def test_an_idx_file_is_read_to_its_end_and_a_byte_more(tmp_path: Path) -> None:
    content = encode_idx(np.arange(60, dtype=np.uint8).reshape(5, 4, 3))
    for pack in (bytes, gzip.compress, lzma.compress):
        (tmp_path / "images").write_bytes(pack(content))
        assert read_bytes(tmp_path / "images") == content
        (tmp_path / "images").write_bytes(pack(content + b"and more"))
        assert read_bytes(tmp_path / "images") == content + b"a"
        with pytest.raises(DataError, match="followed by more: 61 bytes"):
            read_idx(tmp_path / "images", 3)


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return path


def test_an_npz_that_unpacks_to_hundreds_of_times_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FREE", 1 << 20)
    images = np.zeros((3 << 10, 32, 32), np.uint8)
    path = npz(tmp_path / "a.npz", x_train=images, y_train=np.zeros(len(images), np.uint8))
    with pytest.raises(DataError, match=r"a\.npz: would unpack from [\d,]+ to 3,14"):
        read_npz_set(path, "train")


def test_an_npz_whose_header_lies(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = (1 << 40, 28, 28)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", header.getvalue() + b"few")
        archive.writestr("y_train.npy", header.getvalue())
    with pytest.raises(DataError, match=r"x_train\.npy: has 131 bytes") as caught:
        read_npz_set(path, "train")
    assert "Expected 862,017,116,176,512, as its header says." in str(caught.value)


@pytest.mark.parametrize("size", [(100_000, 100_000), (1, 1 << 25), (1 << 62, 1 << 62)])
def test_images_of_a_size_that_no_network_takes(size: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="is too large; at most 16,777,216 pixels"):
        ImageSpec(size=size)
    assert ImageSpec(size=(4096, 4096)).size == (4096, 4096)
