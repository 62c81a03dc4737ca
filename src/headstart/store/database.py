"""The database of a store: statements that read and write it, and what is said where they fail."""

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headstart.core.errors import StoreError, StoreFull
from headstart.store.opening import Trace, open_store


class Database:
    """An open database of a store. Every method that writes commits before it returns.

    Raises:
        StoreError: the folder cannot be made or written, is no store, or is newer than this code;
            with `reading`, cannot be read, or is older than this code and may not be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reading: bool = False,
        unchanged: bool = False,
        trace: Trace | None = None,
    ) -> None:
        self.folder = folder
        try:
            opened = open_store(folder, reading=reading, unchanged=unchanged, trace=trace)
        except (OSError, sqlite3.Error) as error:
            raise store_error(folder, error) from error
        self._connection, self._claim = opened.connection, opened.claim
        self.writable = opened.writable

    def close(self) -> None:
        """Close the database; the object is of no use afterwards."""
        self._connection.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All writes of the block, or none."""
        self._write("BEGIN IMMEDIATE", ())
        try:
            yield
            self._write("COMMIT", ())
        except BaseException:
            if self._connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                self._connection.execute("ROLLBACK")
            raise

    def _read(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise store_error(self.folder, error) from error

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise store_error(self.folder, error) from error


def now() -> str:
    """The time, in ISO form, UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def store_error(folder: Path, error: Exception) -> StoreError:
    """The store's own error for what the system or SQLite said."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "disk is full" in str(error):
        return StoreFull(
            f"the disk under the store {folder} is full. What was finished is kept: free some "
            "space and run the same command again."
        )
    if "database is locked" in str(error):
        return StoreError(
            f"the store {folder} is being written by another process that does not come to an end. "
            "Is it stopped? Continue or end it, and run the same command again."
        )
    return StoreError(
        f"the store {folder} cannot be used: {error}. Name a folder you can write to with --store."
    )
