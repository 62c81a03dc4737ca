"""Kubernetes: the manifest of a KubeRay RayJob that runs a study on pods."""

import re
import shlex
from pathlib import PurePosixPath

from headstart.core.errors import Problem
from headstart.execute.cluster.settings import ClusterSettings, seconds_of
from headstart.execute.cluster.template import filled_in

LONGEST_NAME = 47  # letters of a RayJob
FOLDER, FILE = "/headstart-study", "study.toml"


def ray_job(
    settings: ClusterSettings, name: str, recipe: str, content: str, store: PurePosixPath
) -> str:
    """The manifest of a job that runs a study on pods.

    Args:
        settings: that `pod_problems` has none of.
        name: of the study.
        recipe: its name, where the study is one; else empty.
        content: of the study file, which goes along as a ConfigMap; empty for a recipe.
        store: its path in the pods.
    """
    words = ["headstart", "run", recipe or f"{FOLDER}/{FILE}", "--store", str(store)]
    job = re.sub(r"[^a-z0-9]+", "-", f"headstart-{name.lower()}")[:LONGEST_NAME].strip("-")
    return filled_in(
        "rayjob.yaml",
        **dict(settings),
        job=job,
        content=content,
        folder=FOLDER,
        file=FILE,
        entrypoint=shlex.join([*words, "--executor", "ray", "--address", "auto"]),
        seconds=seconds_of(settings.time) if settings.time else None,
    )


def pod_problems(settings: ClusterSettings, store: PurePosixPath) -> list[Problem]:
    """What pods lack: an image, and a place for the store that outlives them."""
    problems = []
    if settings.image is None:
        fix = "Give the name of an image with headstart[ray] and ray[default]."
        problems.append(Problem(where="--image", message="is missing.", fix=fix))
    if not any(store.is_relative_to(mount) for mount in settings.mounts):
        problems.append(
            Problem(
                where="--store",
                message=f"'{store}' would be lost with its pod: it lies in no mount.",
                allowed=f"Mounts: {', '.join(settings.mounts) or 'none'}.",
                fix='Give [mounts] with "/store" = "NAME OF A CLAIM", and --store /store.',
            )
        )
    return problems
