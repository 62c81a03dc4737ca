"""Folders and archives that nobody would make: read by safe names, in bounds, or refused."""

import os
import socket
import stat
import zipfile
from pathlib import Path

import pytest
from tiny_images import picture, pictures, published, write_folder, write_zip

from headstart.core.errors import DataError
from headstart.data.datasets import facts_of, open_part
from headstart.data.formats import listing
from headstart.data.formats.archives import DamagedFile, open_source
from headstart.data.formats.zip_archive import name_of
from headstart.study.tasks import DataRef

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def ref(path: Path, **more: bool) -> DataRef:
    return DataRef(dataset=str(path), **more)  # type: ignore[arg-type]


def refusal(path: Path, **more: bool) -> str:
    with pytest.raises(DataError) as caught:
        facts_of(ref(path, **more))
    return str(caught.value)


# -- files that are none -----------------------------------------------------------------------


@pipes
@pytest.mark.timeout(20)
def test_pipes_devices_and_links_to_nothing_are_broken_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", pictures("cat", "dog", num=6))
    os.mkfifo(folder / "cat" / "pipe.png")
    (folder / "cat" / "zero.png").symlink_to("/dev/zero")
    (folder / "dog" / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "dog" / "loop.png").symlink_to("loop.png")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "dog" / "s.png"))
    text = refusal(folder)
    assert "1 link leads out of this folder: cat/zero.png to /dev/zero" in text
    source = open_source(folder, follow_links=True)
    for name, why in {
        "cat/pipe.png": "is a named pipe, not a file",
        "cat/zero.png": "is a device, not a file",
        "dog/s.png": "is a socket, not a file",
        "dog/gone.png": f"is a link to nothing ({folder}/nowhere.png)",
    }.items():
        assert source.listing.files[name] == (0, 0)
        with pytest.raises(DamagedFile) as caught:
            source.read(name)
        assert str(caught.value) == why
    with pytest.raises(DamagedFile, match="link to nothing"):
        source.read("dog/loop.png")

    (folder / "cat" / "zero.png").unlink()
    text = refusal(folder)
    assert "image files cannot be decoded" in text
    assert "not a file" in text or "a link to nothing" in text
    facts = facts_of(ref(folder, skip_broken=True))
    assert sum(facts.train_counts) + sum(facts.test_counts) == 12


@pipes
@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["photos.zip", "photos.tar.gz", "arrays.npz"])
def test_a_pipe_in_place_of_an_archive_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert "is a named pipe, not a file" in refusal(tmp_path / name)


# -- links -------------------------------------------------------------------------------------


def test_links_out_of_the_folder_are_followed_only_if_asked(tmp_path: Path) -> None:
    cats = write_folder(tmp_path / "cats", {"a.png": picture(1), "b.png": picture(2)})
    folder = write_folder(tmp_path / "photos", pictures("dog"))
    (folder / "cat").symlink_to(cats)
    (cats / "circle").symlink_to(folder)
    text = refusal(folder)
    assert f"1 link leads out of this folder: cat to {cats}." in text
    assert "--follow-links, or `image = { follow_links = true }`" in text
    facts = facts_of(ref(folder, follow_links=True))
    assert facts.classes == ("cat", "dog")
    assert "1 link followed out of the folder" in facts.note
    assert sum(facts.train_counts) + sum(facts.test_counts) == 5


def test_a_link_to_a_folder_that_is_gone_is_a_missing_class(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", pictures("cat", "dog"))
    (folder / "bird").symlink_to(tmp_path / "not mounted")
    for more in ({}, {"follow_links": True}, {"skip_broken": True}):
        text = refusal(folder, **more)
        assert f"holds links to nothing: bird to {tmp_path}/not mounted." in text
        assert "is a disk not mounted?" in text


def test_links_inside_the_folder_are_files_like_others(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", pictures("cat", "dog"))
    write_folder(folder, {".more/3.png": picture(9)})
    (folder / "dog" / "3.png").symlink_to("../.more/3.png")
    (tmp_path / "photos.link").symlink_to(folder)  # the data set itself may be one
    for path in (folder, tmp_path / "photos.link"):
        facts = facts_of(ref(path))
        assert sum(facts.train_counts) + sum(facts.test_counts) == 7
        assert "followed" not in facts.note


def test_a_link_in_a_zip_would_be_text_in_place_of_a_class(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "photos.zip", published())
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("train/bird")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../birds")
    assert "holds links to what is not in it: train/bird." in refusal(path)


# -- names -------------------------------------------------------------------------------------


def test_names_that_steer_a_terminal_are_escaped(tmp_path: Path) -> None:
    strange = {"ca\x1b[2Jt\u202e/a\nb.png": picture(1), "dog/\x07.png": picture(2)}
    folder = write_folder(tmp_path / "photos", strange | pictures("dog", "ca\x1b[2Jt\u202e"))
    facts = facts_of(ref(folder))
    assert facts.classes == ("ca\\x1b[2Jt\\u202e", "dog")
    names = {str(name) for part in ("train", "test") for name in _names(folder, part)}
    assert {"ca\\x1b[2Jt\\u202e/a\\x0ab.png", "dog/\\x07.png"} <= names


def _names(folder: Path, part: str) -> list[str]:
    images = open_part(ref(folder), part)  # type: ignore[arg-type]
    assert images.names is not None
    return list(images.names)


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_that_are_not_utf_8_are_readable(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", pictures("dog"))
    place = os.fsencode(folder) + b"/caf\xe9"
    try:
        os.mkdir(place)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    for number in range(3):
        with open(place + b"/\xff%d.png" % number, "wb") as file:
            file.write(picture(number + 50))
    facts = facts_of(ref(folder))
    assert facts.classes == ("caf\\xe9", "dog")
    assert facts.model_dump_json()
    assert sum(facts.train_counts) + sum(facts.test_counts) == 6


def test_the_longest_names_a_file_system_takes(tmp_path: Path) -> None:
    name = "c" * 255
    folder = write_folder(tmp_path / "photos", pictures("dog", name))
    (folder / "dog" / ("x" * 251 + ".png")).write_bytes(picture(77))
    assert facts_of(ref(folder)).classes == (name, "dog")


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        ("kočka/1.png".encode(), "kočka/1.png"),  # macOS: UTF-8 without saying so
        ("Bär/1.png".encode("cp437"), "Bär/1.png"),
        ("кот/1.png".encode("cp866"), "\udcaa\udcae\udce2/1.png"),  # which code page is not known
        ("柴犬.png".encode("cp932"), "\udc8e\udcc4\udc8c\udca2.png"),
    ],
)
def test_names_in_a_zip_without_the_flag_for_utf_8(packed: bytes, expected: str) -> None:
    info = zipfile.ZipInfo(packed.decode("cp437"))
    assert name_of(info) == expected


def test_a_zip_made_on_a_mac(tmp_path: Path) -> None:
    files = pictures("kočka", "犬")
    path = write_zip(tmp_path / "photos.zip", files)
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(magic)
        while place >= 0:
            content[place + at + 1] &= ~0x08
            place = content.find(magic, place + 1)
    path.write_bytes(content)
    assert facts_of(ref(path)).classes == ("kočka", "犬")
    folder = write_folder(tmp_path / "photos", files)
    assert facts_of(ref(folder)).content == facts_of(ref(path)).content


# -- bounds ------------------------------------------------------------------------------------


def test_a_zip_that_unpacks_to_hundreds_of_times_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bombs = {f"train/cat/bomb{at}.png": bytes(3_000_000) for at in range(3)}
    path = write_zip(tmp_path / "photos.zip", published() | bombs, zipfile.ZIP_DEFLATED)
    assert "image files cannot be decoded" in refusal(path)  # small enough to be tried
    monkeypatch.setattr(listing, "FREE", 1 << 20)
    path.touch()
    text = refusal(path)
    assert text.startswith(f"{path}: would unpack from {path.stat().st_size:,} to 9,00")
    assert "Expected at most 200 times its size" in text


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_file_larger_than_any_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    files = published(num=6) | {"train/cat/large.png": bytes(5_000)}
    monkeypatch.setattr(listing, "LARGEST", 4_999)
    path = tmp_path / f"photos.{kind}"
    write_zip(path, files) if kind == "zip" else write_folder(path, files)
    text = refusal(path)
    assert "1 of 17 image files cannot be decoded (train/cat/large.png: has 5,000 bytes" in text
    assert "one image may have 4,999" in text
    assert sum(facts_of(ref(path, skip_broken=True)).train_counts) == 12


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folders_without_end(tmp_path: Path, kind: str) -> None:
    if kind == "zip":
        path = write_zip(tmp_path / "deep.zip", {"a/" * 1_500 + "x.png": picture()})
    else:
        path = write_folder(tmp_path / "deep", {"a/" * 70 + "x.png": picture()})
    text = refusal(path)
    assert "deep (a/a/a/...)." in text
    assert "Expected at most 64" in text
