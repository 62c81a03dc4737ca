"""Every kind of network keeps one contract: its ONNX file answers as the network, for any batch."""

import json
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import onnx
import pytest
from fresh_models import fresh_model, noise, normalised

from headstart.core.errors import ExportError, NetworkError
from headstart.model.export.agreement import TOLERANCE, require_agreement
from headstart.model.export.onnx_file import in_onnxruntime, onnx_model
from headstart.model.export.torch_file import in_torch, pt2_bytes
from headstart.model.predictor import Predictor
from headstart.model.trained import TrainedModel

MODULE = dedent("""
    import torch
    from torch import nn

    def net(num_classes):
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Dropout(0.25), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes),
        )

    class Lgamma(nn.Module):
        def forward(self, x):
            return torch.lgamma(x)

    def untranslated(num_classes):
        return nn.Sequential(nn.Flatten(), Lgamma(), nn.Linear(3072, num_classes))

    class Branch(nn.Module):
        def forward(self, x):
            return x * 2 if x.sum() > 3 else x

    def branching(num_classes):
        return nn.Sequential(nn.Flatten(), Branch(), nn.Linear(3072, num_classes))
""")


def agrees(model: TrainedModel) -> onnx.ModelProto:
    """The ONNX model of a model, which answers as the network does."""
    pixels, network = noise(model.pixels), Predictor(model, "cpu").probabilities
    proto = onnx_model(model, {"classes": json.dumps(model.classes)})
    require_agreement("ONNX", in_onnxruntime(proto.SerializeToString()), network, pixels)
    assert network(pixels).std(0).max() > 4 * TOLERANCE, "images that are alike show nothing"
    return proto


@pytest.mark.parametrize("network", ["cnn-tiny", "mlp-small"])
def test_declared_networks(network: str) -> None:
    proto = agrees(fresh_model(network, (28, 28, 1)))
    (given,), (made,) = proto.graph.input, proto.graph.output
    assert (given.name, made.name) == ("pixels", "probabilities")
    batch, *sides = given.type.tensor_type.shape.dim
    assert batch.dim_param == "batch"
    assert [side.dim_value for side in sides] == [28, 28, 1]
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    (found,) = (entry.value for entry in proto.metadata_props if entry.key == "classes")
    assert json.loads(found)[4] == "class 4"


def test_exported_programs_answer_as_the_network() -> None:
    model = fresh_model("cnn-tiny", (28, 28, 1))
    network = Predictor(model, "cpu").probabilities
    require_agreement("pt2", in_torch(pt2_bytes(model, {})), network, noise(model.pixels))


def test_a_network_of_timm() -> None:
    agrees(fresh_model("timm:test_resnet"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_vit", "test_convnext"])
def test_networks_of_timm(name: str) -> None:
    agrees(fresh_model(f"timm:{name}"))


@pytest.mark.slow
def test_grey_images_of_a_network_that_takes_colours() -> None:
    scaling = replace(normalised(3), flipped=True)
    agrees(fresh_model("timm:test_efficientnet", (32, 32, 1), scaling=scaling))


@pytest.mark.slow
def test_networks_of_torchvision() -> None:
    agrees(fresh_model("torchvision:squeezenet1_1"))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_networks_from_keras_files(tmp_path: Path) -> None:
    from keras_files import keras, saved

    layers = [keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")]
    layers += [keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")]
    path = saved(keras.Sequential([keras.Input((32, 32, 3)), *layers]), tmp_path, "keras")
    agrees(fresh_model(f"keras:{path}"))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_networks_that_keras_runs_on_torch(tmp_path: Path) -> None:
    from keras_files import keras, saved

    layers = [keras.layers.Conv2D(6, 3, strides=2, activation="relu")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)]
    path = saved(keras.Sequential([keras.Input((32, 32, 3)), *layers]), tmp_path, "keras")
    agrees(fresh_model(f"keras-on-torch:{path}"))


def test_networks_of_hugging_face(tmp_path: Path) -> None:
    config = {"model_type": "resnet", "embedding_size": 8, "layer_type": "basic"}
    config |= {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    agrees(fresh_model(f"hf:{tmp_path}"))


@pytest.fixture
def module_file(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(MODULE)
    return path


def test_modules_of_the_user(module_file: Path) -> None:
    agrees(fresh_model(f"module:{module_file}:net"))


def test_an_operation_that_onnx_does_not_have_is_named(module_file: Path) -> None:
    model = fresh_model(f"module:{module_file}:untranslated")
    with pytest.raises(ExportError) as raised:
        onnx_model(model, {})
    assert str(raised.value) == (
        f"network 'module:{module_file}:untranslated' cannot be written as ONNX: there is no "
        "translation of operation prims.lgamma. Allowed for it: a FILE that ends in .pt2 or "
        ".safetensors."
    )


def test_a_network_that_cannot_be_traced_is_refused(module_file: Path) -> None:
    model = fresh_model(f"module:{module_file}:branching")
    with pytest.raises(NetworkError) as raised:
        onnx_model(model, {})
    assert "cannot be exported as a graph: Could not guard on data-dependent" in str(raised.value)
    assert "a FILE that ends in .safetensors." in str(raised.value)


def test_a_file_that_disagrees_is_refused_by_how_much() -> None:
    model = fresh_model("mlp-small", (28, 28, 1))
    network = Predictor(model, "cpu").probabilities

    def other(pixels: np.ndarray) -> np.ndarray:
        return network(pixels) + np.float32(0.25)

    with pytest.raises(ExportError) as raised:
        require_agreement("ONNX", other, network, noise(model.pixels))
    assert str(raised.value).startswith(
        "ONNX disagrees with the network: probabilities differ by up to 0.25 on 5 images of the "
        "study (allowed: 0.0001). Nothing was written."
    )
    with pytest.raises(ExportError, match="differ by up to inf"):
        require_agreement("ONNX", lambda pixels: pixels * np.nan, lambda p: p, np.zeros((2, 3)))
