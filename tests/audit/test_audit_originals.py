"""The five published notebooks, where they are at hand: what of their slips the text shows."""

import os
from pathlib import Path

import pytest
from exported import cells_of_export, write_notebook

from headstart.audit.audit import Audit, audit_file

_DATA = Path(os.environ.get("HEADSTART_DATA", "."))
_FOLDERS = (_DATA / "notebooks", _DATA.parent / "notebooks")
NOTEBOOKS = sorted(path for folder in _FOLDERS for path in folder.glob("00[0-4]_*.txt"))

pytestmark = pytest.mark.skipif(len(NOTEBOOKS) != 5, reason="the five notebooks are not at hand")

EXPECTED = [
    {"same-images", "test-unused", "one-seed"},
    {"same-images", "test-as-validation", "no-scratch", "one-seed", "dropout-in-frozen"},
    {"unequal-epochs", "unequal-data", "one-seed", "other-statistics", "split-unseeded"},
    {
        "no-scratch",
        "head-kept",
        "test-as-validation",
        "not-scaled",
        "one-seed",
        "dropout-in-frozen",
    },
    {
        "clone-without-weights",
        "arms-share-layers",
        "arm-untested",
        "last-dropped",
        "one-seed",
        "dropout-in-frozen",
    },
]


def audited(number: int, folder: Path) -> Audit:
    """Audit of a notebook by its number."""
    text = NOTEBOOKS[number].read_text(encoding="utf-8")
    return audit_file(write_notebook(folder / "n.ipynb", cells_of_export(text)))


@pytest.mark.parametrize("number", range(5))
def test_slips_that_the_text_shows_are_found(number: int, tmp_path: Path) -> None:
    audit = audited(number, tmp_path)
    assert {finding.rule.id for finding in audit.findings} == EXPECTED[number]


def test_epochs_and_clones_are_named(tmp_path: Path) -> None:
    says = [one.found.says for one in audited(2, tmp_path).findings]
    assert any("`model_from_scratch` 20, `model_using_pretrained_layers` 60" in s for s in says)
    clones = [one for one in audited(4, tmp_path).slips if one.rule.id == "clone-without-weights"]
    assert len(clones) == 3
    assert all("clone_model(" in one.found.place.text for one in clones)
