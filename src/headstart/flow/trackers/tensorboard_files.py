"""TensorBoard: a folder of events for each trial of a study, and one with the headline."""

import re
import shutil
from pathlib import Path

from headstart.core.files import write_whole
from headstart.flow.trackers.tracked import TrackedStudy, TrackedTrial

_DONE = "headstart.key"  # a file in a folder whose events are all written


class TensorBoardFiles:
    """Folders of events, found again by a file with the key of their trial.

    Args:
        where: folder of the logs; empty for `tensorboard` in the store.
        store: folder of the store.
        study: whose logs lie in a folder of that name.
    """

    def __init__(self, where: str, store: Path, study: str) -> None:
        self._folder = (Path(where) if where else store / "tensorboard") / _file_name(study)

    def known(self) -> set[str]:
        """Keys and contents of the folders that are complete."""
        return {path.read_text(encoding="utf-8") for path in self._folder.glob(f"*/{_DONE}")}

    def write_trial(self, trial: TrackedTrial) -> None:
        """Add a folder with the curve as scalars by update."""
        from tensorboardX import SummaryWriter
        from tensorboardX.summary import hparams

        folder = self._folder / f"{_file_name(trial.name)} {trial.key[:8]}"
        shutil.rmtree(folder, ignore_errors=True)  # one that was torn
        with SummaryWriter(str(folder)) as writer:
            for update, values in trial.curve:
                for name, value in values.items():
                    writer.add_scalar(name, value, update)
            # By hand, for add_hparams opens a second writer, which may get a file of the same name.
            for summary in hparams(trial.parameters, trial.results):
                writer.file_writer.add_summary(summary)
            for name, value in trial.results.items():
                writer.add_scalar(name, value)
        write_whole(folder / _DONE, trial.key.encode())

    def write_study(self, study: TrackedStudy) -> None:
        """Write the headline as text, and the page beside it."""
        from tensorboardX import SummaryWriter

        folder = self._folder / "report"
        shutil.rmtree(folder, ignore_errors=True)
        with SummaryWriter(str(folder)) as writer:
            writer.add_text("headline", study.headline)
            for name, value in study.results.items():
                writer.add_scalar(name, value)
        write_whole(folder / "report.html", study.page.encode())
        write_whole(folder / _DONE, study.content.encode())


def _file_name(name: str) -> str:
    """A name with only such characters as every file system allows."""
    return re.sub(r"[^\w.@+ -]", "_", name)
