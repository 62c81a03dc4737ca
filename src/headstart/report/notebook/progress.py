"""Progress of a run in a notebook's cell: a line, and a bar above it."""

from html import escape

from headstart.analyse.text import printable

_TEXT = "margin:0.2rem 0;font:0.875rem/1.4 system-ui,sans-serif"
_TRACK = "height:6px;max-width:30rem;border-radius:3px;overflow:hidden;background:#8884"
_BAR = "height:100%;background:#2f8fd3"


def progress_html(text: str, share: float | None) -> str:
    """A line, and a bar of a share from 0 to 1 unless it is None; small, as it is sent often."""
    line = f'<p style="{_TEXT}">{escape(printable(text))}</p>'
    if share is None:
        return line
    percent = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    bar = f'<div style="{_BAR};width:{percent}%"></div>'
    return f'<div role="progressbar" aria-valuenow="{percent}" style="{_TRACK}">{bar}</div>{line}'
