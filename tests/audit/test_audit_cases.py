"""Whole programs: all slips of some are found, and nothing is said of those without."""

import re
from pathlib import Path

import pytest
from cases import CLEAN, MENDED, SLIPS, as_file

from headstart.audit.audit import audit_file

ROOT = Path(__file__).parents[2]
IDS = [path.name for path in SLIPS]


def expected(case: Path, level: str) -> set[str]:
    """Rules that the first lines of a case name."""
    named = re.search(rf"^# {level}: (.*)$", case.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return set(named[1].split()) if named else set()


@pytest.mark.parametrize("case", SLIPS, ids=IDS)
def test_every_slip_is_found_and_nothing_else(case: Path, tmp_path: Path) -> None:
    audit = audit_file(as_file(case, tmp_path))
    assert {finding.rule.id for finding in audit.slips} == expected(case, "slips")
    assert {finding.rule.id for finding in audit.notes} == expected(case, "notes")


@pytest.mark.parametrize("case", MENDED, ids=[path.name for path in MENDED])
def test_nothing_is_said_of_a_mended_notebook(case: Path, tmp_path: Path) -> None:
    audit = audit_file(as_file(case, tmp_path))
    assert audit.findings == ()
    assert audit.trainings
    assert audit.scores
    assert case.name in IDS  # the same program with its slips is there too


@pytest.mark.parametrize("case", CLEAN, ids=[path.name for path in CLEAN])
def test_no_false_alarm(case: Path, tmp_path: Path) -> None:
    audit = audit_file(as_file(case, tmp_path))
    assert [finding.rule.id for finding in audit.findings] == []
    assert audit.trainings or audit.scores or "bottleneck" in case.name  # of scikit-learn


def test_the_page_says_how_many() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    slips = sum(len(expected(case, "slips")) + len(expected(case, "notes")) for case in SLIPS)
    assert f"{slips} of {slips} in {len(SLIPS)} programs" in page
    assert f"0 of {len(CLEAN)}" in page
