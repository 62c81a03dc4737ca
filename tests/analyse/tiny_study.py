"""The tiny study, run and analysed, for the tests of analysis and gates."""

from pathlib import Path

import pytest

from headstart.analyse.analysis import Analysis
from headstart.analyse.build import analyse
from headstart.execute.options import RunOptions
from headstart.flow import Loaded, run
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from studies import tiny


def run_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store with the tiny study."""
    folder = tmp_path_factory.mktemp("analysis") / "store"
    run(tiny(), RunOptions(store=folder, workers=1, device="cpu"), listen=lambda *_: None)
    return folder


def analysed(loaded: Loaded, folder: Path) -> Analysis:
    """Analysis of a study from a store."""
    with Store(folder) as store:
        plan = make_plan(loaded.study, loaded.facts)
        return analyse(loaded.study, loaded.facts, plan, store)
