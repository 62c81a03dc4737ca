"""Numbers and lists as text: one place, so that sentences, terminal and page agree.

Imports nothing heavy.
"""

import math
from collections.abc import Iterable, Sequence

from headstart.core.printable import printable as printable

DASH = "\u2013"  # en dash, where a value is missing
_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def signed(number: float, marks: tuple[float, ...] = (0.0,)) -> str:
    """A number with its sign and at least two decimals, as many as show its side of every mark."""
    number = round(number, 9)  # a difference below this is a rounding error
    for decimals in range(2, 7):
        rounded = round(number, decimals)
        if all((rounded > m) == (number > m) and (rounded < m) == (number < m) for m in marks):
            break
    return f"{rounded + 0.0:+.{decimals}f}"


def points(value: float | None, decimals: int = 1) -> str:
    """Percentage points with their sign, also where they round to 0: the side of 0 matters."""
    if _missing(value):
        return DASH
    return f"{value:+.{decimals}f}" if value else f"{0:.{decimals}f}"


def bracketed(low: float | None, high: float | None, decimals: int = 1) -> str:
    """Two ends of an interval in brackets; a dash without one of them."""
    if low is None or high is None:
        return DASH
    return f"[{points(low, decimals)}, {points(high, decimals)}]"


def number(value: float | None, decimals: int) -> str:
    """A number with so many decimals; a dash where it is missing."""
    return DASH if _missing(value) else f"{value:.{decimals}f}"


def percent(fraction: float | None, decimals: int = 1) -> str:
    """A fraction in per cent, without the sign: 0.931 is 93.1."""
    return number(None if fraction is None else 100 * fraction, decimals)


def level_percent(confidence: float) -> str:
    """A level of confidence: 95 %, 99.38 %."""
    return f"{round(100 * confidence, 2):g} %"


def p_value(value: float | None) -> str:
    """A p-value as papers print it: 0.043, or < 0.001."""
    if value is not None and value < 0.0005:
        return "< 0.001"
    return number(value, 3)


def count(value: float | None) -> str:
    """A whole number with separators: 12,500."""
    return DASH if _missing(value) else f"{value:,.0f}"


def operations(value: float | None) -> str:
    """A number of operations with a unit: 5.2 M."""
    if value is None or not math.isfinite(value):
        return DASH
    for size, unit in _UNITS:
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """A measured time: 0.42 s, 8.1 s, 42 s, 3 min 20 s, 2 h 5 min."""
    if not math.isfinite(seconds):
        return DASH
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    rounded = round(seconds)
    if rounded < 120:
        return f"{rounded} s"
    if rounded < 7200:
        return f"{rounded // 60} min {rounded % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def rough_duration(seconds: float) -> str:
    """An estimated time: 42 s, 3 min, 2.1 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def minutes_text(minutes: float) -> str:
    """A budget of time as it was given: 1 minute, 2.5 minutes."""
    return f"{minutes:g} minute" + ("" if minutes == 1 else "s")


def plural(number: int, noun: str) -> str:
    """A count with its noun: 1 seed, 5 seeds."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def amount(size: str, number: int, noun: str) -> str:
    """A size of a study in a sentence: 20 photos a class, all 243 photos, 500 images.

    Args:
        size: its label.
        number: of images that it means.
        noun: what an image is called.
    """
    per_class = size.removesuffix(" per class")
    if per_class != size:
        return f"{plural(int(per_class), noun)} a class"
    return f"{'all ' if size == 'all' else ''}{plural(number, noun)}"


def listed(names: Sequence[str], last: str) -> str:
    """Names in a row with a word before the last one: a, b and c."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def comma_list(values: Iterable[object]) -> str:
    """Values in a row: 0, 1, 2."""
    return ", ".join(str(value) for value in values)


def shorten(name: str, length: int) -> str:
    """A name cut to a length in its middle, since variants of an arm differ at their ends."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[-tail:]}"


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
