"""The committed mini sets are what the script draws from the full ones."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tiny_sets import full_sets

from headstart.data.catalogue import KnownSet
from headstart.data.find import PACKAGE_FOLDER
from headstart.data.formats.idx import encode_idx, read_bytes

SCRIPT = Path(__file__).parents[2] / "scripts" / "draw_mini.py"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_mini", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("index", [0, 1])
def test_the_committed_files_are_drawn_again_bit_for_bit(index: int) -> None:
    script = _script()
    full, mini = script.PAIRS[index]
    assert isinstance(mini, KnownSet)
    drawn = script.draw(full_sets() / full.name, full, mini)
    assert sorted(drawn) == sorted(mini.checksums)
    for stem, array in drawn.items():
        committed = read_bytes(PACKAGE_FOLDER / mini.name / f"{stem}.xz")
        assert encode_idx(array) == committed
