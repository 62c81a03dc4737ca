"""The store: steps by key, failures, studies. The row is written last and alone marks it done."""

import errno
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headstart.core.errors import StoreDamaged, StoreError, StoreFull
from headstart.core.hashing import Json, canonical_json
from headstart.core.locks import Holder, claimed, holder_of
from headstart.store.blobs import (
    Arrays,
    Blob,
    DamagedBlob,
    Packed,
    blob_path,
    discard,
    looks_whole,
    read_blob,
    write_blob,
)
from headstart.store.looks import Look, from_row, to_row
from headstart.store.opening import Trace, open_store
from headstart.store.reading import Recipe, StepInputs, StepRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a finished step came to be: when, with what, and whether its row is what its key names.

    `finished_at` is a time in ISO form, UTC. `intact` is False for a row that was changed after it
    was written: kind, version, payload and inputs no longer give its key. `otherwise` is the
    environment in which the step came out otherwise when it was computed once more, if it did.
    """

    finished_at: str
    environment: Json
    intact: bool
    otherwise: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """A step that failed, with its traceback."""

    key: str
    label: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """A study as it was last run on this store."""

    number: int
    name: str
    spec: Json
    facts: Json
    command: str
    planned_at: str
    used_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """What a study was last planned to be: the keys of all steps, and of those that end a trial.

    `num_waiting` trials could not be planned yet. `allocation` says how many seeds each comparison
    has, where they may differ.
    """

    steps: tuple[str, ...]
    trials: tuple[str, ...]
    num_waiting: int
    allocation: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTotals:
    """Sums over finished trainings."""

    steps: int
    flops: int
    updates: int
    seconds: float


class Store:
    """One folder: `headstart.db`, `blobs/` and `locks/`.

    Safe to open from many processes at once. Every method that writes commits before it returns.
    With `reading`, a store that this user may not write is opened as it is: `writable` is then
    False, and methods that write fail. On a network file system, and where files cannot be locked,
    one process alone has it open to write: another waits for it, and with `reading` does not.

    Raises:
        StoreError: the folder cannot be made or written, is no store, or is newer than this code;
            with `reading`, cannot be read, or is older than this code and may not be written.
    """

    def __init__(self, folder: Path, *, reading: bool = False, trace: Trace | None = None) -> None:
        self.folder = folder
        try:
            opened = open_store(folder, reading=reading, trace=trace)
        except (OSError, sqlite3.Error) as error:
            raise store_error(folder, error) from error
        self._connection, self._claim = opened.connection, opened.claim
        self.writable = opened.writable

    def close(self) -> None:
        """Close the database; the store object is of no use afterwards."""
        self._connection.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- steps ---------------------------------------------------------------------------------

    def rows(self, keys: Iterable[str]) -> dict[str, StepRow]:
        """The finished steps among `keys`, those with a missing or short blob left out."""
        found: dict[str, StepRow] = {}
        for row in self._read_steps("*", keys):
            step = _step_row(row)
            if looks_whole(blob_path(self.folder, step.key), step.blob):
                found[step.key] = step
        return found

    def finished(self, keys: Iterable[str]) -> set[str]:
        """The keys of finished steps among `keys`, as `rows` has them; nothing else is read."""
        return {
            row["key"]
            for row in self._read_steps("key, blob_size, blob_sha256", keys)
            if looks_whole(blob_path(self.folder, row["key"]), _blob(row))
        }

    def made(self, keys: Iterable[str]) -> dict[str, Provenance]:
        """How the finished steps among `keys` came to be; their results are not read."""
        keys = list(keys)
        differing = self.differing(keys)
        columns = "key, kind, version, payload, inputs, environment, finished_at"
        environments: dict[str, Json] = {}  # a few, over and over
        found: dict[str, Provenance] = {}
        for row in self._read_steps(columns, keys):
            text = row["environment"]
            if text not in environments:
                environments[text] = json.loads(text)
            found[row["key"]] = Provenance(
                finished_at=row["finished_at"],
                environment=environments[text],
                intact=_key_of(row) == row["key"],
                otherwise=differing.get(row["key"]),
            )
        return found

    def row(self, key: str) -> StepRow | None:
        """One finished step, or None."""
        return self.rows([key]).get(key)

    def recipe(self, key: str) -> Recipe:
        """Inputs and payload of a finished step."""
        (row,) = self._read("SELECT payload, inputs FROM steps WHERE key = ?", (key,))
        return _recipe(row)

    def inputs_of(self, keys: Iterable[str], *, ancestors: bool, shared: bool = True) -> StepInputs:
        """Some finished steps as a worker is given them, which does not open the store.

        Args:
            keys: of the steps; those that are not finished are left out.
            ancestors: whether the inputs of the steps come too, and theirs.
            shared: whether the worker sees this folder; if not, it is given the blobs.
        """
        finished: dict[str, tuple[StepRow, Recipe]] = {}
        wanted = set(keys)
        while wanted:
            found = self._with_recipes(wanted)
            finished |= found
            further = {key for _, recipe in found.values() for key in recipe.inputs}
            wanted = further - finished.keys() if ancestors else set()
        contents = {} if shared else {key: self._content(key) for key in finished}
        return StepInputs(finished=finished, folder=self.folder, contents=contents)

    def arrays(self, key: str) -> Arrays:
        """The arrays of a finished step.

        Raises:
            StoreError: there are none. StoreDamaged: as `arrays_of` does.
        """
        row = self.row(key)
        if row is None:
            raise StoreError(f"step {key[:12]} is not in the store {self.folder}.")
        return self.arrays_of(row)

    def arrays_of(self, row: StepRow) -> Arrays:
        """The arrays of a step whose row is at hand.

        Raises:
            StoreDamaged: the blob is damaged; its row is dropped, so that the next run computes it
                again.
        """
        try:
            return read_blob(blob_path(self.folder, row.key), row.blob)
        except DamagedBlob as error:
            if not self.writable:
                raise StoreDamaged(
                    f"{error}. Whoever may write this store can run it anew."
                ) from error
            self.drop(row.key)
            raise StoreDamaged(
                f"{error}; it has been dropped. Run the same command again to compute it anew.",
                row.key,
            ) from error

    def drop(self, key: str) -> None:
        """Forget a step whose blob is damaged, so that it is computed again."""
        self._write("DELETE FROM steps WHERE key = ?", (key,))

    def put(
        self,
        *,
        key: str,
        kind: str,
        version: int,
        payload: Json,
        inputs: tuple[str, ...],
        result: Json,
        arrays: Packed,
        seconds: float,
        environment: Json,
    ) -> None:
        """Keep a finished step: first the blob, then the row that makes it count.

        A step that is there already stays as it is. One that comes out otherwise than it did is
        remembered (`differing`), for then the machines do not compute alike.

        Raises:
            StoreFull: the disk has no room left. StoreError: it cannot be written otherwise.
        """
        with self.atomic():
            self._write("DELETE FROM failures WHERE key = ?", (key,))
            first = self.row(key)
            if first is not None:
                discard(self.folder, key)
                if first.blob != arrays.blob or _untimed(first.result) != _untimed(result):
                    self._write(
                        "INSERT INTO differences VALUES (?, ?, ?)",
                        (key, canonical_json(environment), _now()),
                    )
                return
            try:
                write_blob(blob_path(self.folder, key), arrays)
                discard(self.folder, key)
            except OSError as error:
                raise store_error(self.folder, error) from error
            self._write(
                "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    kind,
                    version,
                    canonical_json(payload),
                    canonical_json(inputs),
                    canonical_json(result),
                    arrays.blob.size,
                    arrays.blob.sha256,
                    seconds,
                    canonical_json(environment),
                    _now(),
                ),
            )

    def differing(self, keys: Iterable[str]) -> dict[str, Json]:
        """The steps among `keys` that once came out otherwise, with the environment of that."""
        wanted = set(keys)
        rows = self._read("SELECT key, environment FROM differences ORDER BY rowid")
        return {row["key"]: json.loads(row["environment"]) for row in rows if row["key"] in wanted}

    def spent(self) -> TrainingTotals:
        """Totals of finished trainings, for cost estimates."""
        query = (
            "SELECT count(*), sum(json_extract(result, '$.flops')), "
            "sum(json_extract(payload, '$.phase.updates')), sum(seconds) "
            "FROM steps WHERE kind = 'train'"
        )
        steps, flops, updates, seconds = self._read(query)[0]
        return TrainingTotals(
            steps=steps, flops=flops or 0, updates=updates or 0, seconds=float(seconds or 0)
        )

    @contextmanager
    def lock_step(self, key: str) -> Iterator[bool]:
        """Whether this process may work on a step: a file lock that dies with its owner.

        A process that alone has the store needs none.
        """
        if self._claim is not None:
            yield True
            return
        ours = False
        try:
            with ExitStack() as stack:
                try:
                    ours = stack.enter_context(claimed(self._lock(key)))
                except OSError as error:
                    raise store_error(self.folder, error) from error
                yield ours
        finally:
            # Nobody needs the lock of a step that is done; one still waiting would find the row.
            with suppress(StoreError):  # a store that was closed leaves the file where it is
                if ours and self.row(key) is not None:
                    self._lock(key).unlink(missing_ok=True)

    def step_holder(self, key: str) -> Holder | None:
        """Who works on a step that could not be locked, as far as that is known."""
        return holder_of(self._lock(key))

    # -- failures ------------------------------------------------------------------------------

    def fail(self, key: str, label: str, error: str) -> None:
        """Record that a step failed. It is tried again by the next run."""
        self._write(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", (key, label, error, _now())
        )

    def failures(self, keys: Iterable[str]) -> dict[str, FailureRow]:
        """The failed steps among `keys`."""
        wanted = set(keys)
        rows = self._read("SELECT key, label, error FROM failures")
        return {row["key"]: FailureRow(**dict(row)) for row in rows if row["key"] in wanted}

    # -- studies -------------------------------------------------------------------------------

    def save_study(self, name: str, spec: Json, facts: Json, command: str) -> int:
        """Remember a study and the facts it was planned with, as the latest of its name.

        Gives the study's number in this store.
        """
        rows = self._read(
            "INSERT INTO studies (name, spec, facts, command, used_at, planned_at) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (name, spec, facts) "
            "DO UPDATE SET command = excluded.command, used_at = excluded.used_at "
            "RETURNING number",
            # Not in canonical form: the order of a table of classes is that of the labels.
            (name, json.dumps(spec), json.dumps(facts), command, _now()),
        )
        return int(rows[0]["number"])

    def studies(self) -> list[StudyRow]:
        """Every study of the store, the latest use first."""
        rows = self._read(
            "SELECT number, name, spec, facts, command, planned_at, used_at FROM studies "
            "ORDER BY used_at DESC"
        )
        return [
            StudyRow(
                number=row["number"],
                name=row["name"],
                spec=json.loads(row["spec"]),
                facts=json.loads(row["facts"]),
                command=row["command"],
                planned_at=row["planned_at"],
                used_at=row["used_at"],
            )
            for row in rows
        ]

    def save_plan(self, study: int, plan: PlanRow) -> None:
        """Remember what the study of that number was planned to be, in place of what it was."""
        self._write(
            "INSERT OR REPLACE INTO plans VALUES (?, ?, ?, ?, ?)",
            (
                study,
                json.dumps(plan.trials),
                json.dumps(plan.steps),
                plan.num_waiting,
                json.dumps(plan.allocation),
            ),
        )

    def plan(self, study: int) -> PlanRow | None:
        """What the study of that number was last planned to be; None where nothing is known."""
        query = "SELECT trials, steps, num_waiting, allocation FROM plans WHERE study = ?"
        for row in self._read(query, (study,)):
            return PlanRow(
                trials=tuple(json.loads(row["trials"])),
                steps=tuple(json.loads(row["steps"])),
                num_waiting=row["num_waiting"],
                allocation=json.loads(row["allocation"]),
            )
        return None

    def first_planned(self) -> str:
        """When the first study was planned on this store, in ISO form; empty where none was."""
        return str(self._read("SELECT min(planned_at) FROM studies")[0][0] or "")

    # -- looks ---------------------------------------------------------------------------------

    def record_looks(self, looks: Iterable[Look]) -> None:
        """Remember looks at comparisons. The first with the same seeds stays as it was."""
        with self.atomic():
            for look in looks:
                self._write(
                    "INSERT OR IGNORE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*to_row(look), _now()),
                )

    def looks(self, tested: Iterable[str]) -> tuple[Look, ...]:
        """All looks at comparisons on any of these test images, the first one first."""
        rows = self._read("SELECT * FROM looks ORDER BY rowid")
        wanted = set(tested)
        return tuple(from_row(row) for row in rows if row["tested"] in wanted)

    # -- inside --------------------------------------------------------------------------------

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

    def _with_recipes(self, keys: Iterable[str]) -> dict[str, tuple[StepRow, Recipe]]:
        """The finished steps among `keys`, as `rows` has them, with their recipes."""
        rows = ((_step_row(row), _recipe(row)) for row in self._read_steps("*", keys))
        return {
            step.key: (step, recipe)
            for step, recipe in rows
            if looks_whole(blob_path(self.folder, step.key), step.blob)
        }

    def _content(self, key: str) -> bytes:
        """The bytes of a blob; none where it cannot be read, and its reader finds it damaged."""
        try:
            return blob_path(self.folder, key).read_bytes()
        except OSError:
            return b""

    def _read_steps(self, columns: str, keys: Iterable[str]) -> Iterator[sqlite3.Row]:
        wanted = list(keys)
        for at in range(0, len(wanted), 500):  # SQLite limits the number of parameters
            some = wanted[at : at + 500]
            marks = ",".join("?" * len(some))
            yield from self._read(f"SELECT {columns} FROM steps WHERE key IN ({marks})", some)

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

    def _lock(self, key: str) -> Path:
        return self.folder / "locks" / key


def _step_row(row: sqlite3.Row) -> StepRow:
    return StepRow(
        key=row["key"],
        kind=row["kind"],
        result=json.loads(row["result"]),
        seconds=row["seconds"],
        environment=json.loads(row["environment"]),
        blob=_blob(row),
    )


def _untimed(result: Json) -> Json:
    """A result without what is not the same each time."""
    return {name: value for name, value in (result or {}).items() if name != "seconds"}


def _recipe(row: sqlite3.Row) -> Recipe:
    return Recipe(payload=json.loads(row["payload"]), inputs=tuple(json.loads(row["inputs"])))


def _blob(row: sqlite3.Row) -> Blob:
    return Blob(size=row["blob_size"], sha256=row["blob_sha256"])


def _key_of(row: sqlite3.Row) -> str:
    """The key that the columns of a row give; those that hold JSON hold it in canonical form."""
    text = (
        f'{{"inputs":{row["inputs"]},"kind":"{row["kind"]}",'
        f'"payload":{row["payload"]},"version":{row["version"]}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
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
