"""Jobs of clusters: a study, a store and settings become a batch script or a manifest."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from headstart.core.errors import Problem, SpecError
from headstart.core.files import obstacle
from headstart.execute.cluster.kubernetes import pod_problems, ray_job
from headstart.execute.cluster.settings import ClusterSettings, path_problems, settings_of
from headstart.execute.cluster.slurm import address_problems, batch_script, join_script
from headstart.flow.load import find_study, load
from headstart.flow.study_paths import from_here
from headstart.study.load import read_toml, study_text
from headstart.study.recipes import recipes

JOB = "the job"


def slurm_script(
    study: str,
    store: Path,
    file: Path | None,
    options: Mapping[str, Any],
    join: str | None = None,
) -> str:
    """The batch script that runs a study on the nodes of a Slurm cluster.

    Args:
        study: a recipe's name or a study file, checked with its data.
        store: its folder, which the first node writes.
        file: of settings.
        options: settings of the command line, which come before those of the file.
        join: address of a running Ray head; the script is then that of nodes which join it.

    Raises:
        SpecError: with all problems of the study, its store and the settings.
    """
    settings, problems = _settings(file, options)
    if settings and settings.time is None:
        problems.append(Problem(where="--time", message="is missing.", fix="Give 2:00:00, say."))
    if why := obstacle(store, folder=True):
        problems.append(Problem(where="--store", message=f"{store} cannot be written: {why}."))
    problems += address_problems(join) if join is not None else []
    problems += [*path_problems("--store", store.absolute()), *path_problems("STUDY", study)]
    name = ""
    try:
        loaded = load(study)
    except SpecError as error:
        problems += _of(error)
    else:
        name = loaded.study.name
        if loaded.made_of:
            problems.append(_no_file(study))
    if settings is None or problems:
        raise SpecError(problems, JOB)
    if join is not None:
        return join_script(settings, name, join)
    where = study if study in recipes() else os.path.abspath(study)
    return batch_script(settings, name, where, store.absolute())


def kubernetes_manifest(
    study: str, store: PurePosixPath, file: Path | None, options: Mapping[str, Any]
) -> str:
    """The manifest that runs a study on the pods of a Kubernetes cluster with KubeRay.

    The study is not checked with its data, which only pods need to have.

    Raises:
        SpecError: with all problems of the study's file, the store's place and the settings.
    """
    settings, problems = _settings(file, options)
    if settings:
        problems += pod_problems(settings, store)
    problems += path_problems("--store", store)
    table: dict[str, Any] = {}
    if os.path.isdir(study):
        problems.append(_no_file(study))
    else:
        try:
            table = read_toml(find_study(study))
        except SpecError as error:
            problems += _of(error)
    if from_here(table, Path("/one")) != from_here(table, Path("/other")):
        message = "names files by relative paths, which pods do not have."
        fix = "Write absolute paths, as pods see them, or names of data sets."
        problems.append(Problem(where=study, message=message, fix=fix))
    if settings is None or problems:
        raise SpecError(problems, JOB)
    name, known = str(table.get("name", "")), study in recipes()
    content = "" if known else study_text(Path(study))
    return ray_job(settings, name, study if known else "", content, store)


def _settings(
    file: Path | None, options: Mapping[str, Any]
) -> tuple[ClusterSettings | None, list[Problem]]:
    try:
        table = read_toml(file) if file else {}
    except SpecError as error:
        return None, [*settings_of({}, options)[1], *_of(error)]
    return settings_of(table, options)


def _of(error: SpecError) -> list[Problem]:
    """Problems of a file, each with the name of the file."""
    return [
        replace(problem, where=": ".join(filter(None, (error.origin, problem.where))))
        for problem in error.problems
    ]


def _no_file(study: str) -> Problem:
    return Problem(
        where="STUDY",
        message=f"'{study}' is no study file: what is made of photos depends on the machine.",
        fix=f"Write it once (headstart new {study} > study.toml), and give study.toml.",
    )
