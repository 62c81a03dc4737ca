"""A Slurm on this machine, which is two of its nodes, for the time of a block; needs root."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")

CONFIG = """
ClusterName=headstart
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=1000
PartitionName=usual Nodes=ALL Default=YES PriorityTier=1 GraceTime=30 State=UP
PartitionName=urgent Nodes=ALL PriorityTier=2 State=UP
"""


def why_not() -> str:
    """Why Slurm cannot be run here; empty where it can."""
    if missing := [name for name in DAEMONS if not _found(name)]:
        return f"{', '.join(missing)} not installed (Debian: slurmctld slurmd munge)"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Slurm with partitions `usual` and `urgent`, whose jobs preempt those of the other."""
    for name in ("state", "spool-n1", "spool-n2"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    ports, host = [_free_port() for _ in range(3)], socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(folder=folder, ports=ports, host=host), encoding="utf-8")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(config)
    with ExitStack() as daemons:
        daemons.callback(_restore, before)
        munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        _start(daemons, "munged", "-F", "--force", f"--socket={folder}/munge.socket", *munge)
        until(lambda: (folder / "munge.socket").exists(), "munged")
        _start(daemons, "slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            _start(daemons, "slurmd", "-D", "-N", node)
        until(
            lambda: output("sinfo", "-h", "-N", "-p", "usual", "-o", "%t") == "idle\n" * 2, "nodes"
        )
        yield


def output(*command: str) -> str:
    """What a command prints, whether it ends well or not."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} was not there after {seconds:g} s")
        time.sleep(0.3)


def _start(daemons: ExitStack, name: str, *arguments: object) -> None:
    process = subprocess.Popen(
        [_found(name) or name, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    daemons.callback(process.wait)
    daemons.callback(process.terminate)


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _restore(before: str | None) -> None:
    os.environ.pop("SLURM_CONF", None)
    if before is not None:
        os.environ["SLURM_CONF"] = before


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
