"""A tiny study that has been run, for tests of its models."""

from pathlib import Path
from typing import Any

from headstart.execute.options import RunOptions
from headstart.flow import run, with_facts
from headstart.study.study import StudySpec
from studies import tiny_table


def trained_study(folder: Path, **changes: Any) -> Path:
    """A store with the tiny study in it, digits, finished."""
    given = {"sizes": [20, 60], "arms": ["scratch", "full"], "seeds": 2, **changes}
    return trained(StudySpec(**tiny_table(**given)), folder)


def trained(study: StudySpec, folder: Path) -> Path:
    """A store with a study in it, finished."""
    options = RunOptions(store=folder, workers=1, device="cpu")
    run(with_facts(study), options, listen=lambda *_: None)
    return folder
