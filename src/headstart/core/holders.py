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
    started: str = ""  # when it was started, as Linux counts it; its number may be another's later

    @property
    def stopped(self) -> bool:
        """Whether it is known to be stopped, as by Ctrl-Z or a debugger."""
        return self.host == socket.gethostname() and _state(self.process)[0] in ("T", "t")

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
        state, started = _state(self.process)
        return state in ("Z", "X") or bool(self.started and started and self.started != started)

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
    holder = Holder(
        host=socket.gethostname(),
        process=os.getpid(),
        since=datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
        started=_state(os.getpid())[1],
    )
    return json.dumps(asdict(holder))


def signed_by(file: Path) -> Holder | None:
    """The process that signed a file, as far as that is known."""
    try:
        return Holder(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _state(process: int) -> tuple[str, str]:
    """State of a process of this host, and when it was started, in ticks since the system was.

    As Linux has them (proc(5), fields 3 and 22); empty where they are not known.
    """
    try:
        line = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = line.rpartition(")")[2].split()
    return fields[0], fields[19]
