"""Cuts of a network, from a recording: the modules that end its stages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from headstart.networks.library.recording import Call, Recording

MOST_STAGES = 6  # of the trunk
FEWEST_CUTS = 3  # that a library must name; with fewer, names of modules are looked at

_NUMBERED = re.compile(r"\d$")


@dataclass(frozen=True, slots=True)
class Group:
    """A run of calls of modules with parameters, and the call whose output ends it."""

    end: Call
    depth: int


def cuts_of(
    recording: Recording, heads: Sequence[str], named: Sequence[str], most: int = MOST_STAGES
) -> tuple[str, ...]:
    """Modules that end the stages of the trunk; the last stage ends at the head and has none.

    Args:
        recording: of a forward pass.
        heads: modules of the head.
        named: modules that end stages by the library's account; may be empty.
        most: stages of the trunk, to which neighbours are merged.
    """
    start = head_call(recording, heads)
    leaves = [call for call in parametric(recording) if call.left < start.entered]
    ends = _named_ends(recording, start, named)
    groups = _counted(leaves, ends) if len(ends) >= FEWEST_CUTS else _by_prefix(leaves)
    return tuple(group.end.name for group in merged(groups, most)[:-1])


def head_call(recording: Recording, heads: Sequence[str]) -> Call:
    """The call of the head that begins first."""
    return next(call for call in recording.calls if call.name in heads)


def parametric(recording: Recording) -> list[Call]:
    """First calls of modules that hold parameters themselves, the network itself left out."""
    modules = dict(recording.module.named_modules())
    seen: dict[str, Call] = {}
    for call in recording.calls[1:]:
        if any(True for _ in modules[call.name].parameters(recurse=False)):
            seen.setdefault(call.name, call)
    return list(seen.values())


def last_layer(recording: Recording) -> str | None:
    """The last module called that holds parameters itself."""
    found = parametric(recording)
    return max(found, key=lambda call: call.left).name if found else None


def merged(groups: list[Group], most: int) -> list[Group]:
    """At most so many groups; the two neighbours that are least deep are merged first."""
    groups = list(groups)
    while len(groups) > most:
        sums = [first.depth + second.depth for first, second in pairwise(groups)]
        at = sums.index(min(sums))
        groups[at : at + 2] = [Group(groups[at + 1].end, sums[at])]
    return groups


def _named_ends(recording: Recording, start: Call, named: Sequence[str]) -> list[Call]:
    """First calls of modules named that end before the head, in the order in which they end."""
    found = [call for name in named if (call := recording.first(name)) is not None]
    before = [call for call in found if call.left < start.entered]
    return sorted(before, key=lambda call: call.left)


def _counted(leaves: list[Call], ends: list[Call]) -> list[Group]:
    """Groups that end where named modules do, the last at the head."""
    counts = [0] * len(ends)
    for leaf in leaves:
        at = sum(end.left < leaf.left for end in ends)
        counts[min(at, len(ends) - 1)] += 1
    return [Group(end, depth) for end, depth in zip(ends, counts, strict=True)]


def _by_prefix(leaves: list[Call]) -> list[Group]:
    """Groups of calls in a row whose names agree up to the first numbered component.

    A normalisation that forms a group of its own joins the one before.
    """
    runs: list[list[Call]] = []
    for leaf in leaves:
        if not runs or prefix(runs[-1][-1].name) != prefix(leaf.name):
            runs.append([])
        runs[-1].append(leaf)
    joined: list[list[Call]] = []
    for run in runs:
        if joined and all(_scales(call) for call in run):
            joined[-1] += run
        else:
            joined.append(run)
    following = [run[0] for run in joined[1:]]
    ends = [_outermost(run[-1], after) for run, after in zip(joined, following, strict=False)]
    ends += [joined[-1][-1]] if joined else []
    return [Group(end, len(run)) for end, run in zip(ends, joined, strict=True)]


def prefix(name: str) -> str:
    """A module's name up to its first component that is, or ends in, a digit."""
    parts = name.split(".")
    for at, part in enumerate(parts):
        if _NUMBERED.search(part):
            return ".".join(parts[: at + 1])
    return name


def _scales(call: Call) -> bool:
    """Whether a module gives what it is given, shape for shape: a normalisation, for instance."""
    given, gives = call.given, call.output
    return (
        given is not None
        and getattr(gives, "shape", None) == given.shape
        and call.flops == (call.flops_before)
    )


def _outermost(call: Call, after: Call) -> Call:
    """The outermost call around `call` that had ended when `after` began."""
    while call.parent is not None and call.parent.left < after.entered:
        call = call.parent
    return call


def innermost(module: nn.Module, name: str) -> str:
    """The last layer of a row of layers (`nn.Sequential`); any other module itself."""
    part = module.get_submodule(name)
    while isinstance(part, nn.Sequential) and len(part):
        inner, part = list(part.named_children())[-1]
        name = f"{name}.{inner}"
    return name
