"""Trunks of library networks taken from files that an older version or another size wrote."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.account import LoadAccount
from headstart.networks.libraries.build import fresh_weights
from headstart.networks.libraries.facts import facts_for
from headstart.networks.pretrained import load_trunk
from headstart.networks.weights import Weights
from headstart.study.network import LibraryNetwork

pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")

NAME = "test_vit"
SMALL, LARGE = (96, 96, 3), (160, 160, 3)


def loaded(file: Path, partial: bool = False) -> tuple[Weights, LoadAccount]:
    return load_trunk(
        LibraryNetwork(kind="timm", name=NAME),
        file,
        SMALL,
        fresh_weights("timm", NAME, SMALL, 2, 0, "source"),
        facts_for("timm", NAME, SMALL, 2),
        allow_partial=partial,
    )


def test_position_tables_are_resized_to_the_image(tmp_path: Path) -> None:
    given = fresh_weights("timm", NAME, LARGE, 7, 1, "source")
    save_file(given, tmp_path / "large.safetensors")
    trunk, account = loaded(tmp_path / "large.safetensors")
    assert account.share == 1.0
    assert not account.other_shape
    assert account.notes == ("timm renamed or resized: pos_embed",)
    assert trunk["pos_embed"].shape == (1, 37, 64)  # 6 x 6 patches of 16 pixels, and the class
    assert given["pos_embed"].shape == (1, 101, 64)
    # The class has no place among the patches; what is smooth in one size is in the other.
    np.testing.assert_array_equal(trunk["pos_embed"][:, 0], given["pos_embed"][:, 0])
    for name, array in trunk.items():
        if name != "pos_embed":
            np.testing.assert_array_equal(array, given[name])


def test_a_file_of_another_network_is_refused_after_translation_too(tmp_path: Path) -> None:
    save_file({"a.weight": np.zeros((3, 3), np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError):
        loaded(tmp_path / "other.safetensors", partial=True)
