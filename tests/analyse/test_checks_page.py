"""The page of checks in the docs against the registry."""

import re
from pathlib import Path

from sound_study import EVERY

from headstart.analyse.gates.registry import AUDITS


def test_the_page_of_checks_is_that_of_the_registry() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.splitlines()
        if line.startswith(("| CHK-", "| ENV "))
    ]
    audits = {spec.id for spec in AUDITS}
    assert [tuple(row[:3]) for row in rows] == sorted(
        (spec.id, spec.title, spec.severity) for spec in EVERY
    )
    assert [row[0] for row in rows if row[3].endswith("(*audit*)")] == sorted(audits)
    assert all(len(row) == 5 and all(row) for row in rows)


def test_the_page_names_the_caveats_that_could_turn_a_verdict() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
    section = page.split("## Which caveats are read with the answer", 1)[1].split("\n## ", 1)[0]
    listed = re.findall(r"^- .*", section, flags=re.MULTILINE)
    named = {check for line in listed for check in re.findall(r"CHK-\d\d[-a-z]*", line)}
    assert named == {spec.id for spec in EVERY if spec.could_turn}
