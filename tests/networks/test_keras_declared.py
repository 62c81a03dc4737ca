"""Keras models in memory: kept without chance, and declared where their layers allow it."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.core.errors import NetworkError
from headstart.networks.build import build
from headstart.networks.declared.initial import fresh_weights
from headstart.networks.keras.adapter import ADAPTER
from headstart.networks.keras.compiled import compiled_note, is_trained
from headstart.networks.keras.declare import declaration
from headstart.networks.keras.keep import is_keras_model, kept_model
from headstart.study.declared import Conv, Dense, Dropout, LeakyRelu
from headstart.study.training import OptimiserSpec
from keras_files import KERAS_WARNS, keras, randomised

layers = keras.layers
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)
IMAGE = (9, 9, 1)


def chain(*last: Any) -> Any:
    """A network such as notebooks have, without names that somebody gave."""
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(6, kernel_initializer="he_normal"),
            layers.LeakyReLU(),
            *(last or (layers.Dense(3, activation="softmax"),)),
        ]
    )


def test_a_chain_is_declared_and_what_became_of_it_is_said(tmp_path: Path) -> None:
    found = declaration(str(kept_model(chain(), tmp_path, weights=False)))
    assert found.network is not None
    conv, dense = found.network.stages
    assert (conv.name, dense.name) == ("conv1", "dense1")
    assert conv.layers[0] == Conv(channels=4, padding="same", initialiser="glorot_uniform")
    assert conv.layers[4] == Dropout(rate=0.25)
    assert dense.layers == (Dense(units=6, initialiser="he_normal"), LeakyRelu(slope=0.3))
    assert found.notes[0].startswith("8 layers translated into a declared network")
    assert "kept: 1 Dropout" in found.notes
    assert "LeakyReLU with slope 0.3" in found.notes


def test_the_declared_network_gives_what_keras_gives(tmp_path: Path) -> None:
    model = randomised(chain(layers.Dense(3)))
    found = declaration(str(kept_model(model, tmp_path, weights=True)))
    assert found.network is not None
    own = fresh_weights(found.network, IMAGE, 3, 0, "target")
    arrays = [np.asarray(one) for one in map(keras.ops.convert_to_numpy, model.weights)]
    kernel, bias, gamma, beta, mean, variance, dense, of_dense, head, of_head = arrays
    # Flatten has the channels first here, and last in Keras.
    moved = dense.reshape(4, 4, 4, 6).transpose(2, 0, 1, 3).reshape(64, 6)
    given = (kernel.transpose(3, 2, 0, 1), bias, gamma, beta, moved.T, of_dense, head.T, of_head)
    statistics = {"running_mean": mean, "running_var": variance}
    parameters = iter(given)
    weights = {
        name: np.ascontiguousarray(statistics.get(name.rsplit(".", 1)[-1]))
        if "running" in name
        else np.ascontiguousarray(next(parameters))
        for name in own
    }
    assert {name: array.shape for name, array in weights.items()} == {
        name: array.shape for name, array in own.items()
    }
    images = np.random.default_rng(1).normal(size=(5, *IMAGE)).astype(np.float32)
    module: Any = build(found.network, IMAGE, 3, weights)
    with torch.no_grad():
        ours = module.eval()(torch.from_numpy(images).movedim(-1, 1)).numpy()
        theirs = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.abs(ours - theirs).max() < 1e-4


def test_names_of_an_author_stay_and_one_unit_is_a_sigmoid(tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((16,)),
            layers.Dense(5, name="eyes", activation="tanh"),
            layers.Dense(4, activation="gelu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    found = declaration(str(kept_model(model, tmp_path, weights=False)))
    assert found.network is not None
    assert [stage.name for stage in found.network.stages] == ["eyes", "dense1"]
    assert found.network.head.output == "sigmoid"
    assert found.network.stages[0].layers[0].kind == "flatten"


def skip() -> Any:
    """A model with a skip connection."""
    images = keras.Input(IMAGE)
    first = layers.Conv2D(2, 3, padding="same")(images)
    both = layers.Add()([first, layers.Conv2D(2, 3, padding="same")(first)])
    return keras.Model(images, layers.Dense(3)(layers.GlobalAveragePooling2D()(both)))


def around(*inner: Any) -> Any:
    """A model of some layers between an input and a head."""
    return keras.Sequential([keras.Input(IMAGE), *inner, layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (skip, "its layers are no single chain"),
        (lambda: around(layers.DepthwiseConv2D(3)), "is of a kind that it does not have"),
        (lambda: around(layers.Rescaling(1 / 255), layers.Conv2D(2, 3)), "its scaling layers say"),
        (lambda: around(layers.Conv2D(2, (3, 2))), "not a square"),
        (lambda: around(layers.Conv2D(2, 3, dilation_rate=2)), "groups, dilation"),
        (lambda: around(layers.Conv2D(2, 3), layers.MaxPooling2D(3, 2)), "windows that overlap"),
        (lambda: around(layers.Conv2D(2, 3, activation="elu")), "the activation elu"),
        (lambda: around(layers.Dense(2)), "is given images, not rows"),
        (lambda: around(layers.Conv2D(2, 3, bias_initializer="ones")), "its biases by Ones"),
        (lambda: around(), "no layer with weights before the last"),
    ],
)
def test_what_cannot_be_declared_stays_a_keras_file(make: Any, said: str, tmp_path: Path) -> None:
    path = str(kept_model(make(), tmp_path, weights=False))
    found = declaration(path)
    assert found.network is None
    assert said in found.notes[0]
    assert sum(one.numel() for one in ADAPTER.build(path, IMAGE, 3).parameters())


def test_a_penalty_on_weights_is_said_to_be_unused(tmp_path: Path) -> None:
    model = around(layers.Conv2D(2, 3, kernel_regularizer="l2"))
    found = declaration(str(kept_model(model, tmp_path, weights=False)))
    assert "not used: kernel_regularizer of Conv2D" in found.notes
    others = around(layers.Conv2D(2, 3), layers.BatchNormalization(gamma_constraint="non_neg"))
    found = declaration(str(kept_model(others, tmp_path, weights=False)))
    assert "not used: gamma_constraint of BatchNormalization" in found.notes


def test_the_same_layers_are_one_file_whatever_keras_calls_them(tmp_path: Path) -> None:
    paths = {kept_model(chain(), tmp_path, weights=False) for _ in range(2)}
    assert len(paths) == 1
    (path,) = paths
    content = path.read_bytes()
    path.unlink()
    assert kept_model(chain(), tmp_path, weights=False).read_bytes() == content
    trained = {kept_model(randomised(chain(), seed), tmp_path, weights=True) for seed in (0, 1)}
    assert len(trained) == 2
    other = skip(), skip()
    assert len({kept_model(one, tmp_path, weights=False) for one in other}) == 1


def test_weights_come_along_where_they_are_asked_for(tmp_path: Path) -> None:
    model = randomised(chain())
    held = ADAPTER.load(str(kept_model(model, tmp_path, weights=True)))
    conv = keras.ops.convert_to_numpy(model.layers[0].kernel)
    (name,) = (name for name in held if held[name].shape == (4, 1, 3, 3))
    assert (held[name] == np.asarray(conv).transpose(3, 2, 0, 1)).all()
    bare = ADAPTER.load(str(kept_model(model, tmp_path, weights=False)))
    assert not any(array.any() for array in bare.values())


def test_a_model_without_an_input_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Dense(3)])
    assert is_keras_model(model)
    assert not is_keras_model(torch.nn.Linear(2, 2))
    with pytest.raises(NetworkError, match=r"has no input shape yet. Begin it with keras.Input"):
        kept_model(model, tmp_path, weights=False)


def test_what_a_model_was_compiled_with_is_said_in_the_words_of_a_study() -> None:
    model = chain()
    assert compiled_note(model) == ""
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
    assert compiled_note(model).startswith("compiled with SGD and mse, which are not used")
    assert "{'kind': 'sgd', 'defaults': 'keras', 'lr': 0.1, 'momentum': 0.9}" in compiled_note(
        model
    )
    assert not is_trained(model)
    model.compile(optimizer="nadam", loss=keras.losses.MeanSquaredError())
    assert compiled_note(model) == "compiled with Nadam and mean_squared_error, which are not used"


@pytest.mark.parametrize(
    ("optimiser", "table"),
    [
        (lambda of: of.Adam(), {"kind": "adam", "lr": 0.001}),
        (lambda of: of.Adam(0.01, beta_1=0.5), {"kind": "adam", "lr": 0.01, "beta1": 0.5}),
        (
            lambda of: of.AdamW(weight_decay=0.1),
            {"kind": "adamw", "lr": 0.001, "weight_decay": 0.1},
        ),
        (lambda of: of.RMSprop(rho=0.8), {"kind": "rmsprop", "lr": 0.001, "decay": 0.8}),
        (lambda of: of.Adadelta(), {"kind": "adadelta", "lr": 0.001}),
        (
            lambda of: of.SGD(0.1, momentum=0.9, nesterov=True),
            {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True},
        ),
        (lambda of: of.SGD(of.schedules.ExponentialDecay(0.1, 9, 0.5)), None),
        (lambda of: of.SGD(0.1, nesterov=True), None),
        (lambda of: of.SGD(0.1, weight_decay=0.1), None),
        (lambda of: of.Adam(clipnorm=1.0), None),
        (lambda of: of.Adam(amsgrad=True), None),
        (lambda of: of.RMSprop(momentum=0.9), None),
    ],
)
def test_an_optimiser_is_offered_where_a_study_has_the_same(
    optimiser: Any, table: dict[str, Any] | None
) -> None:
    model = chain()
    model.compile(optimizer=optimiser(keras.optimizers), loss="mse")
    offered = re.search(r"'optimiser': ({[^}]*})", compiled_note(model))
    found = ast.literal_eval(offered[1]) if offered else None
    assert found == (table and {**table, "defaults": "keras"})
    if found:
        OptimiserSpec(**found)
