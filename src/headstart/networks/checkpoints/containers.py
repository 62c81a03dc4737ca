"""Where the tensors lie in a nested checkpoint such as `{"epoch": 3, "state_dict": {...}}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.errors import fault, listed

if TYPE_CHECKING:
    from torch import Tensor

AVERAGES = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
"""Names of running averages of the weights, which are taken first: they are what was evaluated."""

CONTAINERS = (*AVERAGES, "state_dict", "model_state_dict", "model", "net", "module", "weights")
"""Names under which programs put the tensors; the first that is there is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """Tensors of a checkpoint, the names of the containers they lay in, and what was left out."""

    tensors: "Mapping[str, Tensor]"
    container: str
    notes: tuple[str, ...]


def find_tensors(path: Path, content: Any) -> Contained:
    """The tensors by name in what a torch.save file holds.

    Raises:
        CheckpointError: it holds none, or several sets of them under names that are not known.
    """
    from torch import Tensor

    trail: list[str] = []
    notes: list[str] = []
    while (name := _container(path, content)) is not None:
        trail.append(name)
        notes += _left_out(name, _candidates(content))
        content = content[name]
    tensors = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    others = [str(name) for name in content if name not in tensors]
    if others:
        notes.append(f"left out, since not tensors: {listed(others)}")
    return Contained(tensors=tensors, container=".".join(trail), notes=tuple(notes))


def _container(path: Path, content: Any) -> str | None:
    """The name of the container to open next; None where the tensors lie here."""
    from torch import Tensor

    if not isinstance(content, Mapping):
        raise _no_tensors(path, f"holds a {type(content).__name__}")
    candidates = _candidates(content)
    known = next((name for name in CONTAINERS if name in candidates), None)
    if known is not None:
        return known
    if any(isinstance(name, str) and isinstance(v, Tensor) for name, v in content.items()):
        return None
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise fault(
            path,
            f"holds several sets of tensors: {listed(candidates)}.",
            f"Known names: {', '.join(CONTAINERS)}.",
            "Save the set you mean by itself: torch.save(torch.load(FILE)[NAME], OTHER).",
        )
    raise _no_tensors(path, f"holds {listed([str(name) for name in content])}")


def _no_tensors(path: Path, holds: str) -> CheckpointError:
    return fault(
        path,
        f"{holds}, and no tensors by name.",
        "Allowed: a state_dict, by itself or in a dictionary.",
        "Save one with torch.save(network.state_dict(), FILE).",
    )


def _candidates(content: Mapping[Any, Any]) -> list[str]:
    return [name for name, value in content.items() if isinstance(name, str) and _holds(value)]


def _holds(value: Any) -> bool:
    """Whether a value is a mapping with tensors under names; an optimiser's are under numbers."""
    from torch import Tensor

    return isinstance(value, Mapping) and any(
        isinstance(name, str) and (isinstance(inner, Tensor) or _holds(inner))
        for name, inner in value.items()
    )


def _left_out(name: str, candidates: list[str]) -> list[str]:
    others = [f"'{other}'" for other in candidates if other != name]
    what = ", a running average of the weights" if name in AVERAGES else ""
    if not others:
        return [f"the weights are those under '{name}'{what}"] if what else []
    return [f"the weights are those under '{name}'{what}; not used: {listed(others)}"]
