"""Networks of Hugging Face transformers, from folders: the contract, inputs and refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from adapter_contract import AdapterContract

from headstart.core.errors import NetworkError
from headstart.networks.inspect import inspect
from headstart.networks.libraries.facts import facts_for

VIT = {
    "model_type": "vit",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 64,
    "patch_size": 8,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}
RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 16, 16, 32],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}
SWIN = {
    "model_type": "swin",
    "embed_dim": 16,
    "depths": [1, 1, 1],
    "num_heads": [2, 2, 2],
    "image_size": 32,
    "patch_size": 2,
    "window_size": 4,
}


def saved(folder: Path, config: dict[str, Any]) -> str:
    """A folder as transformers saves it, without weights."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


class Folder(AdapterContract):
    """The contract for a configuration that the test writes to a folder."""

    kind = "hf"
    config: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        type(self).name = saved(tmp_path / "network", self.config)


class TestVisionTransformer(Folder):
    config = VIT


class TestResNet(Folder):
    config = RESNET


class TestSwin(Folder):
    """Its layers give several things, of which one goes on."""

    config = SWIN


def test_an_input_as_the_folder_says(tmp_path: Path) -> None:
    folder = saved(tmp_path / "network", VIT)
    assert facts_for("hf", folder, (32, 32, 3), 5).input is None
    (tmp_path / "network" / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "size": {"shortest_edge": 40},
                "crop_size": {"height": 32, "width": 32},
                "do_center_crop": True,
                "resample": 3,
                "image_mean": [0.5, 0.4, 0.3],
                "image_std": [0.2, 0.2, 0.1],
            }
        )
    )
    needs = facts_for("hf", folder, (32, 32, 3), 5).input
    assert needs is not None
    assert (needs.size, needs.crop, needs.interpolation) == ((32, 32), 0.8, "bicubic")
    assert (needs.mean, needs.deviation) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


def test_dropout_is_left_out(tmp_path: Path) -> None:
    facts = facts_for("hf", saved(tmp_path / "network", VIT), (32, 32, 3), 5)
    assert not any(block.dropout for block in facts.blocks)
    assert facts.blocks[0].shape_out == (17, 32)


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"cannot be opened: .*Expected a folder with `config"):
        inspect("hf", str(tmp_path), (32, 32, 3), 5)


def test_a_folder_of_another_task_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "network", {"model_type": "bert"})
    with pytest.raises(NetworkError, match="Expected the folder of an image classifier"):
        inspect("hf", folder, (32, 32, 3), 5)
