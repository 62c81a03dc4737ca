"""How to run, never what: nothing here can enter a key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Ray cluster: its address, None for a Ray that is started on this machine.

    With `any_version`, nodes with other versions of headstart, PyTorch or Python may compute.
    """

    address: str | None = None
    any_version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where results are kept, on what device and with how many workers.

    Without a number of workers there are as many as the machine has room for, or none where the
    work is done sooner than they could start. With a `cluster` steps run there. With `same_device`
    a study that is stored in part goes on only on the kind of device that it was computed on.
    """

    store: Path
    workers: int | None = None
    device: Device = "auto"
    cluster: Cluster | None = None
    same_device: bool = False

    @property
    def device_here(self) -> Device:
        """What is asked of this machine: nodes of a cluster may have a GPU that it lacks."""
        return self.device if self.cluster is None else "auto"
