"""CIFAR-10's Python batches: read right, read safely, checked; and CIFAR-10 from image files."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_cifar import (
    NUM,
    archive_of,
    batch_files,
    known_batches,
    write_archive,
    write_batches,
)
from tiny_images import pictures, write_folder, write_zip
from tiny_sets import DATA_FOLDER, ref
from tiny_sets import alone as alone

from headstart.core.errors import DataError
from headstart.data import datasets as images
from headstart.data.catalogue import BATCHES_ARCHIVE, BATCHES_META, CIFAR10, PARTS
from headstart.data.datasets import facts_of, measure, open_part, read_part
from headstart.data.find import in_folder, where
from headstart.data.formats import stream

pytestmark = pytest.mark.usefixtures("alone")

FILES = batch_files()
KNOWN = known_batches(FILES)
Write = Callable[[Path, dict[str, bytes]], Path]


@pytest.mark.parametrize("write", [write_batches, write_archive])
def test_both_forms_of_the_layout(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, FILES)
    found = in_folder("cifar10", tmp_path, KNOWN)
    assert (found.path, found.layout) == (path, "batches")
    train, test = read_part(found, "train"), read_part(found, "test")
    assert train.pixels.shape == (5 * NUM, 32, 32, 3)
    assert isinstance(train.pixels, np.memmap)
    assert test.pixels.shape == (NUM, 32, 32, 3)
    batch = pickle.loads(FILES["data_batch_2"])
    assert train.labels[NUM : 2 * NUM].tolist() == batch["labels"]
    # A row is all of red, then green, then blue, each line by line.
    assert (
        train.pixels[NUM + 3, 1, 2].tolist()
        == batch["data"][3, [34, 1024 + 34, 2048 + 34]].tolist()
    )
    facts = measure(found, ref("cifar10"))
    assert facts.train_counts == (10,) * 10
    assert facts.classes[9] == "truck"
    assert facts.licence == "no licence stated (Krizhevsky, 2009)"
    assert facts.note == ""


def test_a_path_needs_no_checksums(tmp_path: Path) -> None:
    folder, archive = write_batches(tmp_path / "a", FILES), write_archive(tmp_path / "b", FILES)
    facts = [facts_of(ref(path)) for path in (folder, folder.parent, archive, archive.parent)]
    assert len({one.content for one in facts}) == 1
    assert facts[0].classes == CIFAR10.classes


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickles_of_other_protocols(tmp_path: Path, protocol: int) -> None:
    folder = write_batches(tmp_path, batch_files(protocol))
    assert (
        facts_of(ref(folder)).content == facts_of(ref(write_batches(tmp_path / "x", FILES))).content
    )


def test_pickles_of_python_2_have_their_text_as_bytes(tmp_path: Path) -> None:
    files = {name: _of_python_2(content) for name, content in FILES.items()}
    assert b"dtype" in files["test_batch"]
    folder = write_batches(tmp_path, files)
    assert (
        facts_of(ref(folder)).content == facts_of(ref(write_batches(tmp_path / "x", FILES))).content
    )


def _of_python_2(content: bytes) -> bytes:
    """Short text as Python 2 wrote it: SHORT_BINSTRING in place of BINUNICODE."""
    value = pickle.loads(content)
    for text in [*value, *value.get("label_names", ()), "u1", "latin1"]:
        plain = text.encode()
        new = b"U" + bytes([len(plain)]) + plain
        content = content.replace(b"X" + len(plain).to_bytes(4, "little") + plain, new)
    return content


@pytest.mark.parametrize("write", [write_batches, write_archive])
def test_other_content_under_the_known_name(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, FILES | {"data_batch_3": FILES["data_batch_2"]})
    with pytest.raises(DataError, match="is not the file of 'cifar10'") as caught:
        read_part(in_folder("cifar10", tmp_path, KNOWN), "train")
    text = str(caught.value)
    assert "data_batch_3" in text.partition("is not")[0]
    assert f"Expected {KNOWN.checksums['data_batch_3']}." in text
    assert f"give its path as the data set: {path}." in text
    assert len(read_part(in_folder("cifar10", tmp_path, KNOWN), "test")) == NUM


class Evil:
    """Would run a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_runs_nothing(tmp_path: Path, protocol: int) -> None:
    evil = pickle.dumps({"data": Evil(f"touch {tmp_path}/ran"), "labels": []}, protocol)
    folder = write_batches(tmp_path, FILES | {"test_batch": evil})
    with pytest.raises(DataError, match=r"test_batch: is a pickle that would run (posix|nt)\."):
        open_part(ref(folder), "test")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "value",
    [
        np.array([{"a": 1}], dtype=object),
        np.dtype("float64"),
        Path("x"),
        np.random.default_rng(),
        os.getcwd,
        1j,
    ],
)
def test_a_pickle_holds_plain_arrays_only(tmp_path: Path, value: object) -> None:
    content = pickle.dumps({"data": value, "labels": []}, 2)
    folder = write_batches(tmp_path, FILES | {"test_batch": content})
    with pytest.raises(DataError, match=r"test_batch: is a pickle that would run ") as caught:
        open_part(ref(folder), "test")
    assert "Do not trust this file" in str(caught.value)


def _changed(**changes: object) -> bytes:
    return pickle.dumps({**pickle.loads(FILES["test_batch"]), **changes}, 2)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (FILES["test_batch"][:-100], "is no whole pickle ("),
        (b"", "is no whole pickle ("),
        (b"<html>", "is no whole pickle ("),
        (pickle.dumps([1, 2], 2), "holds a list. Expected"),
        (_changed(data=None), "'data' is NoneType. Expected uint8 (n, 3072)."),
        (
            _changed(data=np.zeros((2, 5), np.uint8)),
            "'data' is uint8 (2, 5). Expected uint8 (n, 3072).",
        ),
        (_changed(labels=[1, 2]), "has 20 images and 2 labels."),
        (_changed(labels=None), "has 20 images and no list of labels."),
        (_changed(labels=[10] * NUM), "label 10 is out of range. Expected labels from 0 to 9."),
    ],
)
def test_a_batch_that_is_not_what_it_should_be(tmp_path: Path, content: bytes, text: str) -> None:
    folder = write_batches(tmp_path, FILES | {"test_batch": content})
    with pytest.raises(DataError) as caught:
        open_part(ref(folder), "test")
    found = " ".join(str(caught.value).split())
    assert found.startswith(f"{folder / 'test_batch'}: ")
    assert text in found


def test_a_meta_file_without_names(tmp_path: Path) -> None:
    folder = write_batches(tmp_path, FILES | {BATCHES_META: pickle.dumps({}, 2)})
    with pytest.raises(DataError, match=r"batches\.meta: holds no list 'label_names'"):
        open_part(ref(folder), "test")


def test_a_torn_archive(tmp_path: Path) -> None:
    path = write_archive(tmp_path, FILES)
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(DataError, match=r"tar\.gz: the archive is torn or damaged"):
        open_part(ref(path), "train")
    path.write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"tar\.gz: the archive is torn or damaged"):
        open_part(ref(path), "train")
    path.write_bytes(archive_of({"test_batch": FILES["test_batch"]}))
    with pytest.raises(DataError, match=r"holds no data_batch_1, no data_batch_2, .*batches\.meta"):
        open_part(ref(path), "train")


def test_unpacked_batches_that_are_not_whole_are_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    folder = write_batches(tmp_path / "cifar10", FILES)
    (folder / "data_batch_3").unlink()
    write_zip(tmp_path / "cifar10" / "photos.zip", _photos())
    with pytest.raises(DataError, match="cifar-10-batches-py has no data_batch_3"):
        where("cifar10")
    path = write_archive(tmp_path / "cifar10", FILES)
    assert where("cifar10").path == path


def _photos(**looks: Any) -> dict[str, bytes]:
    classes = CIFAR10.classes
    return {
        f"{part}/{name}": content
        for part in ("train", "test")
        for name, content in pictures(*classes, num=2, **{"size": (32, 32), **looks}).items()
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_the_known_name_takes_image_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    write = write_zip if zipped else write_folder
    place = tmp_path / "cifar10"
    path = write(place / "cifar10-jpeg.zip" if zipped else place, _photos())
    assert where("cifar10").path == path
    facts = facts_of(ref("cifar10"))
    assert facts.train_counts == (2,) * 10
    assert facts.classes == CIFAR10.classes
    assert facts.note == "decoded from image files; pixels may differ from the official files"
    assert open_part(ref("cifar10", size=(8, 8), colour="grey"), "test").shape == (8, 8, 1)


def test_image_files_that_are_not_cifar10(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", pictures("cat", "dog", size=(32, 32)))
    with pytest.raises(DataError, match=r"has the classes cat, dog\.") as caught:
        read_part(in_folder("cifar10", tmp_path / "a", CIFAR10), "train")
    assert "Expected those of 'cifar10': airplane, automobile," in str(caught.value)
    write_folder(tmp_path / "b", _photos(size=(28, 28)))
    with pytest.raises(DataError, match=r"images are \(28, 28, 3\)") as caught:
        read_part(in_folder("cifar10", tmp_path / "b", CIFAR10), "train")
    assert "Expected (32, 32, 3) for 'cifar10'." in str(caught.value)


def test_when_it_is_missing_every_way_to_get_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        where("cifar10")
    text = str(caught.value)
    assert f"  - the cache ({tmp_path}/cache/data/cifar10): no such folder" in text
    assert "  - headstart data fetch cifar10    (about 171 MB)" in text
    assert (
        f"where FOLDER/cifar10/ holds {BATCHES_ARCHIVE} or cifar-10-batches-py/; or image" in text
    )
    assert "train/CLASS/*.jpg and test/CLASS/*.jpg, or as CLASS/*.jpg, in folders or in one" in text


@pytest.mark.slow
def test_the_full_set_of_image_files(monkeypatch: pytest.MonkeyPatch) -> None:
    if DATA_FOLDER is None or not (Path(DATA_FOLDER) / "cifar10" / "cifar10-jpeg.zip").is_file():
        pytest.skip("HEADSTART_DATA has no cifar10/cifar10-jpeg.zip")
    monkeypatch.setenv("HEADSTART_DATA", DATA_FOLDER)
    facts = facts_of(ref("cifar10"))
    assert facts.train_counts == (5_000,) * 10
    assert facts.test_counts == (1_000,) * 10
    pixels = [open_part(ref("cifar10"), part).pixels for part in PARTS]
    images.forget()
    monkeypatch.setattr(stream, "decode", None)  # nothing is decoded again
    for part, num, before in zip(PARTS, (50_000, 10_000), pixels, strict=True):
        opened = open_part(ref("cifar10"), part)
        assert isinstance(opened.pixels, np.memmap)
        assert opened.pixels.shape == (num, 32, 32, 3)
        assert (opened.pixels[-100:] == before[-100:]).all()
