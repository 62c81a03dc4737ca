"""What kind of file system a folder is on, and whether files can be locked there."""

import errno
import re
import uuid
from pathlib import Path

from filelock import FileLock

MOUNTS = Path("/proc/self/mountinfo")

# Types whose files several machines may write. A file system in user space is taken for one.
_NETWORK = re.compile(
    r"nfs\d*|cifs|smb\d*|smbfs|lustre|gpfs|beegfs|ceph|glusterfs|afs|orangefs|pvfs2|panfs|9p|"
    r"fuse\..*|fuse"
)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def network_file_system(folder: Path) -> str:
    """Type of the network file system that an existing folder is on, as Linux names it.

    Empty for a folder of this machine, and on systems that have no table of mounts.
    """
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, found, longest = folder.resolve(), "", -1
    for line in lines:
        mount, kind = _mounted(line)
        if len(mount.parts) >= longest and place.is_relative_to(mount):
            found, longest = kind, len(mount.parts)  # a later mount hides an earlier one
    return found if _NETWORK.fullmatch(found) else ""


def native_lock(path: Path) -> FileLock:
    """A lock of the system's on a file, which is free once its process has ended.

    Taking it raises an OSError where files cannot be locked: a mere file in its place would stay
    after a crash.
    """
    return FileLock(path, fallback_to_soft=False)


def locks_files(folder: Path) -> bool:
    """Whether files in a folder can be locked; tried with one that is deleted again.

    Raises:
        OSError: no file can be made there.
    """
    path = folder / f".probe-{uuid.uuid4().hex}"
    try:
        with native_lock(path).acquire(timeout=0):
            return True
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    finally:
        path.unlink(missing_ok=True)


def _mounted(line: str) -> tuple[Path, str]:
    """Mount point and type of a line of the table of mounts (proc(5))."""
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), before.split()[4])
    return Path(point), after.split()[0]
