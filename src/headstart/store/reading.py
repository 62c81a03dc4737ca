"""What steps read of finished steps: from the store, or from a copy of the part that they need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headstart.core.errors import StoreDamaged
from headstart.core.hashing import Json
from headstart.store.blobs import Arrays, Blob, DamagedBlob, blob_path, read_blob, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A finished step: what it was, the small part of what came out, and where it ran."""

    key: str
    kind: str
    result: Json
    seconds: float
    environment: Json
    blob: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Inputs and payload of a finished step."""

    payload: Json
    inputs: tuple[str, ...]


class StepReader(Protocol):
    """Reads finished steps. The store does, and so does a worker that never opens the store."""

    def rows(self, keys: Iterable[str]) -> dict[str, StepRow]:
        """The finished steps among `keys`."""

    def recipe(self, key: str) -> Recipe:
        """Inputs and payload of a finished step."""

    def arrays_of(self, row: StepRow) -> Arrays:
        """The arrays of a step whose row is at hand.

        Raises:
            StoreDamaged: the blob is damaged.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInputs:
    """Some finished steps of a store, as a worker is given them: it opens no database.

    `folder` is the store's; blobs that are not among `contents`, by key, are read from there.
    """

    finished: Mapping[str, tuple[StepRow, Recipe]]
    folder: Path
    contents: Mapping[str, bytes] = field(default_factory=dict)

    def content(self, key: str) -> bytes:
        """The bytes of a blob; none where it cannot be read, and its reader finds it damaged."""
        try:
            return blob_path(self.folder, key).read_bytes()
        except OSError:
            return b""

    def rows(self, keys: Iterable[str]) -> dict[str, StepRow]:
        """The finished steps among `keys`."""
        return {key: self.finished[key][0] for key in keys if key in self.finished}

    def recipe(self, key: str) -> Recipe:
        """Inputs and payload of a finished step."""
        return self.finished[key][1]

    def arrays_of(self, row: StepRow) -> Arrays:
        """The arrays of a step whose row is at hand.

        Raises:
            StoreDamaged: the blob is damaged; the error names the step.
        """
        try:
            if row.key in self.contents:
                return unpack(self.contents[row.key], row.blob, f"step {row.key[:12]}")
            return read_blob(blob_path(self.folder, row.key), row.blob)
        except DamagedBlob as error:
            raise StoreDamaged(str(error), row.key) from error
