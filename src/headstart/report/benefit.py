"""What the head start is worth, as a reader says it: labels, updates, operations, which arm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite

from headstart.analyse.analysis import Analysis, Benefit, Estimate, Forgetting, Pick
from headstart.report.rows import Pair
from headstart.report.text import NOTHING, percent, plural, points, size_lines

TITLES = ("Target data, arm", "Labels\n{control} needs", "Updates", "Operations")
_Words = Callable[[float | None], str]
_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthRow:
    """One transfer arm at one size in words."""

    size: str
    arm: str
    labels: str
    updates: str
    operations: str


def worth_rows(analysis: Analysis, pair: Pair) -> tuple[WorthRow, ...]:
    """The rows of one pair in the order of the study; none where all is withheld."""
    found = [w for w in analysis.worth if (w.source, w.target) == (pair.source, pair.target)]
    rows = tuple(_row(worth) for worth in found)
    told = [(row.labels, row.updates, row.operations) for row in rows]
    return rows if any(one != (NOTHING,) * 3 for one in told) else ()


def worth_note(analysis: Analysis) -> str:
    """What the columns mean."""
    control = analysis.control
    return (
        f"Labels {control} needs: to do as well as the arm, read off the curve of {control} "
        "over the sizes of the study, with a 95 % interval; an end beyond them is left open. "
        f"Updates and operations: until validation accuracy has 95 % of what {control} finally "
        f"gains over chance, median over seeds, against those of {control}; the source run is not "
        "included."
    )


def pick_lines(analysis: Analysis, several_pairs: bool) -> Iterator[str]:
    """Which arm to use at each size."""
    for pick in analysis.picks:
        yield f"{_place(pick, several_pairs)}: best on validation is {_pick(pick)}"


def forgetting_lines(analysis: Analysis, several_pairs: bool) -> Iterator[str]:
    """What the arms have forgotten of the source task, a line for each size."""
    found: dict[str, list[str]] = {}
    for told in analysis.forgetting:
        lost = told.forgotten_pp
        bounds = "" if lost.low is None else f" [{points(lost.low)}, {points(lost.high)}]"
        found.setdefault(_place(told, several_pairs), []).append(
            f"{told.arm} {points(lost.value)} pp{bounds}"
        )
    for place, arms in found.items():
        yield f"{place}: forgotten of the source task (its own head, its test images): " + (
            ", ".join(arms)
        )


def labels_in_short(found: Estimate) -> str:
    """A number of labels, or the bound on it that is known."""
    if found.at_least is not None:
        return f"> {_count(found.at_least)}"
    return f"< {_count(found.at_most)}" if found.at_most is not None else _count(found.value)


def operations(count: float | None) -> str:
    """A number of operations with a unit: 5.2 M."""
    if count is None:
        return NOTHING
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f}"


def _row(worth: Benefit) -> WorthRow:
    return WorthRow(
        size=", ".join(size_lines(worth.size, worth.num_images)),
        arm=worth.arm,
        labels=_labels(worth.labels),
        updates=_against(worth.updates_to, worth.control_updates_to, _count),
        operations=_against(worth.flops_to, worth.control_flops_to, operations),
    )


def _labels(found: Estimate) -> str:
    told = labels_in_short(found)
    if found.low is None or found.high is None or told == NOTHING:
        return told
    low = _count(found.low) if found.low > 0 else "…"
    high = _count(found.high) if isfinite(found.high) else "…"
    return f"{told} [{low}, {high}]"


def _against(own: Estimate, control: Estimate, words: _Words) -> str:
    one, other = (_bound(found, words) for found in (own, control))
    return NOTHING if one == NOTHING else f"{one} against {other}"


def _bound(found: Estimate, words: _Words) -> str:
    if found.value is not None:
        return words(found.value)
    return f"> {words(found.at_least)}" if found.at_least is not None else NOTHING


def _count(number: float | None) -> str:
    return NOTHING if number is None else f"{number:,.0f}"


def _place(told: Pick | Forgetting, several_pairs: bool) -> str:
    pair = f"{Pair(source=told.source, target=told.target)}, " if several_pairs else ""
    return f"{pair}{plural(told.num_images, 'image')}"


def _pick(pick: Pick) -> str:
    spread = "" if pick.test_sd is None else f" ± {percent(pick.test_sd)}"
    cost = f"{operations(pick.flops)} operations"
    if pick.source_flops:
        cost += f" after a source run of {operations(pick.source_flops)}"
    level = f" ({pick.why})" if pick.why else ""
    return f"{pick.arm}: {percent(pick.test_mean)}{spread} % on the test images, {cost}{level}"
