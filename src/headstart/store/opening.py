"""Opening a store: to write, brought up to date; alone, over a network; or to read, as it is."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headstart.core.claims import Claim, holder, take
from headstart.core.errors import StoreError
from headstart.core.file_systems import locks_files, network_file_system
from headstart.core.locks import locked
from headstart.store.migrations import migrate, need_current

WAIT = 60.0  # seconds for another process to end its writing
TURN = 1.0  # seconds between two attempts to have a store alone
SNAPSHOTS = 50  # attempts to read a database while nobody writes it

_log = logging.getLogger(__name__)

Trace = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStore:
    """A connection to the database of a store; `claim` where this process alone has it."""

    connection: sqlite3.Connection
    claim: Claim | None = None
    writable: bool = True


def open_store(
    folder: Path, *, reading: bool, unchanged: bool = False, trace: Trace | None
) -> OpenedStore:
    """Open a store, a new one where there is none and it is not only read.

    With `unchanged` nothing is written, not even what brings it up to date.

    Raises:
        StoreError: its database is of an older or newer version. OSError, sqlite3.Error: it cannot
        be read or written.
    """
    database = folder / "headstart.db"
    if unchanged or (reading and not may_write(folder)):
        return OpenedStore(connection=open_to_read(database, trace), writable=False)
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    locks = folder / "locks"
    locks.mkdir(exist_ok=True)
    can_lock = locks_files(locks)
    if can_lock and not network_file_system(folder):
        # SQLite does not wait for a process that is just turning a new database to WAL.
        with locked(locks / "opening"):
            return OpenedStore(connection=open_to_write(database, trace))
    claim = take(locks / "coordinator")
    if claim is None and reading:
        return OpenedStore(connection=open_to_read(database, trace), writable=False)
    claim = claim or _waited_for(locks / "coordinator")
    try:
        return OpenedStore(connection=open_alone(database, trace, locks=can_lock), claim=claim)
    except BaseException:
        claim.release()
        raise


def _waited_for(place: Path) -> Claim:
    """The claim on a store, once its holder is done; who that is, is logged."""
    said = ""
    while (claim := take(place)) is None:
        who = holder(place) or "another process"
        line = f"the store {place.parent.parent} is written by {who}; waiting until it is free"
        if line != said:
            _log.warning("%s", line)
            said = line
        time.sleep(TURN)
    return claim


def may_write(folder: Path) -> bool:
    """Whether a store may be written, as far as access rights tell."""
    database = folder / "headstart.db"
    places = (folder, folder / "locks", folder / "blobs", database)
    return all(os.access(place, os.W_OK) for place in places if place.exists())


def open_to_write(path: Path, trace: Trace | None) -> sqlite3.Connection:
    """A connection to a database that is up to date, a new one where there is none."""
    return _up_to_date(sqlite3.connect(path, timeout=WAIT, isolation_level=None), trace, "WAL")


def open_alone(path: Path, trace: Trace | None, *, locks: bool) -> sqlite3.Connection:
    """The same for the only process that has the database open: nothing in memory is shared.

    Args:
        path: of the database.
        trace: is called with every statement.
        locks: whether files can be locked there.
    """
    place = f"{path.absolute().as_uri()}?nolock={0 if locks else 1}"
    connection = sqlite3.connect(place, uri=True, timeout=WAIT, isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # a log can then be read without sharing
    connection = _up_to_date(connection, trace, "DELETE")
    connection.execute("PRAGMA locking_mode = NORMAL")
    connection.execute("SELECT count(*) FROM studies").fetchone()  # releases the lock on the file
    return connection


def _up_to_date(
    connection: sqlite3.Connection, trace: Trace | None, journal: str
) -> sqlite3.Connection:
    try:
        connection.row_factory = sqlite3.Row
        connection.set_trace_callback(trace)
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection)
        connection.execute("SELECT count(*) FROM studies").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _snapshot(path: Path) -> bytearray:
    """The bytes of a database that no process was just writing.

    Raises:
        StoreError: it is being written all the time.
    """
    journal = path.with_name(f"{path.name}-journal")
    for _ in range(SNAPSHOTS):
        before = path.stat()
        content = bytearray(path.read_bytes())
        after = path.stat()
        same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
        if same and not journal.exists():
            return content
        time.sleep(0.1)
    raise StoreError(
        f"{path} is being written all the time, or was left in the middle of it by a process that "
        "was killed. Run the study again to bring it in order."
    )


def open_to_read(path: Path, trace: Trace | None) -> sqlite3.Connection:
    """A connection to a database that may not be written and is not changed.

    Where nobody has the database open, SQLite would have to write files beside it to read it: then
    it is read into memory, where it is all there is to it.

    Raises:
        StoreError: it is of an older or newer version. OSError, sqlite3.Error: it cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT)
    else:
        content = _snapshot(path)
        content[18:20] = b"\x01\x01"  # no log beside it: memory has no place for one
        connection = sqlite3.connect(":memory:")
        connection.deserialize(bytes(content))
    try:
        connection.row_factory = sqlite3.Row
        connection.set_trace_callback(trace)
        need_current(connection)
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection
