"""Opening the store's database: to write, brought up to date; or to read, as it is."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from headstart.store.migrations import migrate, need_current

WAIT = 60.0  # seconds for another process to end its writing

Trace = Callable[[str], object]


def may_write(folder: Path) -> bool:
    """Whether a store may be written, as far as access rights tell."""
    database = folder / "headstart.db"
    places = (folder, folder / "locks", folder / "blobs", database)
    return all(os.access(place, os.W_OK) for place in places if place.exists())


def open_to_write(path: Path, trace: Trace | None) -> sqlite3.Connection:
    """A connection to a database that is up to date, a new one where there is none."""
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.set_trace_callback(trace)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection)
        connection.execute("SELECT count(*) FROM studies").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


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
        content = bytearray(path.read_bytes())
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
