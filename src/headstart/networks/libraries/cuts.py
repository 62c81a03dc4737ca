"""Cuts of a network, from a recording: the modules that end its stages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from torch import nn

from headstart.networks.libraries.recording import Call, Recording, state_of

MOST_STAGES = 6  # of the trunk
FEWEST_CUTS = 3  # that a library must name; with fewer, names of modules are looked at

_NUMBERED = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Group:
    """A run of calls of modules with parameters, and the call whose output ends it."""

    end: Call
    depth: int


Run = tuple[list[Call], Call]
"""First calls of modules with parameters, and the call whose output ends them."""


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
    runs = _by_end(leaves, ends) if len(ends) >= FEWEST_CUTS else _by_prefix(recording, leaves)
    return tuple(group.end.name for group in merged(_joined(runs), most)[:-1])


def head_call(recording: Recording, heads: Sequence[str]) -> Call:
    """The call of the head that begins first."""
    return next(call for call in recording.calls if call.name in heads)


def parametric(recording: Recording) -> list[Call]:
    """First calls of modules that hold parameters themselves, where none beneath them does."""
    modules = dict(recording.module.named_modules())
    seen: dict[str, Call] = {}
    for call in recording.calls[1:]:
        if any(True for _ in modules[call.name].parameters(recurse=False)):
            seen.setdefault(call.name, call)
    found = list(seen.values())
    return [
        call
        for call, after in zip(found, [*found[1:], None], strict=False)
        if after is None or after.entered > call.left
    ]


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


def _by_end(leaves: list[Call], ends: list[Call]) -> list[Run]:
    """Runs of calls that end where named modules do, the last at the head."""
    runs: list[Run] = [([], end) for end in ends]
    for leaf in leaves:
        at = sum(end.left < leaf.left for end in ends)
        runs[min(at, len(ends) - 1)][0].append(leaf)
    return runs


def _by_prefix(recording: Recording, leaves: list[Call]) -> list[Run]:
    """Runs of calls whose names agree up to the first numbered component.

    What all names begin with does not count. A run ends with the last module called in it, which
    may hold no parameters.
    """
    columns = zip(*(leaf.name.split(".")[:-1] for leaf in leaves), strict=False)
    common = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, columns))
    rows: list[tuple[str, list[Call]]] = []
    for leaf in leaves:
        name = prefix(leaf.name, common)
        if not rows or rows[-1][0] != name:
            rows.append((name, []))
        rows[-1][1].append(leaf)
    following = [row[0] for _, row in rows[1:]]
    ends = [
        _last_before(recording, row[-1], after)
        for (_, row), after in zip(rows, following, strict=False)
    ]
    ends += [row[-1] for _, row in rows[-1:]]
    return [(row, end) for (_, row), end in zip(rows, ends, strict=True)]


def _joined(runs: list[Run]) -> list[Group]:
    """Groups of runs: one without parameters, or of normalisations alone, joins the one before."""
    groups: list[Group] = []
    for calls, end in runs:
        if groups and (groups[-1].end is end or all(_scales(call) for call in calls)):
            groups[-1] = Group(end, groups[-1].depth + len(calls))
        else:
            groups.append(Group(end, len(calls)))
    return groups


def prefix(name: str, common: int = 0) -> str:
    """A module's name up to its first component with a digit, behind `common` components."""
    parts = name.split(".")
    for at, part in enumerate(parts[common:], common):
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


def _last_before(recording: Recording, call: Call, after: Call) -> Call:
    """The last module that had ended when `after` began, of those not called before `call`."""
    firsts = {made.name: made for made in reversed(recording.calls)}
    ended = [
        made
        for made in firsts.values()
        if call.left <= made.left < after.entered and state_of(made.output) is not None
    ]
    return max(ended, key=lambda made: made.left, default=call)


def innermost(module: nn.Module, name: str) -> str:
    """The layer that holds all parameters of a module, or the last in a row of layers."""
    part = module.get_submodule(name)
    while not any(True for _ in part.parameters(recurse=False)):
        holding = [(key, child) for key, child in part.named_children() if _holds(child)]
        if not holding or (len(holding) > 1 and not isinstance(part, nn.Sequential)):
            break
        key, part = holding[-1]
        name = f"{name}.{key}"
    return name


def _holds(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())
