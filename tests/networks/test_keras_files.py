"""Keras files of every age are read; bad ones are refused with what is wrong and what to do."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.core.errors import NetworkError
from headstart.networks.keras.adapter import ADAPTER
from keras_files import (
    FORMATS,
    KERAS_WARNS,
    given,
    images,
    keras,
    loaded,
    randomised,
    reference,
    saved,
)

h5py: Any = pytest.importorskip("h5py")
L = keras.layers
IMAGE = (6, 6, 3)
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)


def old_layer(kind: str, name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
    """A layer as Keras 2 describes it."""
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "inbound_nodes": inbound,
    }


def old_model() -> dict[str, Any]:
    """A Functional model of Keras 2 with arithmetic, a merge and settings under their old names."""
    window = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
    return {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [
                old_layer("InputLayer", "in", [], batch_input_shape=[None, *IMAGE]),
                old_layer(
                    "TFOpLambda",
                    "tf.math.truediv",
                    [["in", 0, 0, {"y": 127.5, "name": None}]],
                    function="math.truediv",
                ),
                old_layer(
                    "TFOpLambda",
                    "tf.math.subtract",
                    [["tf.math.truediv", 0, 0, {"y": 1.0, "name": None}]],
                    function="math.subtract",
                ),
                old_layer(
                    "Conv2D",
                    "stem/conv",
                    [[["tf.math.subtract", 0, 0, {}]]],
                    filters=4,
                    activation="hard_sigmoid",
                    use_bias=True,
                    **window,
                ),
                old_layer("LeakyReLU", "leaky", [[["stem/conv", 0, 0, {}]]], alpha=0.3),
                old_layer(
                    "DepthwiseConv2D",
                    "dw",
                    [[["leaky", 0, 0, {}]]],
                    depth_multiplier=1,
                    activation="linear",
                    use_bias=False,
                    **window,
                ),
                old_layer("Add", "add", [[["leaky", 0, 0, {}], ["dw", 0, 0, {}]]]),
                old_layer(
                    "TFOpLambda",
                    "tf.__operators__.add",
                    [["add", 0, 0, {"y": ["dw", 0, 0], "name": None}]],
                    function="__operators__.add",
                ),
                old_layer(
                    "TFOpLambda",
                    "tf.nn.relu",
                    [["tf.__operators__.add", 0, 0, {"name": None}]],
                    function="nn.relu",
                ),
                old_layer("GlobalAveragePooling2D", "pool", [[["tf.nn.relu", 0, 0, {}]]]),
                old_layer(
                    "Dense",
                    "top",
                    [[["pool", 0, 0, {"training": False}]]],
                    units=2,
                    activation="softmax",
                    use_bias=True,
                ),
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [["top", 0, 0]],
        },
    }


def old_file(path: Path, model: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    with h5py.File(path, "w") as root:
        root.attrs["model_config"] = json.dumps(model)
        root.attrs["keras_version"] = "2.11.0"
        for place, array in arrays.items():
            root[f"model_weights/{place}"] = array
    return str(path)


def test_files_of_keras_2_are_read(tmp_path: Path) -> None:
    stream = np.random.default_rng(0)
    arrays = {
        "stem/conv/stem/conv/kernel:0": stream.normal(size=(3, 3, 3, 4)),
        "stem/conv/stem/conv/bias:0": stream.normal(size=4),
        "dw/dw/depthwise_kernel:0": stream.normal(size=(3, 3, 4, 1)),
        # A session that had a layer of this name before numbers its variables.
        "top/top_1/kernel:0": stream.normal(size=(4, 2)),
        "top/top_1/bias:0": stream.normal(size=2),
    }
    name = old_file(tmp_path / "old.h5", old_model(), arrays)
    found = given(loaded(name, IMAGE), images(IMAGE))

    def convolved(x: torch.Tensor, place: str, order: tuple[int, ...], groups: int) -> torch.Tensor:
        kernel = torch.tensor(arrays[place]).permute(order).float()
        return torch.nn.functional.conv2d(x, kernel, padding=1, groups=groups)

    x = torch.tensor(images(IMAGE)).permute(0, 3, 1, 2)
    x = convolved(x, "stem/conv/stem/conv/kernel:0", (3, 2, 0, 1), 1)
    x = x + torch.tensor(arrays["stem/conv/stem/conv/bias:0"]).float().view(-1, 1, 1)
    # The hard sigmoid of Keras 2 has another slope than that of Keras 3.
    x = torch.nn.functional.leaky_relu((0.2 * x + 0.5).clamp(0, 1), 0.3)
    wide = convolved(x, "dw/dw/depthwise_kernel:0", (2, 3, 0, 1), 4)
    pooled = (x + wide + wide).relu().mean((2, 3)).numpy()
    expected = pooled @ arrays["top/top_1/kernel:0"] + arrays["top/top_1/bias:0"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    facts = ADAPTER.input_facts(name)
    assert facts is not None
    assert (facts.mean, facts.deviation) == ((0.5,) * 3, (0.5,) * 3)
    assert "LeakyReLU with slope 0.3" in ADAPTER.notes(name)
    assert "10 layers read from a file of Keras 2.11.0" in ADAPTER.notes(name)


def test_the_oldest_sequential_files_hold_a_list_of_layers(tmp_path: Path) -> None:
    layers = [
        old_layer("Flatten", "flat", [], batch_input_shape=[None, *IMAGE]),
        old_layer("Dense", "top", [], units=2, activation="softmax", use_bias=False),
    ]
    for layer in layers:
        del layer["inbound_nodes"]
    kernel = np.random.default_rng(0).normal(size=(108, 2))
    model = {"class_name": "Sequential", "config": layers}
    name = old_file(tmp_path / "old.h5", model, {"top/top/kernel:0": kernel})
    found = given(loaded(name, IMAGE), images(IMAGE))
    np.testing.assert_allclose(found, images(IMAGE).reshape(4, -1) @ kernel, atol=1e-5)


def small() -> Any:
    return keras.Sequential([keras.Input(IMAGE), L.Conv2D(2, 3), L.Flatten(), L.Dense(2)])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_is_told_by_its_first_bytes(kind: str, tmp_path: Path) -> None:
    model = randomised(small())
    name = str(shutil.move(saved(model, tmp_path, kind), tmp_path / "model.bin"))
    found = given(loaded(name, IMAGE), images(IMAGE))
    np.testing.assert_allclose(found, reference(model, images(IMAGE)), atol=1e-5)


def test_layers_bear_their_own_names_where_pytorch_can(tmp_path: Path) -> None:
    layers = [L.Conv2D(2, 1, name="block1-conv"), L.Conv2D(2, 1, name="type")]
    layers += [L.Flatten(), L.Dense(2)]
    name = saved(keras.Sequential([keras.Input(IMAGE), *layers]), tmp_path, "keras")
    found = {tensor.split(".")[1] for tensor in ADAPTER.load(name)}
    assert {"block1_conv", "type_"} <= found


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    assert ADAPTER.classes(saved(small(), tmp_path, "h5")) == 2
    first = ADAPTER.content(str(tmp_path / "model.h5"))
    other = keras.Sequential([keras.Input(IMAGE), L.Flatten(), L.Dense(33)])
    assert ADAPTER.classes(saved(other, tmp_path, "h5")) == 33
    assert ADAPTER.content(str(tmp_path / "model.h5")) != first


def test_mixed_precision_is_read_and_quantised_weights_are_refused(tmp_path: Path) -> None:
    layers = [L.Flatten(), L.Dense(2, dtype="float16", name="top")]
    name = saved(keras.Sequential([keras.Input(IMAGE), *layers]), tmp_path, "keras")
    assert ADAPTER.load(name)["layers.top.weight"].dtype == np.float32
    model = old_model()
    policy = {"class_name": "DTypePolicy", "config": {"name": "int8_from_float32"}}
    model["config"]["layers"][-1]["config"]["dtype"] = policy
    name = old_file(tmp_path / "int8.h5", model, {})
    assert failure(name).startswith(
        f"{name}: layer Dense 'top' is quantised (int8_from_float32; allowed: floating point)."
    )


def failure(name: str) -> str:
    with pytest.raises(NetworkError) as failed:
        ADAPTER.build(name, IMAGE, 2)
    return str(failed.value)


def test_what_is_no_keras_file_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.keras")
    assert failure(missing) == (
        f"{missing} is not there. Name a .keras or .h5 file that Keras saved."
    )
    assert "is a folder, as TensorFlow's SavedModel is" in failure(str(tmp_path))
    page = tmp_path / "page.h5"
    page.write_text("<html>not found")
    assert failure(str(page)) == (
        f"{page} is neither a .keras file (a zip) nor a .h5 file (HDF5): it begins with b'<htm'. "
        "Was it downloaded whole?"
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_torn_files_are_refused(kind: str, tmp_path: Path) -> None:
    path = Path(saved(small(), tmp_path, kind))
    path.write_bytes(path.read_bytes()[:3000])
    assert failure(str(path)).startswith(f"{path} is torn: ")


def test_damaged_weights_in_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(saved(small(), tmp_path, "keras")) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    torn, partial = tmp_path / "torn.keras", tmp_path / "partial.keras"
    with zipfile.ZipFile(torn, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content[:900])
    assert failure(str(torn)).startswith(f"{torn} is torn: its HDF5 part cannot be read (")
    with zipfile.ZipFile(partial, "w") as archive:
        archive.writestr("model.weights.h5", parts["model.weights.h5"])
    assert failure(str(partial)) == (
        f"{partial} is a zip without metadata.json, so no whole Keras model. "
        "Write it again with model.save('model.keras')."
    )


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    small().save_weights(path)
    assert failure(str(path)) == (
        f"{path} holds no description of a network (no attribute model_config), as files of "
        "save_weights do. Write the whole model: model.save('model.keras')."
    )


def test_missing_arrays_are_refused(tmp_path: Path) -> None:
    name = old_file(tmp_path / "old.h5", old_model(), {})
    with pytest.raises(NetworkError) as failed:
        ADAPTER.load(name)
    assert str(failed.value).startswith(
        f"{name}: layer Conv2D 'stem/conv' has no array 'kernel' in the file."
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_code_in_a_file_is_never_run(kind: str, tmp_path: Path) -> None:
    layers = [L.Conv2D(2, 3), L.Lambda(lambda x: x * 2, name="twice"), L.Flatten(), L.Dense(2)]
    name = saved(keras.Sequential([keras.Input(IMAGE), *layers]), tmp_path, kind)
    assert failure(name) == (
        f"{name}: layer Lambda 'twice' is Python code in the file, which is never run (Keras "
        "refuses it too in its safe mode). Put a layer of Keras in its place, Rescaling for "
        "example, and save the model again."
    )


def test_layers_that_are_not_known_are_named(tmp_path: Path) -> None:
    layers = [L.Conv2D(2, 3), L.UpSampling2D(name="larger"), L.Flatten(), L.Dense(2)]
    name = saved(keras.Sequential([keras.Input(IMAGE), *layers]), tmp_path, "keras")
    assert failure(name) == (
        f"{name}: layer UpSampling2D 'larger' is of a kind that is not translated. headstart reads "
        "the layers in docs/keras.md. To run the file by Keras itself on PyTorch: pip install "
        f"'headstart[keras]' keras, and name it keras-on-torch:{name}"
    )


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: L.BatchNormalization(axis=1), "normalises over axis 1 (allowed: the last)"),
        (lambda: L.LayerNormalization(axis=[1, 2, 3]), "normalises over axis [1, 2, 3]"),
        (lambda: L.MaxPooling2D(1, data_format="channels_first"), "in the order channels_first"),
        (lambda: L.RandomCrop(4, 4), "also cuts the images that are not augmented"),
        (lambda: L.Softmax(axis=[1, 2]), "works on the axes [1, 2] (allowed: one)"),
        (lambda: L.Conv2D(2, 1, activation="sparsemax"), "has the activation sparsemax (known: "),
    ],
)
def test_settings_that_are_not_known_are_named(layer: Any, reason: str, tmp_path: Path) -> None:
    layers = [keras.Input(IMAGE), L.Conv2D(4, 1), layer(), L.Flatten(), L.Dense(2)]
    name = saved(keras.Sequential(layers), tmp_path, "keras")
    found = failure(name)
    assert reason in found
    assert "keras-on-torch:" in found


def test_models_that_are_no_graphs_of_one_image_are_refused(tmp_path: Path) -> None:
    first, second = keras.Input(IMAGE), keras.Input(IMAGE)
    both = L.Dense(2)(L.Flatten()(L.Add()([first, second])))
    name = saved(keras.Model([first, second], both), tmp_path, "keras")
    assert "has 2 inputs; given: 1. Allowed: models with one input, the images." in failure(name)
    flat = L.Flatten()(first)
    name = saved(keras.Model(first, [L.Dense(2)(flat), L.Dense(3)(flat)]), tmp_path, "keras")
    assert failure(name) == f"{name}: the model has 2 outputs; allowed: one."
    own = old_file(tmp_path / "own.h5", {"class_name": "MyNet", "config": {}}, {})
    assert failure(own) == (
        f"{own}: the model is a MyNet, whose Python code is not in the file. "
        "Allowed: Sequential and Functional models."
    )
    model = old_model()
    del model["config"]["layers"][3]["config"]["filters"]
    unset = old_file(tmp_path / "unset.h5", model, {})
    assert (
        "layer Conv2D 'stem/conv' has settings that are not understood (KeyError('filters'))"
        in (failure(unset))
    )
    odd = old_file(tmp_path / "odd.h5", {"class_name": "Functional", "config": {}}, {})
    assert failure(odd).startswith(f"{odd}: its description of the network is not understood")


@pytest.mark.parametrize("library", ["h5py", "keras"])
def test_what_is_not_installed_is_asked_for(library: str, tmp_path: Path) -> None:
    name = saved(small(), tmp_path, "keras")
    module = {"h5py": "adapter", "keras": "fallback"}[library]
    script = f"""
import sys
sys.modules[{library!r}] = None  # as if it were not there
from headstart.core.errors import NetworkError
from headstart.networks.keras.{module} import ADAPTER
try:
    ADAPTER.build({name!r}, (6, 6, 3), 2)
except NetworkError as error:
    print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    expected = {
        "h5py": f"{name} is a Keras file, which needs h5py. "
        "Install it: pip install 'headstart[keras]'",
        "keras": f"{name} is to be run by Keras, which is not installed. "
        "Install it: pip install keras",
    }
    assert ended.stdout.strip() == expected[library]
