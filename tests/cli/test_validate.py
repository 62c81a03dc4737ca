"""`headstart validate` on a few studies: each kind of truth is seen for what it is."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headstart.cli.app import app

RUNNER = CliRunner()


def validated(kind: str, store: Path, *more: str) -> tuple[int, dict[str, int]]:
    command = ["validate", kind, "--store", str(store), "--workers", "1", "--json", *more]
    found = RUNNER.invoke(app, command)
    return found.exit_code, json.loads(found.stdout)


@pytest.mark.parametrize("kind", ["null", "identity"])
def test_studies_of_a_known_truth(kind: str, tmp_path: Path) -> None:
    code, told = validated(kind, tmp_path / "store", "--studies", "2")
    assert code == 0
    assert told["studies"] == 2
    assert told["invalid"] == (2 if kind == "identity" else 0)
    assert {"helps", "hurts", "no_difference", "not_enough", "seconds"} <= set(told)


@pytest.mark.parametrize(("kind", "verdict"), [("positive", "helps"), ("negative", "hurts")])
def test_an_effect_that_is_there_is_found(kind: str, verdict: str, tmp_path: Path) -> None:
    code, told = validated(kind, tmp_path / "store", "--studies", "1")
    assert (code, told[verdict]) == (0, 1)
