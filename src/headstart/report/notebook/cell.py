"""An analysis in a notebook's cell: the answer, the table and one figure, without scripts."""

from functools import cache
from importlib import resources

from headstart.analyse.analysis import Analysis
from headstart.report.figures.catalogue import drawn_if_any
from headstart.report.html.environment import environment
from headstart.report.notes import warnings_of
from headstart.report.rows import SizeRows, TaskPair, pairs_of, seeds_vary, sizes_of

MOST_BYTES = 60_000  # of a cell; a notebook keeps every one of them
MOST_ROWS = 60  # of its tables
FIGURE = "gains"


def framed(content: str) -> str:
    """Content of a cell with its style, which touches nothing else on the page."""
    return f'<div class="headstart"><style>{_style()}</style>{content}</div>'


def analysis_cell(analysis: Analysis) -> str:
    """The first screen of a report, for a cell."""
    cell = _with_figure(analysis, drawn_if_any(analysis, FIGURE))
    if len(cell.encode()) <= MOST_BYTES:
        return cell
    drawn_by = f'<p class="small">The figure is large: figure("{FIGURE}") draws it.</p>'
    return _with_figure(analysis, drawn_by)


def _with_figure(analysis: Analysis, figure: str) -> str:
    tables, left = _tables(analysis)
    template = environment(analysis).get_template("cell.html.j2")
    content = template.render(
        a=analysis,
        warnings=warnings_of(analysis),
        broken=analysis.failed_gates("invalid"),
        several=len(pairs_of(analysis)) > 1,
        tables=tables,
        left=left,
        vary=seeds_vary(analysis),
        figure=figure,
    )
    return framed(content)


def _tables(analysis: Analysis) -> tuple[list[tuple[TaskPair, list[SizeRows]]], int]:
    """Sizes of every pair up to the largest number of rows, and how many rows are left."""
    tables, num, left = [], 0, 0
    for pair in pairs_of(analysis):
        shown = []
        for group in sizes_of(analysis, pair):
            num += len(group.rows)
            if num <= MOST_ROWS:
                shown.append(group)
            else:
                left += len(group.rows)
        if shown:
            tables.append((pair, shown))
    return tables, left


@cache
def _style() -> str:
    path = resources.files("headstart.report.html") / "templates" / "cell.css"
    lines = path.read_text(encoding="utf-8").splitlines()
    return "".join(line.strip() for line in lines if not line.startswith("/*"))
