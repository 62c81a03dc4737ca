"""Images to predict: files, folders and archives, whatever they are and are called."""

import os
from pathlib import Path

import pytest

from headstart.core.errors import DataError
from headstart.model.image_files import ImageGroup, image_groups
from headstart.study.decoding import Decoding
from photos import photo_folder

DECODING = Decoding(size=(8, 8), colour="rgb")


def broken(group: ImageGroup) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in group.batches(DECODING, (8, 8, 3), 16):
        found |= batch.broken
    return found


def test_files_folders_and_archives_keep_their_order(tmp_path: Path) -> None:
    folder = photo_folder(tmp_path / "photos")
    single = folder / "test" / "dark" / "07.png"
    groups = image_groups([single, folder, single])
    titles = [title for group in groups for title in group.titles]
    assert titles[0] == titles[-1] == str(single)
    assert len(titles) == 46
    assert not any(broken(group) for group in groups)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.timeout(20)
def test_what_is_no_file_is_a_broken_image(tmp_path: Path) -> None:
    folder = photo_folder(tmp_path / "photos")
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(folder / "pipe.png")
    (single, all_of_it) = image_groups([tmp_path / "pipe.png", folder])
    why = "cannot be read: it is a named pipe, not a file"
    assert broken(single) == {f"{tmp_path}/pipe.png": why}
    assert broken(all_of_it) == {f"{folder}/pipe.png": "is a named pipe, not a file"}


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_names_are_titles_that_can_be_printed(tmp_path: Path) -> None:
    folder = photo_folder(tmp_path / "photos")
    place = folder / "test" / "dark"
    (place / "07.png").rename(place / "caf\udce9\x1b[2J.png")
    (group,) = image_groups([place / "caf\udce9\x1b[2J.png"])
    assert group.titles == (f"{place}/caf\\xe9\\x1b[2J.png",)
    assert broken(group) == {}
    (group,) = image_groups([place])
    assert f"{place}/caf\\xe9\\x1b[2J.png" in group.titles
    assert broken(group) == {}


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        image_groups([tmp_path / "gone.png"])
