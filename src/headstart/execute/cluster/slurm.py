"""Slurm: the batch script that starts Ray on the nodes of a job and runs a study there."""

import re
import subprocess
import sys
from pathlib import Path

from headstart.core.errors import ClusterError
from headstart.execute.cluster.settings import ClusterSettings
from headstart.execute.cluster.template import filled_in

BEFORE_LIMIT = 60  # seconds; Slurm may signal up to 60 earlier
PATIENCE = 120  # seconds to wait for Ray, and for its nodes


def batch_script(settings: ClusterSettings, name: str, study: str, store: Path) -> str:
    """The script of a job that runs a study; a path in it is absolute."""
    return filled_in(
        "slurm.sh",
        **dict(settings),
        name=f"headstart-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}",
        study=study,
        store=str(store),
        bin=str(Path(sys.executable).parent),
        before_limit=BEFORE_LIMIT,
        patience=PATIENCE,
    )


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
