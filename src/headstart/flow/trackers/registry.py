"""Experiment trackers by name, and writing a study to some of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import OutputError, SpecError, unknown
from headstart.flow.trackers.mlflow_runs import MLflowRuns
from headstart.flow.trackers.tensorboard_files import TensorBoardFiles
from headstart.flow.trackers.tracked import TrackerWriter, tracked_study, tracked_trials
from headstart.flow.trackers.wandb_runs import WandbRuns

if TYPE_CHECKING:
    from headstart.flow.engine import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerKind:
    """An experiment tracker.

    Attributes:
        module: of its library, which any of the packages named in the extra may bring.
        writer: opens it for a study: (where it is written to or empty, store, name of the study).
    """

    module: str
    writer: Callable[[str, Path, str], TrackerWriter]


TRACKERS: dict[str, TrackerKind] = {
    "mlflow": TrackerKind(module="mlflow", writer=MLflowRuns),
    "tensorboard": TrackerKind(module="tensorboardX", writer=TensorBoardFiles),
    "wandb": TrackerKind(module="wandb", writer=WandbRuns),
}
"""The trackers, by the name of their extra."""


def require_trackers(given: Iterable[str]) -> None:
    """Check trackers, such as `mlflow` or `tensorboard=FOLDER`, before anything is trained.

    Raises:
        SpecError: with every name that is not known. OutputError: a library is not installed.
    """
    names = [text.partition("=")[0] for text in given]
    problems = [unknown("tracker", name, TRACKERS) for name in names if name not in TRACKERS]
    if problems:
        raise SpecError(problems, "--track")
    missing = [name for name in names if find_spec(TRACKERS[name].module) is None]
    if missing:
        extras = ",".join(dict.fromkeys(missing))
        raise OutputError(
            f"--track {' --track '.join(missing)} needs a library that is not installed: "
            f"pip install 'headstart[{extras}]'"
        )


def write_to(given: Iterable[str], done: "Done", store: Path) -> None:
    """Write the trials of a run that are not there, and the study's report, to some trackers.

    Args:
        given: names, each with where to write after an equals sign, or without.
        done: the run.
        store: its folder.

    Raises:
        OutputError: a tracker cannot be written; what the run came to is in the store.
    """
    trials = list(tracked_trials(done.analysis, done.plan))
    study = tracked_study(done.analysis, done.summary)
    for text in given:
        name, _, where = text.partition("=")
        try:
            writer = TRACKERS[name].writer(where, store, study.name)
            known = writer.known()
            for trial in trials:
                if trial.key not in known:
                    writer.write_trial(trial)
            if study.content not in known:
                writer.write_study(study)
        except Exception as error:  # libraries have their errors
            raise OutputError(
                f"--track {text}: {type(error).__name__}: {error} The results are in the store "
                f"{store}: the same command writes them again and trains nothing."
            ) from error
