"""Folders that headstart writes are opened by timm with the same outputs, for any head and stem."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import save_file
from timm_library import timm

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.find import find_checkpoint
from headstart.networks.checkpoints.folder import FolderConfig, config_json
from headstart.networks.checkpoints.read import read_state
from headstart.networks.weights import Weights
from headstart.study.network_facts import InputFacts

INPUT = InputFacts(
    size=(96, 80), crop=0.9, interpolation="bilinear", mean=(0.1, 0.2, 0.3), deviation=(0.4,) * 3
)
CONFIG = FolderConfig(
    architecture="test_resnet",
    num_classes=3,
    input=INPUT,
    head=("fc",),
    first_conv="conv1.0",
    labels=("ant", "bee", "cat"),
)


def source() -> tuple[Any, Weights]:
    network = timm().create_model("test_resnet", num_classes=3).eval()
    return network, {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def save_folder(folder: Path, weights: Weights, config: FolderConfig) -> None:
    """Weights and config as they lie in a folder."""
    content = config_json(config, weights, folder)
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_bytes(content)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def outputs(network: Any, channels: int = 3) -> torch.Tensor:
    images = torch.randn(2, channels, 96, 80, generator=torch.Generator().manual_seed(0))
    result: torch.Tensor = network.eval()(images)
    return result


def test_timm_opens_the_folder(tmp_path: Path) -> None:
    network, weights = source()
    save_folder(tmp_path / "mine", weights, CONFIG)
    opened = timm().create_model(f"local-dir:{tmp_path / 'mine'}", pretrained=True)
    assert torch.equal(outputs(opened), outputs(network))
    config = timm().data.resolve_data_config({}, model=opened)
    assert tuple(config["input_size"]) == (3, 96, 80)
    assert (config["interpolation"], config["crop_pct"]) == ("bilinear", 0.9)
    assert (tuple(config["mean"]), tuple(config["std"])) == (INPUT.mean, INPUT.deviation)
    assert tuple(opened.pretrained_cfg["label_names"]) == ("ant", "bee", "cat")


def test_timm_gives_the_folder_another_head_and_stem(tmp_path: Path) -> None:
    network, weights = source()
    save_folder(tmp_path, weights, CONFIG)
    opened = timm().create_model(
        f"local-dir:{tmp_path}", pretrained=True, num_classes=5, in_chans=1
    )
    assert outputs(opened, channels=1).shape == (2, 5)
    stem = opened.get_submodule("conv1.0").weight
    torch.testing.assert_close(stem, network.get_submodule("conv1.0").weight.sum(1, keepdim=True))


def test_the_folder_is_read_back(tmp_path: Path) -> None:
    _, weights = source()
    folder = tmp_path / "mine"
    save_folder(folder, weights, CONFIG)
    path = find_checkpoint(f"timm:local-dir:{folder}")
    assert path == folder / "model.safetensors"
    state = read_state(path)
    assert set(state.tensors) == set(weights)
    assert all((state.tensors[name] == weights[name]).all() for name in weights)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["architecture"] == "test_resnet"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"num_classes": 4},
            "fc.weight has 3 outputs.\n     Expected: a head of 4 outputs, as the config says.",
        ),
        (
            {"head": ("classifier",)},
            "classifier.weight is not among the weights.\n"
            "     Expected: a head of 3 outputs, as the config says.",
        ),
        ({"labels": ("ant", "bee")}, "2 labels were given for 3 classes."),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    _, weights = source()
    with pytest.raises(CheckpointError) as raised:
        save_folder(tmp_path / "mine", weights, replace(CONFIG, **change))
    assert str(raised.value) == f"{tmp_path / 'mine'}: {message}"
    assert not (tmp_path / "mine").exists()
