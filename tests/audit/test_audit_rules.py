"""Every rule keeps its contract: its example has the slip, and the twin has not."""

from pathlib import Path

import pytest

from headstart.audit.audit import Audit, audit_file
from headstart.audit.rules.registry import RULES
from headstart.audit.rules.rule import Rule

ROOT = Path(__file__).parents[2]
WITH_CODE = [rule for rule in RULES if rule.example]


def audited(folder: Path, code: str) -> Audit:
    """What is found in a script."""
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    return audit_file(script)


def names(audit: Audit) -> list[str]:
    """Rules that found something."""
    return [finding.rule.id for finding in audit.findings]


@pytest.mark.parametrize("rule", WITH_CODE, ids=lambda rule: rule.id)
def test_the_example_has_the_slip(rule: Rule, tmp_path: Path) -> None:
    found = audited(tmp_path, rule.example)
    assert rule.id in names(found)
    place = next(one.found.place for one in found.findings if one.rule is rule)
    assert place.text
    assert place.text.split()[0] in rule.example.splitlines()[place.line - 1]


@pytest.mark.parametrize("rule", WITH_CODE, ids=lambda rule: rule.id)
def test_the_twin_has_not(rule: Rule, tmp_path: Path) -> None:
    assert rule.id not in names(audited(tmp_path, rule.twin))


def test_all_but_the_rule_on_notebooks_have_code() -> None:
    assert [rule.id for rule in RULES if not rule.example] == ["cells-out-of-order"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_and_what_settles_it(rule: Rule) -> None:
    assert rule.why.endswith(".")
    assert rule.settles.endswith(".")
    assert "headstart" in rule.settles or rule.id == "no-no-grad"


def test_rules_have_distinct_names_and_are_documented() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        row = next((line for line in page.splitlines() if f"`{rule.id}`" in line), "")
        assert rule.title in row.lower() or rule.title in row, rule.id
        assert rule.level in row, rule.id


def test_checks_that_rules_name_are_there() -> None:
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    for rule in RULES:
        for word in rule.settles.replace("(", " ").replace(")", " ").replace(",", " ").split():
            if word.startswith("CHK-"):
                assert f"| {word.rstrip('.;:')} |" in page, f"{rule.id} names {word}"
