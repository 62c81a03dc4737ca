"""What the control is comes from its start and strategy, in every sentence, never from its name."""

from pathlib import Path
from typing import Any

import pytest
from tiny_study import analysed

from headstart.analyse.analysis import Analysis
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, run
from headstart.report.first_screen import bar_groups
from studies import tiny

FRESH = {"start": "fresh", "strategy": "full"}
ARMS: dict[str, Any] = {
    "plain": {"name": "plain", **FRESH},
    "drawn": {"name": "drawn", "start": "untrained", "strategy": "full"},
    "nothing": {"name": "nothing", "start": [{"origin": "fresh"}, {"origin": "source"}], **FRESH},
    "scratch": {"name": "scratch", "start": "source", "strategy": "full"},
}
ARMS["nothing"]["start"] = [{"origin": "fresh"}, {"origin": "source"}]


def with_control(control: str, *arms: Any) -> Loaded:
    return tiny(arms=[*arms, "full", "probe"], control=control, sizes=[20])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("controls") / "store"


def shown(folder: Path, control: str, *arms: Any) -> Analysis:
    """A study with another control; all share one store, and so one control's trainings."""
    loaded = with_control(control, *arms)
    options = RunOptions(store=folder, workers=1, device="cpu")
    run(loaded, options, listen=lambda *_: None)
    return analysed(loaded, folder)


def missing_controls(analysis: Analysis) -> str:
    (gate,) = (gate for gate in analysis.gates if gate.id == "CHK-21")
    return "" if gate.passed else gate.message


def rule(analysis: Analysis, name: str) -> str:
    return dict(analysis.protocol)[name]


def test_a_random_trunk_is_no_training_from_nothing(folder: Path) -> None:
    analysis = shown(folder, "random_trunk", "random_trunk")
    assert missing_controls(analysis) == (
        "the control, random_trunk, is not trained whole from scratch (a new head on frozen random "
        "layers): nothing shows what the target reaches without the source."
    )
    assert "the control random_trunk" in analysis.headline
    assert "from nothing" not in analysis.headline
    assert rule(analysis, "Control") == "random_trunk: a new head on frozen random layers"
    assert {bar.label for g in bar_groups(analysis) for bar in g.bars if bar.is_control} == {
        "random_trunk"
    }


def test_a_run_from_scratch_beside_another_control_is_pointed_to(folder: Path) -> None:
    analysis = shown(folder, "random_trunk", "random_trunk", "scratch")
    assert missing_controls(analysis) == (
        "the control, random_trunk, is not trained whole from scratch (a new head on frozen random "
        "layers): gains are not over training from nothing (the arm scratch)."
    )


@pytest.mark.parametrize("name", ["plain", "drawn", "nothing"])
def test_training_from_nothing_is_known_under_any_name(folder: Path, name: str) -> None:
    analysis = shown(folder, name, "random_trunk", ARMS[name])
    assert missing_controls(analysis) == ""
    assert "training from nothing" in analysis.headline
    assert {bar.label for g in bar_groups(analysis) for bar in g.bars if bar.is_control} == {
        "from nothing"
    }


def test_an_arm_that_is_only_called_scratch_is_not_taken_for_it(folder: Path) -> None:
    loaded = tiny(arms=["random_trunk", "probe", ARMS["scratch"]], sizes=[20])
    run(loaded, RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    analysis = analysed(loaded, folder)
    assert "the control, scratch, does not start from scratch" in missing_controls(analysis)
    assert "the control scratch" in analysis.headline
    assert "from nothing" not in analysis.headline
    assert rule(analysis, "Control") == (
        "scratch: everything is trained, from the pretrained weights"
    )
