"""A folder or an archive of files, read alike: what it holds by name, and the bytes of one file."""

from pathlib import Path

from headstart.core.hashing import digest
from headstart.data.formats.folder import Folder, state_of
from headstart.data.formats.listing import DamagedFile as DamagedFile
from headstart.data.formats.listing import Listing as Listing
from headstart.data.formats.listing import Reader as Reader
from headstart.data.formats.listing import Source as Source
from headstart.data.formats.tar_archive import TarArchive
from headstart.data.formats.zip_archive import ZipArchive


def open_source(path: Path, follow_links: bool = False) -> Source:
    """The folder or archive at `path`, which is open until nobody holds it any more.

    Args:
        path: of a folder, a .zip or a tar archive.
        follow_links: whether links that lead out of a folder are followed.

    Raises:
        DataError: it is a .zip that is damaged.
    """
    if path.is_dir():
        return Folder(path, follow_links)
    return ZipArchive(path) if path.suffix.lower() == ".zip" else TarArchive(path)


def stamp_of(paths: tuple[Path, ...], follow_links: bool = False) -> str:
    """A name for the state of files and folders: while it stands, so does their content.

    Raises:
        DataError: they cannot be read, or links lead out of a folder and are not to be followed.
    """
    return digest([_state(path, follow_links) for path in paths])


def _state(path: Path, follow_links: bool) -> list[object]:
    if path.is_dir():
        listing = Folder(path, follow_links).listing
        return [str(path.absolute()), listing.files, sorted(listing.folders)]
    return [str(path.absolute()), *state_of(path)]
