"""Studies of a store, what they were planned to be, and looks at their results."""

import json
from collections.abc import Iterable

from headstart.core.hashing import Json
from headstart.store.database import Database, now
from headstart.store.looks import Look, from_row, to_row
from headstart.store.records import PlanRow, StudyRow


class StudyStore(Database):
    """The part of a store that remembers studies, their plans, and looks at comparisons."""

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
            (name, json.dumps(spec), json.dumps(facts), command, now()),
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

    def record_looks(self, looks: Iterable[Look]) -> None:
        """Remember looks at comparisons. The first with the same seeds stays as it was."""
        with self.atomic():
            for look in looks:
                self._write(
                    "INSERT OR IGNORE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*to_row(look), now()),
                )

    def looks(self, tested: Iterable[str]) -> tuple[Look, ...]:
        """All looks at comparisons on any of these test images, the first one first."""
        rows = self._read("SELECT * FROM looks ORDER BY rowid")
        wanted = set(tested)
        return tuple(from_row(row) for row in rows if row["tested"] in wanted)
