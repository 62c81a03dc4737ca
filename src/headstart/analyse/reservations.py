"""Sentences behind a headline that say what its verdicts do not mean.

Of settings that only one arm had, of classes that source and target share, of wide margins.
"""

from collections.abc import Iterable, Iterator, Mapping

from headstart.analyse.analysis import Comparison
from headstart.analyse.cells import Cell, cell_of
from headstart.study.margin import wide_margin
from headstart.study.shared_classes import SharedClasses


def reservations(
    preferred: Iterable[Comparison], settings: Mapping[Cell, str], shared: Iterable[SharedClasses]
) -> Iterator[str]:
    """What the verdicts on the preferred arms do not mean; nothing of verdicts that are withheld.

    Args:
        preferred: The comparisons that the headline names.
        settings: Those that are not the control's, by cell.
        shared: Classes that source and target have in common; where the source has all of them
            the question is another one.
    """
    valid = [c for c in preferred if c.verdict != "invalid"]
    yield from dict.fromkeys(
        f"But {c.arm} had other settings than {c.control}, {settings[cell_of(c)]}: what sets them "
        "apart may be that, and not the source."
        for c in valid
        if cell_of(c) in settings
    )
    judged = {(c.source, c.target) for c in valid}
    for classes in shared:
        place = (classes.pair.source, classes.pair.target)
        if place in judged and classes.all and classes.is_clear:
            yield classes.short_sentence
    for margin in dict.fromkeys(c.margin_pp for c in valid):
        if text := wide_margin(margin):
            yield f"{text[0].upper()}{text[1:]}"
