"""Files are whole or absent, whatever happens while they are written."""

import errno
import os
from pathlib import Path

import pytest

from headstart.core.files import (
    cache_folder,
    obstacle,
    open_regular,
    path_of,
    text_of,
    write_whole,
    written_whole,
)


def test_content_arrives_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.bin"
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_new_content_replaces_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"a longer old content")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_failure_inside_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def torn() -> None:
        with written_whole(path) as temporary:
            temporary.write_bytes(b"half of the ne")
            assert path.read_bytes() == b"old"
            raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        torn()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_before_anything_is_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "file"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_writes_nothing_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "file"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "犬" * 85, "caf\udce9"])
def test_names_may_be_as_long_and_strange_as_the_system_takes(tmp_path: Path, name: str) -> None:
    write_whole(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"content"
    with pytest.raises(OSError, match="it is a folder, not a file"):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "gone")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="it is a named pipe, not a file"):
            open_regular(tmp_path / "pipe")


def test_text_means_the_same_path_both_ways() -> None:
    for text in ("größer/犬", "plain", "caf\udce9"):
        assert text_of(path_of(text)) == text


def test_a_full_disk_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("HEADSTART_CACHE", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"
    monkeypatch.delenv("HEADSTART_CACHE")
    assert cache_folder().name == "headstart"


def test_what_is_in_the_way_of_a_file_or_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert obstacle(file, folder=False) == obstacle(tmp_path, folder=True) == ""
    assert obstacle(tmp_path / "a" / "b", folder=False) == ""
    assert obstacle(tmp_path, folder=False) == "it is a folder"
    assert obstacle(file, folder=True) == "it is a file"
    assert obstacle(file / "a" / "b", folder=True) == f"{file} is a file"
    asked = []

    def refuse(path: Path, _: int) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(os, "access", refuse)
    assert obstacle(tmp_path / "a" / "b", folder=True) == f"{tmp_path} may not be written to"
    assert asked == [tmp_path]
