"""Files that lie among a data set's own and are not read, counted by suffix."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from headstart.study.dataset_facts import LeftOut


def left_out(names: Iterable[str], why: str) -> tuple[LeftOut, ...]:
    """One entry for each suffix among `names`, the most frequent first."""
    counts = Counter(PurePosixPath(name).suffix.lower() for name in names)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(LeftOut(suffix=suffix, number=number, why=why) for suffix, number in ranked)
