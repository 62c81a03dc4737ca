"""HTML page of a study: one file without scripts or external files.

Order: verdict and its figure, mistakes, benefit, evidence, attribution, checks, protocol. The same
analysis and summary give the same bytes.
"""

import hashlib
from pathlib import Path

from headstart.analyse.analysis import Analysis
from headstart.core.files import write_whole
from headstart.core.version import __version__
from headstart.report.benefit import forgetting_lines, selection_lines
from headstart.report.html.environment import environment
from headstart.report.html.pair_page import pair_page
from headstart.report.notes import remarks_of, warnings_of
from headstart.report.rows import pairs_of, seeds_vary, sweep_arms
from headstart.report.run_summary import RunSummary


def write_html(analysis: Analysis, summary: RunSummary, path: Path) -> None:
    """Write the page of a study to `path`, atomically.

    A page of the same analysis is left as it is: drawing its figures takes longer than all the rest
    of a run that has nothing to train.
    """
    if _mark(analysis, summary) not in _beginning(path):
        write_whole(path, page(analysis, summary).encode())


def _mark(analysis: Analysis, summary: RunSummary) -> str:
    """Hash of a page's content and of the version that draws it, printed near its top."""
    content = f"{__version__}{summary.command}{analysis!r}"
    return f"analysis {hashlib.sha256(content.encode()).hexdigest()}"


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(500)
    except OSError:
        return ""


def page(analysis: Analysis, summary: RunSummary, bar: str = "") -> str:
    """Page of a study as text, below a bar of markup where a site shows it."""
    pairs = pairs_of(analysis)
    several = len(pairs) > 1
    return (
        environment(analysis)
        .get_template("report.html.j2")
        .render(
            a=analysis,
            bar=bar,
            mark=_mark(analysis, summary),
            summary=summary,
            pages=[pair_page(analysis, pair) for pair in pairs],
            num_swept=len(sweep_arms(analysis)),
            vary=seeds_vary(analysis),
            warnings=warnings_of(analysis),
            remarks=remarks_of(analysis),
            broken=analysis.failed_gates("invalid"),
            caveats=analysis.failed_gates("caveat"),
            selections=list(selection_lines(analysis, several)),
            forgotten=list(forgetting_lines(analysis, several)),
        )
    )
