"""Which file systems are those of a network, and where files cannot be locked."""

import errno
import os
from pathlib import Path

import pytest

from headstart.core import file_systems
from headstart.core.file_systems import locks_files, network_file_system

TABLE = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:41 / {here}/home rw,relatime shared:2 - nfs4 server:/home rw
41 40 8:2 / {here}/home/local rw,relatime shared:3 - xfs /dev/sdb rw
42 22 0:43 / {here}/a\\040space rw,relatime - fuse.sshfs me@there: rw
43 22 0:44 / {here}/scratch rw - lustre mds@tcp:/scratch rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("home/me/store", "nfs4"),
        ("home/local/store", ""),
        ("a space/store", "fuse.sshfs"),
        ("scratch", "lustre"),
        ("scratchpad", ""),
        ("elsewhere", ""),
    ],
)
def test_the_table_of_mounts_says_where_a_folder_is(
    folder: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE.format(here=tmp_path))
    monkeypatch.setattr(file_systems, "MOUNTS", table)
    (tmp_path / folder).mkdir(parents=True)
    assert network_file_system(tmp_path / folder) == kind


def test_without_a_table_of_mounts_a_folder_is_taken_for_a_local_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "none")
    assert network_file_system(tmp_path) == ""


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_whether_files_can_be_locked_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    assert locks_files(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    assert not locks_files(tmp_path)
    assert list(tmp_path.iterdir()) == []
