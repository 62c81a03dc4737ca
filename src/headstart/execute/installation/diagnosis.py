"""What `headstart doctor` finds of an installation: facts, and what is wrong with it."""

from dataclasses import dataclass
from pathlib import Path

from headstart.core.errors import Problem
from headstart.networks.checkpoints.at_hand import AtHand


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """What torch can compute on.

    Attributes:
        threads: that it uses by itself for one operation.
        cuda: version of CUDA (or ROCm) that this build was made for; empty for the CPU alone.
        gpus: names of those it can use.
        mps: whether it can use the GPU of a Mac.
    """

    threads: int
    cuda: str
    gpus: list[str]
    mps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine.

    Attributes:
        processor: its name.
        cores: that this process may use.
        memory: bytes that this process may have at most; 0 where the system does not say.
        memory_free: bytes that are free now; 0 where the system does not say.
        gpu_driver: whether there are signs of a GPU driver.
        torch: None where torch cannot be imported.
    """

    processor: str
    cores: int
    memory: int
    memory_free: int
    gpu_driver: bool
    torch: Torch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """An extra of the package.

    Attributes:
        name: as in `headstart[photos]`.
        what: it brings.
        available: whether the package, as it is installed for this Python, has it.
        missing: what of it is not installed, or in another version; empty where all is there.
        install: the command that installs it.
    """

    name: str
    what: str
    available: bool
    missing: tuple[str, ...]
    install: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The folder of the cache, or of a store.

    Attributes:
        what: `cache` or `store`.
        path: of the folder, absolute.
        exists: whether it is there already.
        size: bytes of headstart's files in it; None for a store, of which they are not counted,
            and where it may not be read.
        free: bytes that are free on its disk.
        network: type of the network file system that it is on, empty for none.
        locks: whether files can be locked there; None where no file can be made to try it.
    """

    what: str
    path: Path
    exists: bool
    size: int | None
    free: int
    network: str
    locks: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlace:
    """A known data set and where its files are; `get` is how to get it where `path` is None."""

    name: str
    path: Path | None
    get: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that was found.

    Attributes:
        problems: what is broken and what to do; a run would fail or not do as it should.
        remarks: what is worth knowing, and stops no run.
        versions: of headstart, Python and the packages that are used.
        system: name and release of the operating system.
        machine: processor, memory and devices.
        folders: of the cache and of the store.
        datasets: the known ones.
        weights: pretrained networks at hand.
        extras: for users.
    """

    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]
    versions: dict[str, str]
    system: str
    machine: Machine
    folders: tuple[Folder, ...]
    datasets: tuple[DataPlace, ...]
    weights: tuple[AtHand, ...]
    extras: tuple[Extra, ...]
