"""The margin: the difference in accuracy that matters, fixed before results are seen."""

from headstart.spec.study import StudySpec


def margin_of(study: StudySpec, pair: tuple[str, str], size: str) -> float:
    """The margin in percentage points of a (source, target) pair at a size, by its label."""
    del pair, size  # one margin for the whole study
    return study.margin
