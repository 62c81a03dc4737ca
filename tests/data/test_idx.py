"""idx files: what is written is read again, and every fault is called by its name."""

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from headstart.core.errors import DataError
from headstart.data.formats.idx import SUFFIXES, decode_idx, encode_idx, read_idx, write_idx

LABELS = np.array([0, 1, 2, 1], dtype=np.uint8)
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@given(
    arrays(np.uint8, array_shapes(min_dims=1, max_dims=1, min_side=0))
    | arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, min_side=0, max_side=5))
)
def test_what_is_encoded_is_decoded(array: np.ndarray) -> None:
    again = decode_idx(encode_idx(array), Path("x"), array.ndim)
    assert again.shape == array.shape
    assert (again == array).all()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_written_file_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"images{suffix}"
    write_idx(path, IMAGES)
    again = read_idx(path, 3)
    assert (again == IMAGES).all()
    assert not again.flags.writeable


def test_the_layout_is_that_of_mnist() -> None:
    assert encode_idx(LABELS) == b"\x00\x00\x08\x01" + b"\x00\x00\x00\x04" + b"\x00\x01\x02\x01"


def test_the_content_tells_the_compression_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(encode_idx(LABELS))
    assert (read_idx(path, 1) == LABELS).all()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels: cannot be read: No such file"):
        read_idx(tmp_path / "labels", 1)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@given(share=st.floats(0.3, 0.99))
def test_a_torn_stream(
    tmp_path_factory: pytest.TempPathFactory, pack: type[bytes], share: float
) -> None:
    path = tmp_path_factory.mktemp("torn") / "images"
    packed = bytes(pack(encode_idx(IMAGES)))
    path.write_bytes(packed[: int(share * len(packed))])
    with pytest.raises(DataError) as caught:
        read_idx(path, 3)
    text = str(caught.value)
    assert "the compressed stream is torn or damaged" in text
    assert "Expected a whole gzip or xz stream." in text
    assert "Move the file away and get it again from where it came." in text


def test_a_torn_file_of_a_known_data_set_says_how_to_get_it_again(tmp_path: Path) -> None:
    for name, how in (
        ("fashion-mnist", "run `headstart data fetch fashion-mnist`"),
        ("fashion-mini", "get it again from where it came"),
    ):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "images"
        path.write_bytes(encode_idx(IMAGES)[:-1])
        with pytest.raises(DataError, match=f"Move the file away and {how}\\."):
            read_idx(path, 3)


def test_a_damaged_stream(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    packed = bytearray(gzip.compress(encode_idx(LABELS)))
    packed[-5] ^= 0xFF  # in the checksum of gzip
    path.write_bytes(packed)
    with pytest.raises(DataError, match="the compressed stream is torn or damaged"):
        read_idx(path, 1)


@pytest.mark.parametrize(
    ("content", "found", "expected"),
    [
        (b"", "is not an idx file: it is empty.", "Expected 0x00000801 (uint8, labels, (n,))."),
        (
            b"<!DOCTYPE html>",
            "is not an idx file: it begins with 0x3c21444f.",
            "Expected 0x00000801",
        ),
        (
            b"\x00\x00\x0d\x01\x00\x00\x00\x00",
            "holds float32 elements (magic number 0x00000d01).",
            "Expected 0x00000801",
        ),
        (encode_idx(IMAGES), "has 3 dimensions", "Check that images and labels"),
        (
            b"\x00\x00\x08\x01\x00\x00",
            "the header is torn: 6 bytes.",
            "Expected 8 bytes of header.",
        ),
        (
            encode_idx(LABELS)[:-1],
            "the body is torn: 3 bytes after the header.",
            "Expected 4 bytes for the shape (4,)",
        ),
        (
            encode_idx(LABELS) + b"x",
            "the body is followed by more: 5 bytes after the header.",
            "Expected 4 bytes for the shape (4,)",
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be(
    tmp_path: Path, content: bytes, found: str, expected: str
) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path, 1)
    assert str(caught.value).startswith(f"{path}: {found}")
    assert expected in str(caught.value)
