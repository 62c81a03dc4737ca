"""Settings of a cluster: a small file apart from the study, for they change no number."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from headstart.core.errors import Problem
from headstart.study.base import Spec
from headstart.study.problems import problems_from

SHORTEST = 5  # minutes: starting Ray and stopping before the limit take two of them
TIME = re.compile(
    r"(?:(?P<days>\d{1,3})-)?(?P<first>\d{1,5})(?::(?P<second>\d\d))?(?::(?P<third>\d\d))?",
    re.ASCII,
)


def seconds_of(time: str) -> int:
    """Seconds of a time limit as Slurm writes it.

    Raises:
        ValueError: it is not one.
    """
    found = TIME.fullmatch(time)
    second, third = (found["second"], found["third"]) if found else (None, None)
    if not found or any(int(part or 0) > 59 for part in (second, third)):
        raise ValueError(
            f"{time!r} is no time limit: minutes (90), MINUTES:SECONDS, HH:MM:SS (2:00:00), D-HH, "
            "D-HH:MM or D-HH:MM:SS (1-12:00:00)."
        )
    numbers = [int(found["first"]), int(second or 0), int(third or 0)]
    if found["days"] is None and third is None:  # minutes come first without days and hours
        numbers = [0, *numbers[:2]]
    hours, minutes, seconds = numbers
    return ((int(found["days"] or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _time(text: str) -> str:
    if seconds_of(text) < 60 * SHORTEST:
        raise ValueError(f"{text!r} is too short: give at least {SHORTEST} minutes.")
    return text


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} must be one line of text, without control characters.")
    return text


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.,:@/+-]*", text):
        raise ValueError(f"{text!r} must be one word of letters, digits and any of _ . , : @ / + -")
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,5}[MGT]", text):
        raise ValueError(f"{text!r} is no amount of memory: a whole number and M, G or T (16G).")
    return text


def _sbatch(text: str) -> str:
    if not re.fullmatch(r"--[a-z][a-z0-9-]*(=.+)?", _line(text)):
        raise ValueError(f"{text!r} is no option of sbatch: write it as '--qos=high'.")
    return text


def _variables(given: dict[str, str]) -> dict[str, str]:
    if wrong := [name for name in given if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)]:
        raise ValueError(f"{wrong[0]!r} is no name of an environment variable.")
    return given


def _mounts(given: dict[str, str]) -> dict[str, str]:
    for path, claim in given.items():
        if not path.startswith("/") or path == "/" or "/../" in f"{path}/":
            raise ValueError(f"{path!r} must be an absolute path in the pods, such as '/store'.")
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", claim):
            raise ValueError(f"{claim!r} is no name of a PersistentVolumeClaim.")
    return given


Line = Annotated[str, AfterValidator(_line)]
Word = Annotated[str, AfterValidator(_word)]


class ClusterSettings(Spec):
    """What a job asks of a cluster.

    Attributes:
        nodes: machines of Slurm, or pods of Kubernetes that compute.
        cpus, gpus, memory: of each node.
        time: limit of the job, as Slurm writes it.
        requeues: how often the job begins again after it has met the time limit.
        partition, account, sbatch: of Slurm; the last are further options, as '--qos=high'.
        setup: lines of the script before anything is started, as `module load cuda`.
        image, mounts: of Kubernetes; the latter are PersistentVolumeClaims by path in the pods.
        env: environment variables on every node.
    """

    nodes: int = Field(1, ge=1, le=10_000)
    cpus: int = Field(4, ge=1, le=1024)
    gpus: int = Field(0, ge=0, le=64)
    memory: Annotated[str, AfterValidator(_memory)] | None = None
    time: Annotated[str, AfterValidator(_time)] | None = None
    requeues: int = Field(10, ge=0, le=1000)
    partition: Word | None = None
    account: Word | None = None
    sbatch: tuple[Annotated[str, AfterValidator(_sbatch)], ...] = ()
    setup: tuple[Line, ...] = ()
    image: Word | None = None
    mounts: Annotated[dict[str, Line], AfterValidator(_mounts)] = Field(default_factory=dict)
    env: Annotated[dict[str, Line], AfterValidator(_variables)] = Field(default_factory=dict)


def settings_of(
    table: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[ClusterSettings | None, list[Problem]]:
    """Settings of a file, with options of the command line in place of some, or all problems."""
    try:
        return ClusterSettings(**{**table, **options}), []
    except ValidationError as error:
        problems = problems_from(error, ClusterSettings, "")
        return None, [
            replace(problem, where=f"--{problem.where}") if problem.where in options else problem
            for problem in problems
        ]


def path_problems(option: str, path: str | PurePath) -> list[Problem]:
    """The problem of a path that cannot be one line of a script."""
    if all(character >= " " and character != "\x7f" for character in str(path)):
        return []
    message = f"{str(path)!r} holds a line break or another control character."
    return [Problem(where=option, message=message, fix="Rename it; no script could be read.")]
