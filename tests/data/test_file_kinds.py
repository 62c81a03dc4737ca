"""Image files of every suffix: read, or named with what to do, never dropped without a word."""

import base64
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_images import Files, picture, pictures, published, write_folder, write_zip
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.core.errors import DataError
from headstart.data.datasets import facts_of, forget, open_part
from headstart.data.formats import file_kinds
from headstart.data.formats.decode import decode
from headstart.data.formats.file_kinds import (
    KINDS,
    is_decodable,
    is_read,
    is_unread,
    read_suffixes,
    why_unread,
)
from headstart.model.image_files import image_groups
from headstart.study.decoding import Decoding

pytestmark = pytest.mark.usefixtures("alone")

# 64 x 64 pixels, blue on the left and red on the right, as libheif wrote it.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAACQAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABo"
    "dmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEA"
    "GEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAA"
    "AwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMI"
    "CAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAACxtZGF0AAAAICgBrxmA93yFN//7UvxH0JTv5QS9rPOQz/hpGX0Fi7zO"
)
CONVERT = "`magick mogrify -format jpg '*.HEIC'` converts it"
INSTALL = "`pip install 'headstart[heic]'` lets headstart read it"


@pytest.fixture
def no_heic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if no package for HEIC were installed."""

    def found(name: str) -> Any:
        return None if name.endswith("_heif") else find_spec(name)

    monkeypatch.setattr(file_kinds, "find_spec", found)
    caches = (read_suffixes, file_kinds.pillow_formats)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def fault_of(path: Path, **image: Any) -> str:
    with pytest.raises(DataError) as caught:
        facts_of(ref(path, **image))
    return str(caught.value)


def test_every_suffix_has_one_kind() -> None:
    suffixes = [suffix for kind in KINDS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for suffix in suffixes:
        name = f"cat/IMG.1{suffix.upper()}"
        assert is_read(name) != is_unread(name)
        assert not is_read(name) or suffix in read_suffixes()
    assert not is_read("cat/notes.txt")
    assert not is_unread("cat/notes.txt")


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".jfif", "JPEG"),
        (".jpe", "JPEG"),
        (".apng", "PNG"),
        (".dib", "BMP"),
        (".pnm", "PPM"),
        (".jp2", "JPEG2000"),
        (".avif", "AVIF"),
    ],
)
def test_what_pillow_reads_is_read(tmp_path: Path, suffix: str, kind: str) -> None:
    if suffix == ".avif" and find_spec("PIL._avif") is None:
        pytest.skip("this Pillow reads no AVIF")
    files = {
        f"{part}/{name}/{at}{suffix}": picture(at, kind=kind, size=(8, 8))
        for at, (part, name) in enumerate((p, n) for p in ("train", "test") for n in "ab")
    }
    facts = facts_of(ref(write_folder(tmp_path, files)))
    assert (facts.train_counts, facts.sizes) == ((1, 1), ((8, 8), (8, 8)))


def mixed(num_heic: int) -> Files:
    """Three cats and three dogs to train on, and photos of cats that a phone took."""
    return published() | {f"train/cat/IMG_{at}.HEIC": HEIC for at in range(num_heic)}


@pytest.mark.usefixtures("no_heic")
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_a_class_that_loses_most_of_its_images_is_refused(tmp_path: Path, write: Any) -> None:
    text = fault_of(write(tmp_path / "photos.zip", mixed(6)))
    assert "most images of a class cannot be read: 6 of 11 in cat/." in text
    assert f"HEIC is not read: {INSTALL}, {CONVERT}." in text
    assert "--skip-broken goes on without them." in text
    left = facts_of(ref(tmp_path / "photos.zip", skip_broken=True))
    assert left.train_counts == (3, 3)
    (entry,) = left.left_out
    assert (entry.suffix, entry.number) == (".heic", 6)
    assert entry.why == f"HEIC is not read: {INSTALL}, {CONVERT}"
    assert facts_of(ref(write(tmp_path / "fewer.zip", mixed(5)))).train_counts == (3, 3)


@pytest.mark.usefixtures("no_heic")
def test_a_class_without_any_image_that_is_read_is_no_class(tmp_path: Path) -> None:
    files = pictures("cat", "dog", num=6) | {"bowl/a.heic": HEIC, "cup/a.dng": b"raw"}
    for skip_broken in (False, True):
        text = fault_of(write_folder(tmp_path, files), skip_broken=skip_broken)
        assert "cannot be read: 1 of 1 in bowl/, 1 of 1 in cup/." in text
        assert "camera raw is not read: `magick mogrify -format png '*.dng'` converts it." in text
        assert "--skip-broken" not in text


@pytest.mark.usefixtures("no_heic")
def test_a_heic_photo_by_another_name_is_named(tmp_path: Path) -> None:
    text = fault_of(write_folder(tmp_path, published() | {"train/cat/IMG_1.jpg": HEIC}))
    assert "train/cat/IMG_1.jpg: HEIC is not read: `pip install" in text


def test_heic_is_read_where_a_package_for_it_is_installed(tmp_path: Path) -> None:
    if not is_read("x.heic"):
        pytest.skip("needs pi-heif or pillow-heif")
    files = published(size=(64, 64)) | {"train/cat/IMG_1.HEIC": HEIC}
    images = open_part(ref(write_folder(tmp_path, files)), "train")
    assert len(images) == 7
    pixels = decode(HEIC, Decoding())
    assert np.abs(pixels[:, :28] - np.array([20.0, 40, 220])).mean() < 12
    assert np.abs(pixels[:, 36:] - np.array([200.0, 40, 40])).mean() < 12
    text = fault_of(write_folder(tmp_path / "torn", published() | {"train/cat/x.heic": HEIC[:60]}))
    assert "train/cat/x.heic: " in text


@pytest.mark.usefixtures("no_heic")
def test_what_is_read_is_part_of_what_is_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "photos", published() | {"train/cat/x.jfif": picture(9)})
    assert facts_of(ref(folder)).train_counts == (4, 3)
    fewer = tuple(suffix for suffix in read_suffixes() if suffix != ".jfif")
    for module in ("datasets", "formats.image_files"):
        monkeypatch.setattr(f"headstart.data.{module}.read_suffixes", lambda: fewer)
    monkeypatch.setattr(file_kinds, "read_suffixes", lambda: fewer)
    forget()  # as another process would ask
    assert facts_of(ref(folder)).train_counts == (3, 3)


@pytest.mark.usefixtures("no_heic")
def test_photos_to_predict_are_not_passed_over(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path, {"a.jpg": picture(1), "b.heic": HEIC, "c.txt": b"", "d.cr2": b""}
    )
    (group,) = image_groups([folder])
    assert group.names == ("a.jpg", "b.heic")
    assert is_decodable("b.heic")
    (batch,) = group.batches(Decoding(size=(4, 5), colour="rgb"), (4, 5, 3), 9)
    (reason,) = batch.broken.values()
    assert reason == why_unread("b.heic")
