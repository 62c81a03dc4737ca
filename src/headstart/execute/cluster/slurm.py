"""Slurm: the batch script that starts Ray on the nodes of a job and runs a study there."""

import re
import subprocess
import sys
from pathlib import Path

from headstart.core.errors import ClusterError, Problem
from headstart.execute.cluster.settings import ClusterSettings
from headstart.execute.cluster.template import filled_in

BEFORE_LIMIT = 60  # seconds; Slurm may signal up to 60 earlier
PATIENCE = 120  # seconds to wait for Ray, and for its nodes


def batch_script(settings: ClusterSettings, name: str, study: str, store: Path) -> str:
    """The script of a job that runs a study; a path in it is absolute."""
    return filled_in(
        "slurm.sh",
        **dict(settings),
        name=_job_name(name),
        study=study,
        store=str(store),
        bin=str(Path(sys.executable).parent),
        before_limit=BEFORE_LIMIT,
        patience=PATIENCE,
    )


def join_script(settings: ClusterSettings, name: str, address: str) -> str:
    """The script of an array of jobs, each of which is a node that joins a running Ray cluster."""
    return filled_in(
        "slurm-join.sh",
        **dict(settings),
        name=_job_name(name),
        address=address,
        bin=str(Path(sys.executable).parent),
    )


def address_problems(address: str) -> list[Problem]:
    """The problem of an address that nodes of other machines cannot join."""
    host, _, port = address.rpartition(":")
    here = host in ("localhost", "::1") or host.startswith("127.")
    if re.fullmatch(r"[A-Za-z0-9.-]+", host) and port.isdecimal() and not here:
        return []
    why = "is an address of this machine alone." if here else "is no address of a Ray head."
    fix = "Give HOST:PORT, as `ray start --head --port PORT` prints it."
    return [Problem(where="--join", message=f"'{address}' {why}", fix=fix)]


def _job_name(study: str) -> str:
    return f"headstart-{re.sub(r'[^A-Za-z0-9_.-]', '-', study)}"


def submit(script: str) -> str:
    """Send a script to Slurm; the number of its job.

    Raises:
        ClusterError: there is no sbatch here, or it refuses the job.
    """
    try:
        done = subprocess.run(
            ["sbatch", "--parsable"],
            input=script.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ClusterError(
            f"--submit needs Slurm's sbatch, which cannot be run here: {error.strerror}. Run this "
            "on a login node, or leave --submit out, save the script and give it to sbatch there."
        ) from error
    if done.returncode:
        said = "; ".join(done.stderr.decode(errors="replace").split("\n")).strip("; ")
        raise ClusterError(
            f"Slurm did not take the job: {said or f'exit status {done.returncode}'}. `sinfo` "
            "lists partitions and nodes; change the settings or the options that it names."
        )
    return done.stdout.decode(errors="replace").strip().partition(";")[0]
