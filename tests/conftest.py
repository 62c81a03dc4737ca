"""What every test gets: a cache folder of its own, one thread, and tiny studies to run."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything of headstart is imported: the tests must not touch the user's cache, and the
# processes they start inherit this one.
_CACHE = tempfile.TemporaryDirectory(prefix="headstart-tests-")
os.environ["HEADSTART_CACHE"] = _CACHE.name

# A change is judged on the same examples every time; at a desk hypothesis goes on looking.
settings.register_profile("ci", derandomize=True)
if "CI" in os.environ:
    settings.load_profile("ci")


@pytest.fixture
def store_folder(tmp_path: Path) -> Path:
    """A place for a store that does not exist yet."""
    return tmp_path / "store"
