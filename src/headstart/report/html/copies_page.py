"""HTML page of copies that two sets of images share: one file without scripts or external files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.core.files import write_whole
from headstart.data.contact_sheet import CopyPair
from headstart.report.html.contact_page import picture_tools
from headstart.report.html.environment import plain_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesPage:
    """What the page says.

    Attributes:
        title: of it.
        sentences: what was found, the most important first.
        how_compared: what counts as a copy.
        num: of copies.
        pairs: pictures of the first of them, the test image first.
        unreadable: (file, reason) of what was not compared.
    """

    title: str
    sentences: Sequence[str]
    how_compared: str
    num: int
    pairs: Sequence[CopyPair]
    unreadable: Sequence[tuple[str, str]]


def write_copies_page(page: CopiesPage, path: Path) -> None:
    """Write the page to `path`, whole or not at all."""
    template = plain_environment().get_template("copies.html.j2")
    text = template.render(
        title=page.title,
        sentences=page.sentences,
        how_compared=page.how_compared,
        num=page.num,
        pairs=page.pairs,
        unreadable=page.unreadable,
        **picture_tools(),
    )
    write_whole(path, text.encode())
