"""Tar archives, packed or not, are read like folders, and with the guards of zips."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from tiny_cifar import batch_files, write_batches
from tiny_images import picture, pictures, published, write_folder, write_tar

from headstart.core.errors import DataError
from headstart.core.files import cache_folder
from headstart.data import datasets
from headstart.data.catalogue import PARTS
from headstart.data.datasets import facts_of, open_part
from headstart.data.find import where
from headstart.data.formats import listing, tar_archive
from headstart.data.formats.archives import open_source
from headstart.study.tasks import DataRef

PACKINGS = {".tar": "", ".tar.gz": "gz", ".tgz": "gz", ".tar.xz": "xz", ".tar.bz2": "bz2"}


def ref(path: Path) -> DataRef:
    return DataRef(dataset=str(path))


def refusal(path: Path) -> str:
    datasets.forget()
    with pytest.raises(DataError) as caught:
        facts_of(ref(path))
    return str(caught.value)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_an_archive_is_the_folder_that_it_was_made_of(tmp_path: Path, suffix: str) -> None:
    files = published()
    folder = write_folder(tmp_path / "photos", files)
    members = {f"./photos/{name}": content for name, content in files.items()}
    members["./photos/train/._0.png"] = b"what macOS adds"
    path = write_tar(tmp_path / f"photos{suffix}", members, PACKINGS[suffix])
    assert facts_of(ref(path)).content == facts_of(ref(folder)).content
    for part in PARTS:
        ours, theirs = (open_part(ref(place), part) for place in (path, folder))
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
    assert where(str(path)).layout == "images"


def test_a_packed_archive_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    path = write_tar(tmp_path / "photos.tar.gz", published(), "gz")
    source = open_source(path)
    assert source.read("train/cat/0.png") == published()["train/cat/0.png"]
    assert len(list((cache_folder() / "unpacked").glob("*.npy"))) == 1

    def never(_: object) -> None:
        raise AssertionError("unpacked again")

    monkeypatch.setattr(gzip, "GzipFile", never)
    again = open_source(path)
    assert again.listing == source.listing
    assert again.read("test/dog/1.png") == published()["test/dog/1.png"]


def test_where_the_cache_cannot_hold_it_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tar(tmp_path / "photos.tar.gz", published(num=50), "gz")
    monkeypatch.setattr(tar_archive, "LIMIT", 1_000)
    text = refusal(path)
    assert "photos.tar.gz: cannot be unpacked into" in text
    assert "set HEADSTART_CACHE to another folder" in text


def test_cifar_keeps_its_layout_under_any_name(tmp_path: Path) -> None:
    write_batches(tmp_path / "unpacked", batch_files())
    path = tmp_path / "mine.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "unpacked", arcname="somewhere")
    assert where(str(path)).layout == "batches"


def test_links_in_an_archive(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "photos.tar", pictures("cat", "dog"))
    with tarfile.open(path, "a") as archive:
        for name, kind, target in (
            ("cat/hard.png", tarfile.LNKTYPE, "cat/0.png"),
            ("dog/soft.png", tarfile.SYMTYPE, "../dog/1.png"),
            ("dog/chain.png", tarfile.SYMTYPE, "soft.png"),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    source = open_source(path)
    assert source.read("cat/hard.png") == source.read("cat/0.png")
    assert source.read("dog/chain.png") == source.read("dog/1.png")
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("bird")
        link.type, link.linkname = tarfile.SYMTYPE, "/data/birds"
        archive.addfile(link)
    text = refusal(path)
    assert "holds links to what is not in it: bird to /data/birds." in text
    assert "--dereference" in text


def test_pipes_and_devices_in_an_archive_are_broken_files(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "photos.tar", pictures("cat", "dog"))
    with tarfile.open(path, "a") as archive:
        pipe = tarfile.TarInfo("cat/pipe.png")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    assert "(cat/pipe.png: is a pipe or a device, not a file)" in refusal(path)


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "train/../../x.png", "a/" * 100 + "x"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / "photos.tar.gz", published() | {name: picture()}, "gz")
    assert "leads outside the archive" in (text := refusal(path)) or "deep (a/a/a" in text


def test_names_that_are_not_utf_8_or_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "photos.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in pictures("dog", "caf\udce9", "\x1b[2J").items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    assert facts_of(ref(path)).classes == ("\\x1b[2J", "caf\\xe9", "dog")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz"])
def test_a_torn_or_damaged_archive(tmp_path: Path, suffix: str) -> None:
    path = write_tar(tmp_path / f"photos{suffix}", published(num=40), PACKINGS[suffix])
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2 + 100], whole[:100], b"", b"\x1f\x8b\x08 and so on"):
        path.write_bytes(content)
        text = refusal(path)
        assert f"{path}: is torn or damaged: " in text
        assert "Move the file away and get it again" in text


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "photos.tar", pictures("cat", "dog"))
    content = bytearray(path.read_bytes())
    at = content.find(b"dog/1.png")
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert "is torn or damaged: no header at byte" in refusal(path)


def test_a_packed_archive_that_unpacks_to_hundreds_of_times_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FREE", 1 << 20)
    bomb = {"train/cat/bomb.png": bytes(4_000_000)}
    path = write_tar(tmp_path / "photos.tar.gz", published() | bomb, "gz")
    assert f"would unpack from {os.path.getsize(path):,} to 4,0" in refusal(path)


def test_a_header_of_a_gigabyte(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@PaxHeader")
    member.type, member.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "photos.tar"
    path.write_bytes(member.tobuf() + bytes(10_240))
    assert "a header of 1,073,741,824 bytes" in refusal(path)


def test_headers_upon_headers(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1
    path = tmp_path / "photos.tar"
    path.write_bytes((member.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * 3_000)
    assert "is torn or damaged: " in refusal(path)
