"""Margins that are wider than usual, and what verdicts then mean."""

WIDEST_USUAL = 5.0  # percentage points


def wide_margin(margin: float) -> str:
    """A sentence on a margin in percentage points that is unusually wide; empty on others."""
    if margin <= WIDEST_USUAL:
        return ""
    return (
        f"the margin of {margin:g} points is unusually wide (1 or less is usual): 'no measurable "
        f"difference' then only means less than {margin:g} points apart."
    )
