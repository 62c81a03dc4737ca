"""Rows of the table of steps as records."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field

from headstart.core.hashing import Json
from headstart.store.blobs import Blob
from headstart.store.reading import Recipe, StepRow

STEP_COLUMNS = "key, kind, result, seconds, environment, blob_size, blob_sha256"


@dataclass(slots=True)
class RowReader:
    """Rows of one query as records. Environments are few, over and over: each is parsed once."""

    _environments: dict[str, Json] = field(default_factory=dict)

    def step(self, row: sqlite3.Row) -> StepRow:
        """A finished step, of its `STEP_COLUMNS`."""
        return StepRow(
            key=row["key"],
            kind=row["kind"],
            result=json.loads(row["result"]),
            seconds=row["seconds"],
            environment=self.environment(row),
            blob=Blob(size=row["blob_size"], sha256=row["blob_sha256"]),
        )

    def environment(self, row: sqlite3.Row) -> Json:
        """Where a step ran."""
        text = row["environment"]
        if text not in self._environments:
            self._environments[text] = json.loads(text)
        return self._environments[text]


def recipe_of(row: sqlite3.Row) -> Recipe:
    """Inputs and payload of a step."""
    return Recipe(payload=json.loads(row["payload"]), inputs=tuple(json.loads(row["inputs"])))


def key_of(row: sqlite3.Row) -> str:
    """The key that the columns of a row give; those that hold JSON hold it in canonical form."""
    text = (
        f'{{"inputs":{row["inputs"]},"kind":"{row["kind"]}",'
        f'"payload":{row["payload"]},"version":{row["version"]}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()
