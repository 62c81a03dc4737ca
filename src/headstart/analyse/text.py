"""Numbers and lists in sentences; loads nothing, so that reports may use it too."""

from collections.abc import Sequence


def signed(number: float, marks: tuple[float, ...] = (0.0,)) -> str:
    """A number with its sign and two decimals, or as many as show its side of every mark."""
    number = round(number, 9)  # what is nearer to a mark than that is rounding of the machine
    for decimals in range(2, 7):
        shown = round(number, decimals)
        if all((shown > m) == (number > m) and (shown < m) == (number < m) for m in marks):
            break
    return f"{shown + 0.0:+.{decimals}f}"


def per_cent(confidence: float) -> str:
    """A level of confidence in words: 95 %, 99.38 %."""
    return f"{round(100 * confidence, 2):g} %"


def listed(names: Sequence[str], last: str) -> str:
    """Names in a row, the last after a word of its own: a, b and c."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
