"""What a store remembers, as records: how steps came to be, failures, studies and their plans."""

from dataclasses import dataclass

from headstart.core.hashing import Json


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
    """Sums over finished trainings, `evaluation_flops` of measuring on validation images."""

    steps: int
    flops: int
    evaluation_flops: int
    updates: int
    seconds: float
