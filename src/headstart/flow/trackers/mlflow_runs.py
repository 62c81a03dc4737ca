"""MLflow: a run for each trial in an experiment for each study, and a run with the report."""

import time
from pathlib import Path
from typing import Any

from headstart.flow.trackers.tracked import TrackedStudy, TrackedTrial

KEY = "headstart.key"
CONTENT = "headstart.content"
_BATCH = 1000  # metrics that MLflow takes at once


class MLflowRuns:
    """Runs of an experiment, found again by a tag.

    Args:
        where: tracking URI; empty for the one that MLflow itself would use.
        store: not used.
        study: name of the experiment.
    """

    def __init__(self, where: str, store: Path, study: str) -> None:
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=where or None)
        found = self._client.get_experiment_by_name(study)
        self._experiment = found.experiment_id if found else self._client.create_experiment(study)

    def known(self) -> set[str]:
        """Keys and contents of the runs that came to their end; a torn one is written again."""
        tags = [run.data.tags for run in self._runs() if run.info.status == "FINISHED"]
        return {tag.get(name, "") for tag in tags for name in (KEY, CONTENT)}

    def write_trial(self, trial: TrackedTrial) -> None:
        """Add a run with the curve as metrics by update."""
        from mlflow.entities import Param

        run = self._begin(trial.name, trial.key)
        self._client.log_batch(
            run, params=[Param(name, str(value)) for name, value in trial.parameters.items()]
        )
        points = [
            (name, value, update)
            for update, values in trial.curve
            for name, value in values.items()
        ]
        points += [(name, value, 0) for name, value in trial.results.items()]
        self._log(run, points)
        self._client.set_terminated(run)

    def write_study(self, study: TrackedStudy) -> None:
        """Add the run of the report, or write it anew."""
        there = [run.info.run_id for run in self._runs() if run.data.tags[KEY] == study.key]
        run = there[0] if there else self._begin(study.name, study.key)
        self._client.set_tag(run, "mlflow.note.content", study.headline)
        self._client.log_text(run, study.page, "report.html")
        self._client.set_tag(run, CONTENT, study.content)
        self._log(run, [(_plain(name), value, 0) for name, value in study.results.items()])
        self._client.set_terminated(run)

    def _runs(self) -> list[Any]:
        found, token = [], None
        while True:
            page = self._client.search_runs([self._experiment], page_token=token)
            found += [run for run in page if KEY in run.data.tags]
            token = page.token
            if not token:
                return found

    def _begin(self, name: str, key: str) -> str:
        run = self._client.create_run(self._experiment, run_name=name, tags={KEY: key})
        return str(run.info.run_id)

    def _log(self, run: str, points: list[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric

        # Of several values at one step MLflow shows the one with the latest time.
        now = time.time_ns() // 1_000_000
        metrics = [Metric(name, value, now, step) for name, value, step in points]
        for begin in range(0, len(metrics), _BATCH):
            self._client.log_batch(run, metrics=metrics[begin : begin + _BATCH])


def _plain(name: str) -> str:
    """A name with only such characters as MLflow allows in those of metrics."""
    return "".join(char if char.isalnum() or char in "_-./ " else "_" for char in name)
