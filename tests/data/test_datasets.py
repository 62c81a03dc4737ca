"""From names to checked arrays and facts; every fault of the content is called by its name."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_sets import alone as alone
from tiny_sets import full_sets, ref, write_set

from headstart.core.errors import DataError
from headstart.data.catalogue import KNOWN, PARTS, STEMS
from headstart.data.datasets import Part, facts_of, open_part
from headstart.data.formats.idx import read_idx, write_idx

pytestmark = pytest.mark.usefixtures("alone")

MINI = ("mnist-mini", "fashion-mini")
LABELS = [0, 1, 2, 1]
IMAGES_GZ, LABELS_GZ = (f"{stem}.gz" for stem in STEMS["train"])


@pytest.mark.parametrize("name", MINI)
@pytest.mark.parametrize("part", PARTS)
def test_the_mini_sets_open(name: str, part: Part) -> None:
    images = open_part(ref(name), part)  # checks the checksums
    num = KNOWN[name].num_train if part == "train" else KNOWN[name].num_test
    assert images.pixels.shape == (num, 28, 28, 1)
    assert images.pixels.dtype == np.uint8
    assert images.labels.dtype == np.int64
    assert len(images) == num
    assert not images.pixels.flags.writeable
    assert not images.labels.flags.writeable


def test_the_facts_of_the_mini_sets() -> None:
    fashion = facts_of(ref("fashion-mini"))
    assert fashion.train_counts == (1000,) * 10
    assert fashion.test_counts == (200,) * 10
    assert fashion.classes[9] == "Ankle boot"
    assert fashion.shape == (28, 28, 1)
    assert fashion.licence == "MIT"
    digits = facts_of(ref("mnist-mini"))
    assert digits.train_counts == (987, 1124, 993, 1022, 974, 904, 986, 1044, 975, 991)
    assert digits.test_counts == (196, 227, 206, 202, 196, 178, 192, 206, 195, 202)
    assert digits.licence == "CC BY-SA 3.0"


def test_the_content_hashes_of_the_mini_sets_stand() -> None:
    # They enter the keys of steps: another value would make every old store useless.
    assert facts_of(ref("mnist-mini")).content == (
        "236d0a81ef60bbb57542b4db42c0d379157513b6431a8661153c11d89292f118"
    )
    assert facts_of(ref("fashion-mini")).content == (
        "7d0278c5642c131c500b51db9e5c9d23f16ba1304ce9251ee2ad334fb0738170"
    )


def test_the_notices_lie_beside_the_mini_sets() -> None:
    from headstart.data.find import PACKAGE_FOLDER

    assert "CC BY-SA 3.0" in (PACKAGE_FOLDER / "mnist-mini" / "ORIGIN.md").read_text()
    assert "The MIT License" in (PACKAGE_FOLDER / "fashion-mini" / "ORIGIN.md").read_text()


def test_only_the_part_asked_for_is_read(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    for path in folder.glob("t10k-*"):
        path.write_bytes(b"torn")
    assert open_part(ref(folder), "train").labels.tolist() == LABELS
    with pytest.raises(DataError, match="is not an idx file"):
        open_part(ref(folder), "test")


def test_a_part_is_read_once_while_its_files_stand(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    first = open_part(ref(folder), "train")
    assert open_part(ref(folder), "train") is first
    write_idx(folder / LABELS_GZ, np.array([1, 1, 0, 0, 0], dtype=np.uint8))
    with pytest.raises(DataError, match="has 4 images, but"):
        open_part(ref(folder), "train")


def test_the_content_hash_is_blind_to_place_and_compression(tmp_path: Path) -> None:
    folders = [
        write_set(tmp_path / f"set{suffix}", LABELS, LABELS, suffix=suffix)
        for suffix in ("", ".gz", ".xz")
    ]
    facts = [facts_of(ref(folder)) for folder in folders]
    assert len({one.content for one in facts}) == 1
    assert [one.name for one in facts] == [str(folder) for folder in folders]
    other = write_set(tmp_path / "other", [0, 1, 2, 2], LABELS)
    assert facts_of(ref(other)).content != facts[0].content


def test_the_facts_of_a_folder(tmp_path: Path) -> None:
    facts = facts_of(ref(write_set(tmp_path / "mine", [0, 1, 2, 1], [3, 0])))
    assert facts.classes == ("0", "1", "2", "3")
    assert facts.train_counts == (1, 2, 1, 0)
    assert facts.test_counts == (1, 0, 0, 1)
    assert facts.shape == (4, 5, 1)
    assert facts.licence == ""


def _cached_facts(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "facts").iterdir()
    return path


def test_facts_are_kept_while_no_file_has_changed(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    facts = facts_of(ref(folder))
    path = _cached_facts(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"licence":""', b'"licence":"kept"'))
    assert facts_of(ref(folder)).licence == "kept"
    write_set(tmp_path / "mine", [0, 1, 2, 2], LABELS)
    assert facts_of(ref(folder)).content != facts.content


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"name": "x"}', b"\xff\xfe"])
def test_a_corrupt_cache_is_written_anew(tmp_path: Path, content: bytes) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    facts = facts_of(ref(folder))
    path = _cached_facts(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(content)
    assert facts_of(ref(folder)) == facts
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "file"))
    assert facts_of(ref(write_set(tmp_path / "mine", LABELS, LABELS))).train_counts == (1, 2, 1)


def test_images_without_labels(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    write_idx(folder / LABELS_GZ, np.array([0, 1], dtype=np.uint8))
    with pytest.raises(DataError) as caught:
        open_part(ref(folder), "train")
    text = str(caught.value)
    assert text.startswith(f"{folder / IMAGES_GZ}: has 4 images, but {LABELS_GZ} beside it has 2")
    assert "Expected one label for each image." in text


def test_no_images_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no images"):
        open_part(ref(write_set(tmp_path / "mine", [], LABELS)), "train")


def test_one_class_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every training label is 1") as caught:
        facts_of(ref(write_set(tmp_path / "mine", [1, 1, 1], [0, 1])))
    assert "Expected at least two classes." in str(caught.value)


def test_parts_of_different_size(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    write_idx(folder / f"{STEMS['test'][0]}.gz", np.zeros((4, 9, 9), dtype=np.uint8))
    expected = r"training images are \(4, 5, 1\), test images are \(9, 9, 1\)"
    with pytest.raises(DataError, match=expected):
        facts_of(ref(folder))


WriteMini = Callable[[list[int], tuple[int, int]], Path]


@pytest.fixture
def given_mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteMini:
    """Writes files that claim to be mnist-mini, where they are found first."""
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "given"))

    def write(train: list[int], size: tuple[int, int]) -> Path:
        return write_set(tmp_path / "given" / "mnist-mini", train, [0, 1], size=size)

    return write


def test_a_known_set_with_other_content(given_mini: WriteMini) -> None:
    folder = given_mini([0, 1, 2], (28, 28))
    with pytest.raises(DataError) as caught:
        open_part(ref("mnist-mini"), "train")
    text = str(caught.value)
    assert text.startswith(f"{folder / IMAGES_GZ}: is not the file of 'mnist-mini'")
    assert f"Expected {KNOWN['mnist-mini'].checksums['train-images-idx3-ubyte']}." in text
    assert f"give its path as the data set: {folder}." in text
    assert len(open_part(ref(folder), "train")) == 3  # a path is not checked


def test_a_known_set_with_other_shapes(given_mini: WriteMini) -> None:
    given_mini([0, 1, 2], (9, 9))
    with pytest.raises(DataError, match=r"images are \(9, 9, 1\)") as caught:
        open_part(ref("mnist-mini"), "train")
    assert "Expected (28, 28, 1) for 'mnist-mini'." in str(caught.value)


def test_a_known_set_with_a_label_out_of_range(given_mini: WriteMini) -> None:
    given_mini([0, 10, 2], (28, 28))
    with pytest.raises(DataError, match="label 10 is out of range") as caught:
        open_part(ref("mnist-mini"), "train")
    assert "Expected labels from 0 to 9 for 'mnist-mini'." in str(caught.value)


def test_a_torn_known_set_is_called_torn_and_not_merely_other(given_mini: WriteMini) -> None:
    path = given_mini([0, 1, 2], (28, 28)) / IMAGES_GZ
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-7]))
    with pytest.raises(DataError, match="the body is torn"):
        open_part(ref("mnist-mini"), "train")


def test_a_known_set_may_be_compressed_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.data.find import where

    package = where("mnist-mini")
    content = facts_of(ref("mnist-mini")).content
    for part in PARTS:
        for stem, path in zip(STEMS[part], package.files[part], strict=True):
            array = read_idx(path, 3 if "images" in stem else 1)
            write_idx(tmp_path / "given" / "mnist-mini" / stem, array)
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "given"))
    assert where("mnist-mini").path == tmp_path / "given" / "mnist-mini"
    assert facts_of(ref("mnist-mini")).content == content


@pytest.mark.parametrize("decoding", [{"size": (32, 32)}, {"colour": "rgb"}])
def test_only_image_files_are_resized_and_recoloured(decoding: dict[str, Any]) -> None:
    with pytest.raises(
        DataError, match=r"its images are \(28, 28, 1\), and not in image"
    ) as caught:
        open_part(ref("mnist-mini", **decoding), "test")
    assert "leave out `image`" in str(caught.value)
    same = ref("mnist-mini", size=(28, 28), colour="grey")
    facts = facts_of(same)
    assert facts.name == "mnist-mini at 28x28 grey"
    assert facts.content == facts_of(ref("mnist-mini")).content


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_full_sets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(full_sets()))
    facts = facts_of(ref(name))
    assert sum(facts.train_counts) == KNOWN[name].num_train
    assert sum(facts.test_counts) == KNOWN[name].num_test
    if name == "mnist":
        assert facts.train_counts[:3] == (5923, 6742, 5958)


def test_the_photos_that_ship_say_what_a_split_of_them_cannot_say() -> None:
    facts = facts_of(ref("signs-mini"))
    assert (facts.train_counts, facts.test_counts) == ((60,) * 10, (20,) * 10)
    assert (facts.shape, facts.licence) == ((96, 96, 3), "Apache-2.0")
    assert "which pupil's hand" in facts.note
    assert "pixels may differ" not in facts.note
    from headstart.data.find import PACKAGE_FOLDER

    folder = PACKAGE_FOLDER / "signs-mini"
    assert "Copyright 2017 Arda Mavi" in (folder / "LICENSE.txt").read_text()
    assert "arXiv:2011.08927" in (folder / "ORIGIN.md").read_text()
