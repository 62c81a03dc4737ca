"""Weights and Biases: a run for each trial in a group for each study, and a run with the report."""

from pathlib import Path
from typing import Any

from headstart.core.files import write_whole
from headstart.flow.trackers.tracked import TrackedStudy, TrackedTrial

PROJECT = "headstart"
_LETTERS = 32  # of a key in the id of a run


class WandbRuns:
    """Runs whose ids are the keys of their trials, so that a server has each once.

    Online or offline is decided by WANDB_MODE, as everywhere with this library.

    Args:
        where: name of the project; empty for `headstart`.
        store: its folder `wandb` gets the library's files.
        study: name of the group.
    """

    def __init__(self, where: str, store: Path, study: str) -> None:
        self._project, self._folder, self._group = where or PROJECT, store, study

    def known(self) -> set[str]:
        """Keys and contents of what was written from this store."""
        return {path.read_text(encoding="utf-8") for path in self._marks.glob("*.key")}

    def write_trial(self, trial: TrackedTrial) -> None:
        """Add a run with the curve by update."""
        with self._run(trial.key, trial.name, trial.parameters) as run:
            for update, values in trial.curve:
                run.log(values, step=update)
            run.summary.update(trial.results)
        self._mark(trial.key, trial.key)

    def write_study(self, study: TrackedStudy) -> None:
        """Add the run of the report, or write it anew."""
        import wandb

        with self._run(study.key, study.name, {}) as run:
            run.notes = study.headline
            run.summary.update(study.results)
            run.log({"report": wandb.Html(study.page, inject=False)})
        self._mark(study.key, study.content)

    @property
    def _marks(self) -> Path:
        return self._folder / "wandb" / "headstart" / self._project

    def _mark(self, key: str, known: str) -> None:
        """Remember what is written, beside the files of the library."""
        write_whole(self._marks / f"{key[:_LETTERS]}.key", known.encode())

    def _run(self, key: str, name: str, config: dict[str, Any]) -> Any:
        import wandb

        return wandb.init(
            project=self._project,
            group=self._group,
            id=key[:_LETTERS],
            name=name,
            config=config,
            dir=str(self._folder),
            resume="allow",
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off"),
        )
