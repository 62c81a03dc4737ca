"""`headstart cluster`: the job that runs a study on a cluster of Slurm or Kubernetes."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from headstart.cli import arguments, completion
from headstart.cli.examples import examples

cluster = typer.Typer(
    no_args_is_help=True,
    help="Write the job that runs a study on a cluster.",
    epilog=examples("headstart cluster slurm study.toml --nodes 4 --time 2:00:00 > job.sh"),
)

StudyFile = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        autocompletion=completion.studies,
        help="A recipe's name or a study file (TOML).",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings of the cluster (TOML)."),
]
PodStore = Annotated[
    str, typer.Option("--store", metavar="DIR", help="Folder of results in the pods, in a mount.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Settings that both kinds of clusters have, in place of those of the file."""

    nodes: Annotated[
        int | None, typer.Option("--nodes", metavar="N", help="Nodes that compute; 1 by default.")
    ] = None
    cpus: Annotated[
        int | None, typer.Option("--cpus", metavar="N", help="Cores of each; 4 by default.")
    ] = None
    gpus: Annotated[
        int | None, typer.Option("--gpus", metavar="N", help="GPUs of each; none by default.")
    ] = None
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="16G", help="Memory of each.")
    ] = None
    time: Annotated[
        str | None,
        typer.Option("--time", metavar="D-HH:MM:SS", help="Time limit, as Slurm writes it."),
    ] = None

    def given(self, **more: str | None) -> dict[str, Any]:
        """Those that were given, and more."""
        return {key: value for key, value in {**asdict(self), **more}.items() if value is not None}


@cluster.command(
    epilog=examples(
        "headstart cluster slurm study.toml --nodes 4 --time 2:00:00 > job.sh",
        "headstart cluster slurm study.toml --partition gpu --gpus 1 --submit",
    )
)
@arguments.with_groups
def slurm(
    study: StudyFile,
    *,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    settings: SettingsFile = None,
    sizes: Sizes,
    partition: Annotated[
        str | None, typer.Option(metavar="NAME", help="Partition; Slurm's default without one.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Account that is charged.")
    ] = None,
    join: Annotated[
        str | None,
        typer.Option(
            "--join",
            metavar="HOST:PORT",
            help="Write an array of jobs, each a node that joins this running Ray cluster.",
        ),
    ] = None,
    submit: Annotated[bool, typer.Option("--submit", help="Give it to sbatch.")] = False,
) -> None:
    """Write the batch script of a Slurm job: Ray on its nodes, and a study on that."""
    from headstart import flow
    from headstart.execute.cluster.slurm import submit as send
    from headstart.report.terminal.messages import say

    options = sizes.given(partition=partition, account=account)
    script = flow.slurm_script(study, store, settings, options, join)
    if not submit:
        _print(script)
        return
    job = send(script)
    print(job)
    if join is not None:
        say((f"{job} is an array of jobs that join {join}; scancel {job} ends them.",))
        return
    say(
        (
            f"job {job} is queued. It writes slurm-{job}.out here; headstart status --store "
            f"{store} says how far the study is. Submit it again to go on after it was stopped.",
        )
    )


@cluster.command(
    epilog=examples(
        "headstart cluster kubernetes study.toml --image registry.example/headstart > job.yaml"
    )
)
@arguments.with_groups
def kubernetes(
    study: StudyFile,
    *,
    store: PodStore = "/store",
    settings: SettingsFile = None,
    sizes: Sizes,
    image: Annotated[
        str | None, typer.Option(metavar="NAME", help="Image of the pods, with headstart and Ray.")
    ] = None,
) -> None:
    """Write the manifest of a KubeRay RayJob that runs a study on pods."""
    from headstart import flow

    options = sizes.given(image=image)
    _print(flow.kubernetes_manifest(study, PurePosixPath(store), settings, options))


def _print(text: str) -> None:
    """Print what a program reads, with paths as they are whatever the locale says of them."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
