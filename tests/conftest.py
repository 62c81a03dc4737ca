"""What every test gets: a cache folder of its own, one thread, and tiny studies to run."""

import os
import tempfile
from pathlib import Path

import pytest

# Before anything of headstart is imported: the tests must not touch the user's cache, and the
# processes they start inherit this one.
_CACHE = tempfile.TemporaryDirectory(prefix="headstart-tests-")
os.environ["HEADSTART_CACHE"] = _CACHE.name


@pytest.fixture
def store_folder(tmp_path: Path) -> Path:
    """A place for a store that does not exist yet."""
    return tmp_path / "store"
