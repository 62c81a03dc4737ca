"""Networks of timm: the contract on its small test networks, names, sizes and first weights."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from adapter_contract import AdapterContract

from headstart.core.errors import NetworkError
from headstart.networks.inspect import inspect, shape_map
from headstart.networks.libraries.adapter import import_library, version_of
from headstart.networks.libraries.build import build_module, fresh_weights
from headstart.networks.libraries.facts import facts_for, input_facts_for
from headstart.networks.libraries.timm_networks import ADAPTER


class TestResNet(AdapterContract):
    kind, name = "timm", "test_resnet"


class TestEfficientNet(AdapterContract):
    kind, name = "timm", "test_efficientnet"


class TestVisionTransformer(AdapterContract):
    kind, name = "timm", "test_vit"


class TestConvNext(AdapterContract):
    kind, name = "timm", "test_convnext"


class TestNFNet(AdapterContract):
    kind, name = "timm", "test_nfnet"


class TestMambaOut(AdapterContract):
    kind, name = "timm", "test_mambaout"


class TestByobNet(AdapterContract):
    kind, name = "timm", "test_byobnet"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(NetworkError) as error:
        inspect("timm", "resnet81", (32, 32, 3), 5)
    assert "timm network 'resnet81' is not known. Allowed: the" in str(error.value)
    assert "names that `timm.list_models()` lists. Did you mean 'resnet18'?" in str(error.value)


def test_an_unknown_kind_gets_the_known_ones() -> None:
    with pytest.raises(NetworkError) as error:
        inspect("tim", "resnet18", (32, 32, 3), 5)
    assert str(error.value) == (
        "network kind 'tim' is not known. "
        "Known: hf, keras, keras-on-torch, module, timm, torchvision. Did you mean 'timm'?"
    )


def test_an_encoder_without_classes_is_refused() -> None:
    import timm

    module = timm.create_model("test_resnet", num_classes=0)
    with pytest.raises(NetworkError) as error:
        shape_map("timm:test_resnet", ADAPTER, module, None, (32, 32, 3), 0)
    assert str(error.value) == (
        "network 'timm:test_resnet' has no head: it gives features and no classes. "
        "Choose a network that classifies images."
    )


def test_images_that_a_network_does_not_accept_are_refused() -> None:
    with pytest.raises(NetworkError, match="does not run on images of 8 by 8 with 3 channels: "):
        inspect("timm", "inception_v3", (8, 8, 3), 5)


def test_a_network_of_one_size_is_built_for_the_images() -> None:
    facts = facts_for("timm", "test_vit", (48, 32, 3), 5)
    assert facts.blocks[0].shape_out == (1 + 3 * 2, 64)
    assert facts.input is not None
    assert facts.input.size == (160, 160)
    assert facts.input.interpolation == "bicubic"
    assert facts.input.mean == (0.5, 0.5, 0.5)


def test_kinds_of_parameters() -> None:
    facts = facts_for("timm", "test_vit", (32, 32, 3), 5)
    kinds = {p.name: p.kind for block in facts.blocks for p in block.parameters}
    assert kinds["blocks.0.norm1.bias"] == "norm"
    assert kinds["blocks.0.attn.qkv.bias"] == "bias"
    assert kinds["blocks.0.attn.qkv.weight"] == "weight"
    assert kinds["pos_embed"] == "weight"
    scaled = facts_for("timm", "test_convnext", (32, 32, 3), 5)
    kinds = {p.name: p.kind for block in scaled.blocks for p in block.parameters}
    assert kinds["stages.0.blocks.0.gamma"] == "norm"


def test_statistics_of_a_batch_are_told() -> None:
    normalised = facts_for("timm", "test_resnet", (32, 32, 3), 5)
    assert [block.batch_statistics for block in normalised.blocks] == [True] * 5 + [False]
    layered = facts_for("timm", "test_vit", (32, 32, 3), 5)
    assert not any(block.batch_statistics or block.dropout for block in layered.blocks)


def test_a_folder_that_timm_saved(tmp_path: Path) -> None:
    import timm

    timm.models.save_for_hf(timm.create_model("test_resnet", num_classes=7), str(tmp_path))
    name = f"local-dir:{tmp_path}"
    facts = facts_for("timm", name, (32, 32, 3), 5)
    plain = facts_for("timm", "test_resnet", (32, 32, 3), 5)
    assert facts.blocks == plain.blocks
    saved = json.loads((tmp_path / "config.json").read_text())
    saved["architecture"] = "test_vit"
    (tmp_path / "config.json").write_text(json.dumps(saved))
    assert facts_for("timm", name, (32, 32, 3), 5).blocks != plain.blocks


def test_a_folder_that_nobody_saved(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"config\.json cannot be read: .*Expected a folder"):
        facts_for("timm", f"local-dir:{tmp_path}", (32, 32, 3), 5)


def test_weights_of_another_network_are_refused() -> None:
    image = (32, 32, 3)
    weights = fresh_weights("timm", "test_resnet", image, 4, 1, "target")
    weights["more"] = weights.pop("conv1.0.weight")
    with pytest.raises(NetworkError) as error:
        build_module("timm", "test_resnet", image, 5, weights)
    assert str(error.value).startswith(
        "weights do not fit network 'timm:test_resnet': 1 tensors are missing (conv1.0.weight), "
        "1 are left over (more), 2 have another shape ('fc.bias' is (4,), not (5,), "
    )


def test_first_weights_leave_other_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fresh_weights("timm", "test_resnet", (32, 32, 3), 5, 1, "target")
    assert torch.equal(torch.rand(3), expected)


def test_heads_of_a_width_share_their_first_weights() -> None:
    image = (32, 32, 3)
    weights = [
        fresh_weights("timm", name, image, 5, 1, role)
        for name, role in (("test_vit", "target"), ("test_vit", "source"))
    ]
    first = fresh_weights("timm", "test_vit", (48, 48, 3), 5, 1, "target")
    assert np.array_equal(weights[0]["head.weight"], first["head.weight"])
    assert not np.array_equal(weights[0]["head.weight"], weights[1]["head.weight"])
    assert not weights[0]["head.bias"].any()


def test_a_library_that_is_missing_is_named_with_its_extra() -> None:
    for ask in (import_library, version_of):
        with pytest.raises(NetworkError) as error:
            ask("no_such_library", "timm")
        assert str(error.value) == (
            "no_such_library is not installed. Networks of kind 'timm' need it: "
            "pip install 'headstart[timm]'."
        )


def test_no_progress_bars_of_downloads_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tqdm says in a notebook without ipywidgets is not shown; anything else is."""
    warn = "import warnings; warnings.warn('{}', stacklevel=1)"
    (tmp_path / "with_tqdm.py").write_text(warn.format("IProgress not found. Please update"))
    (tmp_path / "with_more.py").write_text(warn.format("this version is old"))
    monkeypatch.syspath_prepend(tmp_path)
    import_library("with_tqdm", "timm")
    with pytest.warns(UserWarning, match="this version is old"):
        import_library("with_more", "timm")


def test_facts_that_are_known_need_no_torch() -> None:
    facts_for("timm", "test_resnet", (32, 32, 3), 5)
    input_facts_for("timm", "test_resnet")
    script = (
        "import sys; from headstart.networks.libraries.facts import facts_for, input_facts_for; "
        "facts_for('timm', 'test_resnet', (32, 32, 3), 5); input_facts_for('timm', 'test_resnet'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
