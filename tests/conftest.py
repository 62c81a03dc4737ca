"""What every test gets: a cache of its own, a place for a store, the command line to call."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from commands import Call, Ended
    from headstart.store.store import Store

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


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Call":
    """Call the command line in this process, in an empty folder."""
    from commands import Ended
    from headstart.cli import main

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> "Ended":
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, arguments)])
        status: Any = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        out, err = capsys.readouterr()
        return Ended(status, out, err)

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The file of the tiny study, made smaller still."""
    from studies import tiny_table
    from study_files import write_study

    return write_study(tmp_path / "tiny.toml", tiny_table(sizes=[20], arms=["scratch", "full"]))


@pytest.fixture
def store(store_folder: Path) -> "Iterator[Store]":
    """A store that is open, and new."""
    from headstart.store.store import Store

    with Store(store_folder) as opened:
        yield opened
