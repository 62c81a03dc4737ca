"""The prefix that a file's names have and the network's do not, such as `module.`"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from headstart.networks.checkpoints.errors import fault, listed
from headstart.study.network_facts import Shape


def find_prefix(path: Path, given: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> str:
    """The prefix whose removal lets most of the file's names be names of the network.

    Of prefixes that do so equally, the one with more equal shapes is taken, then no prefix or a
    running average's (`ema`).

    Raises:
        CheckpointError: several prefixes do equally well: the file holds several networks.
    """
    names: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    for name, shape in given.items():
        for prefix, rest in _splits(name):
            if rest in wanted:
                names[prefix] += 1
                shapes[prefix] += wanted[rest] == shape
    if not names:
        return ""
    best = max((names[prefix], shapes[prefix]) for prefix in names)
    equal = [prefix for prefix in names if (names[prefix], shapes[prefix]) == best]
    averages = [prefix for prefix in equal if _is_average(prefix)]
    for choice in (equal, averages, [prefix for prefix in equal if not prefix]):
        if len(choice) == 1:
            return choice[0]
    quoted = [f"'{prefix}'" for prefix in sorted(equal)]
    raise fault(
        path,
        f"holds several networks that fit, under the prefixes {listed(quoted)}.",
        fix="Say which with `prefix`.",
    )


def without_prefix(names: Iterable[str], prefix: str) -> dict[str, str]:
    """Names of a file by what they are without the prefix; names that lack it stay."""
    names = list(names)
    plain = {name: name for name in names if not name.startswith(prefix)}
    return plain | {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def _splits(name: str) -> list[tuple[str, str]]:
    """All ways to cut a dotted name into a prefix and a rest."""
    starts = [0, *(at + 1 for at, letter in enumerate(name) if letter == ".")]
    return [(name[:start], name[start:]) for start in starts]


def _is_average(prefix: str) -> bool:
    return "ema" in prefix.replace(".", "_").split("_")
