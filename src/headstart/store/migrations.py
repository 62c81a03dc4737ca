"""The store's tables, as numbered migrations. A migration that has been released never changes."""

import sqlite3

from headstart.core.errors import StoreError

MIGRATIONS = (
    """
    CREATE TABLE steps (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        version INTEGER NOT NULL,
        payload TEXT NOT NULL,
        inputs TEXT NOT NULL,
        result TEXT NOT NULL,
        blob_size INTEGER NOT NULL,
        blob_sha256 TEXT NOT NULL,
        seconds REAL NOT NULL,
        environment TEXT NOT NULL,
        finished_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE failures (
        key TEXT PRIMARY KEY,
        label TEXT NOT NULL,
        error TEXT NOT NULL,
        failed_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE studies (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        spec TEXT NOT NULL,
        facts TEXT NOT NULL,
        command TEXT NOT NULL,
        used_at TEXT NOT NULL,
        UNIQUE (name, spec, facts)
    ) STRICT;
    """,
    # When a study was first planned here, and every number of seeds at which its evidence was
    # looked at: more seeds asked for later are charged for the looks before.
    """
    ALTER TABLE studies ADD COLUMN planned_at TEXT NOT NULL DEFAULT '';
    UPDATE studies SET planned_at = used_at;
    CREATE TABLE looks (
        evidence TEXT NOT NULL,
        num_seeds INTEGER NOT NULL,
        looked_at TEXT NOT NULL,
        PRIMARY KEY (evidence, num_seeds)
    ) STRICT;
    """,
    # What a study was last planned to be, so that looking how far it is plans nothing.
    """
    CREATE TABLE plans (
        study INTEGER PRIMARY KEY REFERENCES studies (number),
        trials TEXT NOT NULL,
        steps TEXT NOT NULL,
        num_waiting INTEGER NOT NULL
    ) STRICT;
    """,
    # Every look at a comparison, whatever study showed it: which seeds, at which error level, with
    # which margin. Numbers of seeds alone do not say whether others were asked instead.
    """
    DROP TABLE looks;
    CREATE TABLE looks (
        question TEXT NOT NULL,
        seeds TEXT NOT NULL,
        tested TEXT NOT NULL,
        study TEXT NOT NULL,
        planned INTEGER NOT NULL,
        in_family INTEGER NOT NULL,
        level REAL NOT NULL,
        margin_pp REAL NOT NULL,
        p_value REAL,
        verdict TEXT NOT NULL,
        looked_at TEXT NOT NULL,
        PRIMARY KEY (question, seeds)
    ) STRICT;
    """,
    # How many seeds each comparison of a study has so far, where they are added as evidence needs
    # them: a run that was stopped goes on with the same ones.
    """
    ALTER TABLE plans ADD COLUMN allocation TEXT NOT NULL DEFAULT 'null'
    """,
    # Steps that came out otherwise when they were computed once more, and where that was.
    """
    CREATE TABLE differences (
        key TEXT NOT NULL,
        environment TEXT NOT NULL,
        found_at TEXT NOT NULL
    ) STRICT;
    """,
)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, each migration in one transaction with its number.

    Raises:
        StoreError: the store was made by a newer headstart.
    """
    found = _known_version(connection)
    while found < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = _version(connection)  # another process may have been quicker
            if found < VERSION:
                for statement in MIGRATIONS[found].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {found + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # on a full disk SQLite has rolled back by itself
                connection.execute("ROLLBACK")
            raise
        found = _version(connection)


def need_current(connection: sqlite3.Connection) -> None:
    """Refuse tables that cannot be read as they are.

    Raises:
        StoreError: the store was made by a newer headstart, or by an older one.
    """
    found = _known_version(connection)
    if found < VERSION:
        raise StoreError(
            f"this store has version {found}, made by an older headstart, and may not be written, "
            f"so it cannot be brought to version {VERSION}. Copy its folder and name the copy with "
            "--store."
        )


def _known_version(connection: sqlite3.Connection) -> int:
    found = _version(connection)
    if found > VERSION:
        raise StoreError(
            f"this store has version {found}, made by a newer headstart; this one knows versions "
            f"up to {VERSION}. Upgrade headstart, or name another folder with --store."
        )
    return found


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
