"""The command of a run, started again in a process that outlives the page."""

import shlex
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import StoreError
from headstart.store.events import RunBegan

LOG_LINES = 20  # shown of the log of a run that did not begin


@dataclass(slots=True, kw_only=True)
class Started:
    """A run that was started, the file of its output, and whether it has been seen as a run."""

    process: "subprocess.Popen[bytes]"
    log: Path
    began: bool = False

    def see(self, latest: RunBegan | None) -> None:
        """Note the latest run of the study, which may be this one."""
        self.began = self.began or (latest is not None and latest.process == self.process.pid)

    @property
    def never_began(self) -> bool:
        """Whether it has ended with an error before it was a run of its study."""
        return not self.began and bool(self.process.poll())

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return self.process.poll() is None

    @property
    def last_lines(self) -> str:
        """The end of its output."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            return f"{self.log}: {error.strerror}"
        return "\n".join(text.splitlines()[-LOG_LINES:])


def why_not(run: RunBegan | None) -> str:
    """Why a run cannot be gone on with from here; empty where it can."""
    if run is None:
        return "It is not known how its last run was started."
    words = _words(run)
    if words[:2] != ["headstart", "run"]:
        return "It was run from Python: its run() goes on from what is stored."
    if run.host != socket.gethostname():
        return f"It was run on {run.host}: start it there, {run.command}"
    if not Path(run.folder).is_dir():
        return f"The folder that it was run in is not there any more: {run.folder or 'not known'}"
    return ""


def command_again(run: RunBegan, store: Path) -> list[str]:
    """The words of the command that goes on with a run, on the store where it is shown.

    The store may have been moved since, and the store of a command from elsewhere is not to be
    chosen by who wrote it: the last `--store` counts, and those before it that are plainly one are
    left out, since two of them look like a mistake.
    """
    words = _words(run)
    while "--store" in words:
        at = words.index("--store")
        del words[at : at + 2]
    words = [word for word in words if not word.startswith("--store=")]
    return [*words, "--store", str(store.absolute())]


def resume(run: RunBegan | None, store: Path) -> Started:
    """Start the command of a run again, in its folder, with a log beside the store's results.

    No shell reads it, and no module is taken from that folder in place of headstart's own.

    Raises:
        StoreError: it cannot be started from here.
    """
    reason = why_not(run)
    if reason or run is None:
        raise StoreError(reason)
    log = store.absolute() / "events" / f"log-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "headstart", *command_again(run, store)[1:]],
                cwd=run.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise StoreError(f"the run cannot be started: {error}") from error
    return Started(process=process, log=log)


def _words(run: RunBegan) -> list[str]:
    try:
        return shlex.split(run.command)
    except ValueError:  # a quote that is not closed
        return []
