"""Fenced blocks and commands of the documentation, for the tests that run or check them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<language>\S*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block: page, line of its fence, language, text, and why it is not run, if so."""

    page: Path
    line: int
    language: str
    text: str
    not_run: str

    @property
    def where(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """All fenced blocks of the documentation in these languages; in all without any."""
    return [
        block
        for page in PAGES
        for block in blocks_of(page)
        if not languages or block.language in languages
    ]


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of one page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            not_run=found["reason"] or "",
        )


def commands_of(block: Block) -> list[list[str]]:
    """The words of each command line of a shell block, up to a redirection."""
    joined = block.text.replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        ends = [at for at, word in enumerate(words) if word in ("|", ">", "&&")]
        words = words[: min(ends, default=len(words))]
        if words:
            found.append(words)
    return found
