"""Who holds a lock or a claim: the process that signed a file, and whether it is still there."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds a lock or a claim."""

    host: str
    process: int
    since: str  # when it took it, in the local time of its host

    @property
    def stopped(self) -> bool:
        """Whether it is known to be stopped, as by Ctrl-Z or a debugger."""
        return self.host == socket.gethostname() and _state(self.process) in ("T", "t")

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended, if only its parent has not asked for it yet."""
        if self.host != socket.gethostname() or os.name == "nt":  # signal 0 is Ctrl-C there
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's
            return False
        return _state(self.process) in ("Z", "X")

    def __str__(self) -> str:
        """Who it is, and what can be done about it."""
        who = f"process {self.process} on {self.host}"
        if self.stopped:
            return (
                f"{who}, which began at {self.since} and is stopped: continue it "
                f"(kill -CONT {self.process}) or end it (kill -KILL {self.process})"
            )
        return f"{who}, which began at {self.since}; if it hangs, end it (kill {self.process})"


def signature() -> str:
    """What this process writes into a file to sign it."""
    now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps(asdict(Holder(host=socket.gethostname(), process=os.getpid(), since=now)))


def signed_by(file: Path) -> Holder | None:
    """The process that signed a file, as far as that is known."""
    try:
        return Holder(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _state(process: int) -> str:
    """State of a process of this host as Linux has it (proc(5)); empty where it is not known."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return line.rpartition(")")[2].split()[0]
