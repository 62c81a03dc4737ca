"""Two studies side by side: their sentences, and the JSON document."""

import json
from typing import Any

from headstart.analyse.analysis import Comparison
from headstart.analyse.side_by_side import Side, SideBySide
from headstart.analyse.text import plural
from headstart.report.document import json_value

_FIELDS = (
    "arm", "control", "size", "source", "target", "seeds", "gain_pp", "low_pp", "high_pp",
    "confidence", "verdict",
)  # fmt: skip


def lead(two: SideBySide) -> str:
    """What the two are, and how much of them can be compared."""
    same = (
        "The two studies ask the same."
        if not two.differences
        else (f"The two studies differ in {plural(len(two.differences), 'field')}.")
    )
    shared = plural(len(two.shared), "comparison")
    return f"{same} They share {shared}." if two.shared else f"{same} They share no comparison."


def caveats(two: SideBySide) -> tuple[str, ...]:
    """What must be said before anything is read from the table."""
    lines = []
    for name, side in zip(titles(two), (two.first, two.second), strict=True):
        done, total = side.analysis.num_done, side.analysis.num_trials
        if done < total:
            lines.append(f"{name} is not finished: {done} of {plural(total, 'trial')} are done.")
    reasons = dict.fromkeys(one.why_untested for one in two.shared if one.why_untested)
    for reason in reasons:
        lines.append(f"Differences between the studies are not tested where {reason}.")
    if any(one.difference for one in two.shared):
        lines.append(
            "Differences of gains are over the seeds and test images that both share, with plain "
            "95 % intervals adjusted for nothing: they are no verdict. A study changed after its "
            "results were seen is no fair opponent of the first."
        )
    return tuple(lines)


def titles(two: SideBySide) -> tuple[str, str]:
    """What the two are called beside each other."""
    first, second = two.first.name, two.second.name
    return (first, second) if first != second else (f"{first} (first)", f"{second} (second)")


def how_to_read(two: SideBySide) -> str:
    """What the numbers of the table are."""
    first, second = titles(two)
    return (
        "Gains in percentage points, with the intervals of their verdicts. "
        f"A difference is the gain in {second} less that in {first}."
    )


def document_text(two: SideBySide) -> str:
    """JSON document of two studies."""
    shared = [
        {
            "first": _record(one.first),
            "second": _record(one.second),
            "difference": json_value(one.difference),
            "why_untested": one.why_untested,
        }
        for one in two.shared
    ]
    document: dict[str, Any] = {
        "studies": [_study(side) for side in (two.first, two.second)],
        "differences": json_value(two.differences),
        "caveats": list(caveats(two)),
        "comparisons": shared,
        "only_first": [_record(one) for one in two.only_first],
        "only_second": [_record(one) for one in two.only_second],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _study(side: Side) -> dict[str, Any]:
    a = side.analysis
    return {
        "study": side.name,
        "headline": a.headline,
        "seeds": list(a.seeds),
        "metric": a.metric,
        "trials_done": a.num_done,
        "num_trials": a.num_trials,
    }


def _record(comparison: Comparison) -> dict[str, Any]:
    return {name: json_value(getattr(comparison, name)) for name in _FIELDS}
