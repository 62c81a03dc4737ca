"""The store: steps by key, and failures. The row is written last and alone marks a step done."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from headstart.core.errors import StoreDamaged, StoreError
from headstart.core.hashing import Json, canonical_json
from headstart.core.holders import Holder
from headstart.core.locks import claimed, holder_of
from headstart.store.blobs import (
    Arrays,
    DamagedBlob,
    Packed,
    blob_path,
    discard,
    looks_whole,
    read_blob,
    write_blob,
)
from headstart.store.database import now, store_error
from headstart.store.reading import Recipe, StepInputs, StepRow
from headstart.store.records import FailureRow, Provenance, TrainingTotals
from headstart.store.step_rows import STEP_COLUMNS, RowReader, key_of, recipe_of
from headstart.store.studies import StudyStore


class Store(StudyStore):
    """One folder: `headstart.db`, `blobs/` and `locks/`.

    Safe to open from many processes at once. Every method that writes commits before it returns.
    With `reading`, a store that this user may not write is opened as it is: `writable` is then
    False, and methods that write fail. With `unchanged` every store is opened so, for who watches.
    On a network file system, and where files cannot be locked, one process alone has it open to
    write: another waits for it, and with `reading` does not.

    Raises:
        StoreError: the folder cannot be made or written, is no store, or is newer than this code;
            with `reading`, cannot be read, or is older than this code and may not be written.
    """

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- steps ---------------------------------------------------------------------------------

    def rows(self, keys: Iterable[str]) -> dict[str, StepRow]:
        """The finished steps among `keys`, those with a missing or short blob left out."""
        found: dict[str, StepRow] = {}
        read = RowReader()
        for row in self._read_steps(STEP_COLUMNS, keys):
            if looks_whole(self.folder, row["key"], row["blob_size"]):
                found[row["key"]] = read.step(row)
        return found

    def finished(self, keys: Iterable[str]) -> set[str]:
        """The keys of finished steps among `keys`, as `rows` has them; nothing else is read."""
        return {
            row["key"]
            for row in self._read_steps("key, blob_size", keys)
            if looks_whole(self.folder, row["key"], row["blob_size"])
        }

    def made(self, keys: Iterable[str]) -> dict[str, Provenance]:
        """How the finished steps among `keys` came to be; their results are not read."""
        keys = list(keys)
        differing = self.differing(keys)
        columns = "key, kind, version, payload, inputs, environment, finished_at"
        read = RowReader()
        return {
            row["key"]: Provenance(
                finished_at=row["finished_at"],
                environment=read.environment(row),
                intact=key_of(row) == row["key"],
                otherwise=differing.get(row["key"]),
            )
            for row in self._read_steps(columns, keys)
        }

    def row(self, key: str) -> StepRow | None:
        """One finished step, or None."""
        return self.rows([key]).get(key)

    def recipe(self, key: str) -> Recipe:
        """Inputs and payload of a finished step."""
        (row,) = self._read("SELECT payload, inputs FROM steps WHERE key = ?", (key,))
        return recipe_of(row)

    def inputs_of(self, keys: Iterable[str], *, ancestors: bool) -> StepInputs:
        """Some finished steps as a worker is given them, which does not open the store.

        Args:
            keys: of the steps; those that are not finished are left out.
            ancestors: whether the inputs of the steps come too, and theirs.
        """
        finished: dict[str, tuple[StepRow, Recipe]] = {}
        wanted = set(keys)
        while wanted:
            found = self._with_recipes(wanted)
            finished |= found
            further = {key for _, recipe in found.values() for key in recipe.inputs}
            wanted = further - finished.keys() if ancestors else set()
        return StepInputs(finished=finished, folder=self.folder)

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
                    f"{error}. A user who may write this store can run it anew."
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
    ) -> bool:
        """Keep a finished step: first the blob, then the row that makes it count.

        Gives whether it is new. A step that is there already stays as it is. One that comes out
        otherwise than it did is remembered (`differing`), for then the machines do not compute
        alike.

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
                        (key, canonical_json(environment), now()),
                    )
                return False
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
                    now(),
                ),
            )
        return True

    def differing(self, keys: Iterable[str]) -> dict[str, Json]:
        """The steps among `keys` that once came out otherwise, with the environment of that."""
        wanted = set(keys)
        rows = self._read("SELECT key, environment FROM differences ORDER BY rowid")
        return {row["key"]: json.loads(row["environment"]) for row in rows if row["key"] in wanted}

    def spent(self) -> TrainingTotals:
        """Totals of finished trainings, for cost estimates.

        Those of older versions, which recorded no operations of evaluation, are left out: their
        time is for more than they say they did.
        """
        query = (
            "SELECT count(*), sum(json_extract(result, '$.flops')), "
            "sum(json_extract(result, '$.evaluation_flops')), "
            "sum(json_extract(payload, '$.phase.updates')), sum(seconds) FROM steps "
            "WHERE kind = 'train' AND json_extract(result, '$.evaluation_flops') IS NOT NULL"
        )
        steps, flops, evaluation_flops, updates, seconds = self._read(query)[0]
        return TrainingTotals(
            steps=steps,
            flops=flops or 0,
            evaluation_flops=evaluation_flops or 0,
            updates=updates or 0,
            seconds=float(seconds or 0),
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
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", (key, label, error, now())
        )

    def failures(self, keys: Iterable[str]) -> dict[str, FailureRow]:
        """The failed steps among `keys`."""
        wanted = set(keys)
        rows = self._read("SELECT key, label, error FROM failures")
        return {row["key"]: FailureRow(**dict(row)) for row in rows if row["key"] in wanted}

    # -- inside --------------------------------------------------------------------------------

    def _with_recipes(self, keys: Iterable[str]) -> dict[str, tuple[StepRow, Recipe]]:
        """The finished steps among `keys`, as `rows` has them, with their recipes."""
        read = RowReader()
        return {
            row["key"]: (read.step(row), recipe_of(row))
            for row in self._read_steps(f"{STEP_COLUMNS}, payload, inputs", keys)
            if looks_whole(self.folder, row["key"], row["blob_size"])
        }

    def _read_steps(self, columns: str, keys: Iterable[str]) -> Iterator[sqlite3.Row]:
        wanted = list(keys)
        for at in range(0, len(wanted), 500):  # SQLite limits the number of parameters
            some = wanted[at : at + 500]
            marks = ",".join("?" * len(some))
            yield from self._read(f"SELECT {columns} FROM steps WHERE key IN ({marks})", some)

    def _lock(self, key: str) -> Path:
        return self.folder / "locks" / key


def _untimed(result: Json) -> Json:
    """A result without what is not the same each time."""
    return {name: value for name, value in (result or {}).items() if name != "seconds"}
