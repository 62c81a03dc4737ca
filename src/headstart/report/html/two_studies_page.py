"""HTML page of two studies side by side: one file without scripts or external files."""

from headstart.analyse.side_by_side import SideBySide
from headstart.analyse.text import bracketed, points
from headstart.report import two_studies
from headstart.report.html.environment import plain_environment, typeset


def two_studies_page(two: SideBySide, bar: str = "") -> str:
    """Page as text, below a bar of markup where a site shows it."""
    return (
        plain_environment()
        .get_template("two_studies.html.j2")
        .render(
            two=two,
            bar=bar,
            names=two_studies.titles(two),
            lead=two_studies.lead(two),
            how_to_read=two_studies.how_to_read(two),
            caveats=two_studies.caveats(two),
            points=typeset(points),
            bracketed=typeset(bracketed),
        )
    )
