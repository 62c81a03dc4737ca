"""The published tables of docs/judged.md are judged as that page says."""

import re
from pathlib import Path

import pytest

from headstart.flow import JudgeOptions, judge

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "judged.md").read_text(encoding="utf-8")
TABLES = re.findall(r"^headstart judge (\S+) --control (\w+)$", PAGE, flags=re.MULTILINE)


def test_every_table_that_is_there_is_judged() -> None:
    assert sorted(path for path, _ in TABLES) == sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob("examples/judged/*")
    )


@pytest.mark.parametrize(("table", "control"), TABLES)
def test_the_page_quotes_what_the_command_says(table: str, control: str) -> None:
    headline = judge(str(ROOT / table), JudgeOptions(control=control)).analysis.headline
    quotes = re.findall(r"^> (.*(?:\n> .*)*)", PAGE, flags=re.MULTILINE)
    said = [quote.replace("\n> ", " ") for quote in quotes]
    assert any(headline.startswith(quote) for quote in said), headline
