"""`headstart export`: each form opened by its own program, the card, int8, refusals."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fresh_models import fresh_model, noise
from safetensors.numpy import load_file, save_file
from trained import trained

import headstart as hs
from commands import Call, refused
from headstart.core.errors import CheckpointError, ExportError
from headstart.flow import open_model
from headstart.model.export import int8
from headstart.model.export.export import export_model
from headstart.model.export.timm_folder import timm_config
from headstart.model.opened import OpenedModel
from headstart.model.predictor import Predictor
from headstart.model.serialised import from_bytes, to_bytes
from headstart.networks.facts import content_of
from headstart.study.network import LibraryNetwork
from headstart.study.network_files import FileNetwork
from photos import photo_folder, photo_study


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_folder(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def folder(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(photo_study(photos), tmp_path_factory.mktemp("models") / "store")


@pytest.fixture(scope="module")
def opened(folder: Path) -> OpenedModel:
    return open_model(folder, "photos")


def answers(opened: OpenedModel) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of the test images, and the network's probabilities for them."""
    pixels = opened.images.test().pixels
    return pixels, Predictor(opened.model, "cpu").probabilities(pixels)


def test_onnx_with_classes_input_and_card(
    call: Call, folder: Path, opened: OpenedModel, tmp_path: Path
) -> None:
    file = tmp_path / "made" / "model.onnx"
    ended = call("export", "photos", file, "--store", folder)
    assert (ended.status, ended.err) == (0, "")
    assert (
        "ONNX in onnxruntime agrees with the network on 16 training images, one by one" in ended.out
    )
    assert f"Written: {file} (" in ended.out
    pixels, wanted = answers(opened)
    session = onnxruntime.InferenceSession(file)
    for some in (pixels[:1], pixels):
        (found,) = session.run(["probabilities"], {"pixels": some})
        np.testing.assert_allclose(found, wanted[: len(some)], atol=1e-5)
    known = session.get_modelmeta().custom_metadata_map
    assert json.loads(known["classes"]) == ["dark", "light"]
    assert json.loads(known["input"]) == {
        "type": "uint8",
        "shape": ["batch", 16, 16, 3],
        "colour": "rgb",
        "range": [0, 255],
    }
    assert json.loads(known["decoding"])["fit"] == "crop"
    assert json.loads(known["origin"])["arm"] == "scratch"
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.onnx", "model.onnx.md"]


def test_the_card_says_what_a_user_must_know(
    folder: Path, photos: Path, opened: OpenedModel, tmp_path: Path
) -> None:
    done = export_model(opened, tmp_path / "model.safetensors")
    assert [path.name for path in done.files] == ["model.safetensors", "model.safetensors.md"]
    card = done.files[-1].read_text(encoding="utf-8")
    for section in ("Use", "Data", "Training", "Accuracy", "Calibration", "Limits", "Licences"):
        assert f"\n## {section}\n" in card
    test = opened.model.origin.test
    assert test is not None
    assert f"Accuracy on 16 test images: {100 * test.accuracy:.1f} % [" in card
    assert f"Data set: {photos} at 16x16" in card
    assert "Classes (2): dark, light." in card
    assert "made RGB of 8 bits (over white where it is transparent), resized until it" in card
    assert "Licence of the data of target: not known to headstart; ask who gave them." in card
    assert "No checkpoint is in this model: all weights were drawn and trained." in card
    assert "| Control | scratch: " in card
    assert "Enough seeds: " in card


def test_safetensors_are_opened_by_headstart_and_by_others(
    call: Call, folder: Path, photos: Path, opened: OpenedModel, tmp_path: Path
) -> None:
    file = tmp_path / "model.safetensors"
    assert call("export", "photos", file, "--store", folder).status == 0
    pixels, wanted = answers(opened)
    predictor = hs.load_model(str(file))
    np.testing.assert_array_equal(predictor.probabilities(pixels), wanted)
    assert predictor.model.origin == opened.model.origin
    assert load_file(file).keys() == opened.model.weights.keys()
    image = photos / "test" / "light" / "07.png"
    from_store = call("predict", "photos", image, "--store", folder).out.splitlines()
    from_file = call("predict", file, image).out.splitlines()
    assert from_file[1] == f"Chosen: it is the one in {file}."
    assert from_file[2:] == from_store[2:]
    refused(
        call("predict", file, image, "--arm", "scratch"),
        f"{file} has 1 problem:\n  1. one model is in it: leave out arm, size and seed.",
    )


def test_a_file_without_a_model_of_headstart_is_refused(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros(2, np.float32)}, file)
    refused(
        call("predict", file, tmp_path),
        f"{tmp_path} holds no image files",
    )
    (tmp_path / "a.png").write_bytes(b"")
    refused(call("predict", file, tmp_path), f"{file}: there are tensors in it, but no model of")
    file.write_bytes(file.read_bytes()[:-3])
    refused(call("predict", file, tmp_path), f"{file}: it is no whole safetensors file: ")
    file.unlink()
    refused(call("predict", file, tmp_path), f"{file} cannot be read: No such file or directory.")


@pytest.mark.parametrize("network", ["cnn-tiny", "timm:test_resnet"])
def test_a_model_comes_back_from_its_bytes_as_it_was(network: str) -> None:
    model = fresh_model(network)
    again, pixels = from_bytes(to_bytes(model)), noise(model.pixels)
    np.testing.assert_array_equal(
        Predictor(again, "cpu").probabilities(pixels), Predictor(model, "cpu").probabilities(pixels)
    )
    assert (again.classes, again.decoding, again.network, again.origin) == (
        model.classes,
        model.decoding,
        model.network,
        model.origin,
    )
    newer = to_bytes(model).replace(b'\\"version\\": 1', b'\\"version\\": 9')
    with pytest.raises(CheckpointError, match="it is of version 9; this headstart reads 1"):
        from_bytes(newer)


def test_a_model_of_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    lines = ["from torch import nn", "def net(num_classes):"]
    lines += ["    return nn.Sequential(nn.Flatten(), nn.Linear(3072, num_classes))"]
    file.write_text("\n".join(lines))
    model = fresh_model(f"module:{file}:net")
    content = content_of(LibraryNetwork(kind="module", name=f"{file}:net"))
    network = FileNetwork(kind="module", name=f"{file}:net", content=content)
    written = to_bytes(replace(model, network=network))
    assert from_bytes(written).network == network
    file.write_text("\n".join([*lines, "# edited"]))
    with pytest.raises(CheckpointError, match="has changed since the model was trained"):
        from_bytes(written)


@torch.no_grad()
def test_timm_opens_the_folder_of_exported_weights(tmp_path: Path) -> None:
    from headstart.networks.libraries.timm_networks import ADAPTER

    model = fresh_model("timm:test_resnet")
    (tmp_path / "model.safetensors").write_bytes(to_bytes(model))
    config = timm_config(model, tmp_path)
    assert config is not None
    (tmp_path / "config.json").write_bytes(config)
    ADAPTER.build("test_resnet", model.image, 2)  # which imports timm where torchvision is torn
    timm: Any = sys.modules["timm"]
    network = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    known = timm.data.resolve_data_config({}, model=network)
    assert tuple(network.pretrained_cfg["label_names"]) == model.classes
    assert (known["input_size"], known["crop_mode"]) == ([3, 32, 32], "squash")
    pixels = noise(model.pixels)
    mean, deviation = (torch.tensor(known[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    inputs = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / deviation
    wanted = Predictor(model, "cpu").probabilities(pixels)
    np.testing.assert_allclose(network(inputs).softmax(1).numpy(), wanted, atol=1e-5)


def test_pt2_is_opened_by_torch_alone(opened: OpenedModel, tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    export_model(opened, file)
    pixels, wanted = answers(opened)
    texts = {"classes": "", "origin": ""}
    program = torch.export.load(file, extra_files=texts)
    found = program.module()(torch.from_numpy(pixels)).detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert json.loads(texts["classes"]) == ["dark", "light"]


def test_int8_is_measured_on_the_test_images(
    call: Call, folder: Path, opened: OpenedModel, tmp_path: Path
) -> None:
    file = tmp_path / "small.onnx"
    ended = call("export", "photos", file, "--int8", "--store", folder)
    assert (ended.status, ended.err) == (0, "")
    assert "int8: " in ended.out
    assert " MB and " in ended.out
    assert "% right on 16 test images became " in ended.out
    kinds = {node.op_type for node in onnx.load(file).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    known = onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map
    assert json.loads(known["classes"]) == ["dark", "light"]
    assert "Calibration" in (tmp_path / "small.onnx.md").read_text(encoding="utf-8")


def test_int8_that_costs_too_much_leaves_nothing_behind(
    opened: OpenedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ranges measured on black images fit no photo.
    real: Callable[..., bytes] = int8.quantised
    monkeypatch.setattr(int8, "quantised", lambda proto, pixels: real(proto, pixels * 0))
    with pytest.raises(ExportError) as raised:
        export_model(opened, tmp_path / "small.onnx", int8=True)
    assert str(raised.value).startswith("int8 is right on ")
    assert "% of 16 test images; float32 is on " in str(raised.value)
    assert "Below that interval nothing is written: export it without --int8." in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_forms_and_files_that_cannot_be_are_refused(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    def refuse(file: Path, *options: str, message: str) -> None:
        refused(call("export", "photos", file, "--store", folder, *options), message)
        assert not file.is_file()

    refuse(
        tmp_path / "model.onx",
        message=f"{tmp_path / 'model.onx'}: there is no export to '.onx'. A FILE ends in .onnx, "
        ".safetensors, .pt2 or .keras. Did you mean '.onnx'?",
    )
    refuse(tmp_path / "model", message="there is no export to 'model'. A FILE ends in .onnx, ")
    refuse(tmp_path / "model.pt2", "--int8", message="--int8 is for ONNX: give a FILE that ends in")
    (tmp_path / "file").write_text("")
    refuse(
        tmp_path / "file" / "model.onnx",
        message=f"{tmp_path / 'file' / 'model.onnx'} cannot be written: {tmp_path / 'file'} is a",
    )


def test_what_is_not_installed_is_named(
    opened: OpenedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.model.export import onnx_file

    monkeypatch.setattr(onnx_file, "NEEDED", ("onnx", "no_such_module"))
    with pytest.raises(ExportError) as raised:
        export_model(opened, tmp_path / "model.onnx")
    assert str(raised.value) == (
        "ONNX files need no_such_module, not installed here: pip install 'headstart[export]'"
    )
