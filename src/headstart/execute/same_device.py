"""All of a study on one kind of device, where that is asked for: what is stored, and nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headstart.core.devices import device_kind
from headstart.core.errors import DeviceError
from headstart.core.names import few
from headstart.execute.environment import device_for, environment, processor
from headstart.execute.gpus import gpus_here
from headstart.execute.options import Device, RunOptions
from headstart.plan.steps import Step
from headstart.store.store import Store

COMPUTED = ("train", "predict")  # kinds of steps whose numbers depend on the device
WAY_OUT = (
    "Run it on one kind of device (--device, or another machine), in a new store (--store DIR), or "
    "without --same-device: the report then says that devices differ."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameDevice:
    """What was asked for: the device, and the kind that stored steps have; empty without any."""

    device: Device
    kind: str


def same_device(steps: Iterable[Step], store: Store, options: RunOptions) -> SameDevice | None:
    """What all steps of a plan have to be computed on; None where any device will do.

    Raises:
        DeviceError: stored steps were computed on several kinds, or on another than this machine's
            where steps run here.
    """
    if not options.same_device:
        return None
    labels = {step.key: step.label for step in steps if step.kind in COMPUTED}
    on = dict[str, list[str]]()
    for key, made in store.made(labels).items():
        on.setdefault(device_kind(made.environment), []).append(labels[key])
    here = set(on)
    if options.cluster is None:
        here.add(device_kind(environment(device_for(options.device))))
    if on and len(here) > 1:
        there = "\n  - ".join(f"{kind}: {_some(found)}" for kind, found in sorted(on.items()))
        more = here - set(on)
        raise DeviceError(
            f"steps of this study were computed on\n  - {there}\n"
            + (f"and this run computes on {more.pop()}. " if more else "")
            + WAY_OUT
        )
    return SameDevice(device=options.device, kind=next(iter(on), ""))


def _some(labels: Sequence[str]) -> str:
    quoted = [f"'{label}'" for label in labels]
    return f"{len(labels)} step{'s' if len(labels) > 1 else ''} ({few(quoted)})"


def other_kinds(kinds: Sequence[tuple[str, str]], wanted: str) -> list[str]:
    """Hosts that compute on another kind of device than is wanted, in words.

    Args:
        kinds: host and kind of device of each node.
        wanted: the kind that stored steps have; empty without any, and then the first node's.
    """
    first = wanted or next((kind for _, kind in kinds), "")
    why = "as stored steps were" if wanted else f"as {kinds[0][0]} does" if kinds else ""
    return [
        f"{host} computes on {kind}, not on {first}, {why}" for host, kind in kinds if kind != first
    ]


def kind_of_node(device: Device) -> str:
    """The kind of device of the node that this runs on, whose GPUs this process may not see."""
    gpus = () if device == "cpu" else gpus_here({})
    if gpus:
        return " and ".join(dict.fromkeys(gpu.name for gpu in gpus))
    return device_kind({"device": device if device == "mps" else "cpu", "processor": processor()})
