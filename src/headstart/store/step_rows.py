"""Rows of the table of steps as records."""

import hashlib
import json
import sqlite3

from headstart.store.blobs import Blob
from headstart.store.reading import Recipe, StepRow


def step_row(row: sqlite3.Row) -> StepRow:
    """A finished step."""
    return StepRow(
        key=row["key"],
        kind=row["kind"],
        result=json.loads(row["result"]),
        seconds=row["seconds"],
        environment=json.loads(row["environment"]),
        blob=blob_of(row),
    )


def recipe_of(row: sqlite3.Row) -> Recipe:
    """Inputs and payload of a step."""
    return Recipe(payload=json.loads(row["payload"]), inputs=tuple(json.loads(row["inputs"])))


def blob_of(row: sqlite3.Row) -> Blob:
    """What a row remembers of its blob."""
    return Blob(size=row["blob_size"], sha256=row["blob_sha256"])


def key_of(row: sqlite3.Row) -> str:
    """The key that the columns of a row give; those that hold JSON hold it in canonical form."""
    text = (
        f'{{"inputs":{row["inputs"]},"kind":"{row["kind"]}",'
        f'"payload":{row["payload"]},"version":{row["version"]}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()
