"""Every layer that is translated gives what Keras gives, read from either format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers.base import Translated
from headstart.networks.keras.layers.registry import TRANSLATORS, translate
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

L = keras.layers
IMAGE = (7, 9, 4)
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)

ACTIVATIONS = (
    *("linear", "relu", "relu6", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "mish"),
    *("hard_sigmoid", "hard_silu", "softplus", "softsign", "exponential", "leaky_relu"),
    *("softmax", "log_softmax"),
)
LAYERS: dict[str, Any] = {
    "conv": lambda: L.Conv2D(5, 3),
    "conv strided same": lambda: L.Conv2D(5, 3, strides=2, padding="same", activation="relu"),
    "conv dilated": lambda: L.Conv2D(5, 3, dilation_rate=2, padding="same", use_bias=False),
    "conv grouped": lambda: L.Conv2D(6, (1, 2), groups=2, activation="tanh"),
    "conv with a layer as activation": lambda: L.Conv2D(5, 1, activation=L.ReLU(0.5)),
    "depthwise": lambda: L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu6"),
    "depthwise strided": lambda: L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False),
    "separable": lambda: L.SeparableConv2D(5, 3, depth_multiplier=2, activation="elu"),
    "separable strided": lambda: L.SeparableConv2D(5, 3, strides=2, padding="same"),
    "dense on images": lambda: L.Dense(3, activation="softplus"),
    "batch norm": lambda: L.BatchNormalization(epsilon=0.01),
    "batch norm of images' last axis": lambda: L.BatchNormalization(axis=3, scale=False),
    "batch norm without shift": lambda: L.BatchNormalization(center=False),
    "layer norm": lambda: L.LayerNormalization(),
    "layer norm plain": lambda: L.LayerNormalization(axis=[3], scale=False, center=False),
    "group norm": lambda: L.GroupNormalization(2),
    "group norm of each channel": lambda: L.GroupNormalization(-1, center=False),
    "relu": lambda: L.ReLU(),
    "relu with all": lambda: L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2),
    "relu 6": lambda: L.ReLU(6.0),
    "leaky relu": lambda: L.LeakyReLU(),
    "elu": lambda: L.ELU(0.7),
    "prelu": lambda: L.PReLU(),
    "prelu shared": lambda: L.PReLU(shared_axes=[1, 2]),
    "softmax": lambda: L.Softmax(),
    "softmax over rows": lambda: L.Softmax(axis=1),
    "max pool": lambda: L.MaxPooling2D(),
    "max pool same": lambda: L.MaxPooling2D(3, strides=2, padding="same"),
    "average pool": lambda: L.AveragePooling2D((2, 3)),
    "average pool same": lambda: L.AveragePooling2D(3, strides=1, padding="same"),
    "global average": lambda: L.GlobalAveragePooling2D(),
    "global average kept": lambda: L.GlobalAveragePooling2D(keepdims=True),
    "global max": lambda: L.GlobalMaxPooling2D(),
    "zero padding": lambda: L.ZeroPadding2D(((0, 1), (2, 3))),
    "zero padding even": lambda: L.ZeroPadding2D(2),
    "cropping": lambda: L.Cropping2D(((1, 0), (2, 1))),
    "flatten": lambda: L.Flatten(),
    "reshape": lambda: L.Reshape((9, -1, 2)),
    "reshape to a sequence": lambda: L.Reshape((63, 4)),
    "dropout": lambda: L.Dropout(0.5),
    "dropout of nothing": lambda: L.Dropout(0.0),
    "spatial dropout": lambda: L.SpatialDropout2D(0.5),
    "gaussian dropout": lambda: L.GaussianDropout(0.3),
    "gaussian noise": lambda: L.GaussianNoise(0.3),
    "identity": lambda: L.Identity(),
    "rescaling": lambda: L.Rescaling(1 / 3, offset=-0.5),
    "rescaling by channel": lambda: L.Rescaling([1.0, 2.0, 3.0, 4.0], offset=[0, 1, 0, 1]),
    "normalization": lambda: L.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1, 2, 3, 4]),
    "normalization inverse": lambda: L.Normalization(mean=0.5, variance=2.0, invert=True),
    "random flip": lambda: L.RandomFlip(),
    **{f"activation {name}": lambda name=name: L.Activation(name) for name in ACTIVATIONS},
}
MERGES = {
    "add": lambda: L.Add(),
    "subtract": lambda: L.Subtract(),
    "multiply": lambda: L.Multiply(),
    "average": lambda: L.Average(),
    "maximum": lambda: L.Maximum(),
    "minimum": lambda: L.Minimum(),
    "concatenate": lambda: L.Concatenate(),
    "concatenate rows": lambda: L.Concatenate(axis=1),
    "concatenate columns": lambda: L.Concatenate(axis=-2),
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_what_keras_gives(name: str, kind: str, tmp_path: Path) -> None:
    inputs = keras.Input(IMAGE)
    # The convolution first: what stands at the input would be preprocessing.
    outputs = LAYERS[name]()(L.Conv2D(4, 1)(inputs))
    rows = L.Flatten()(outputs) if len(outputs.shape) > 2 else outputs
    model = randomised(keras.Model(inputs, L.Dense(3)(rows)))
    check(model, saved(model, tmp_path, kind))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", MERGES)
def test_layers_with_two_inputs_give_what_keras_gives(name: str, kind: str, tmp_path: Path) -> None:
    inputs = keras.Input(IMAGE)
    merged = MERGES[name]()([L.Conv2D(4, 1)(inputs), L.Conv2D(4, 1, activation="relu")(inputs)])
    model = randomised(keras.Model(inputs, L.Dense(3)(L.Flatten()(merged))))
    check(model, saved(model, tmp_path, kind))


@pytest.mark.parametrize("kind", FORMATS)
def test_features_are_stretched_over_images(kind: str, tmp_path: Path) -> None:
    inputs = keras.Input(IMAGE)
    features = L.Conv2D(4, 3, padding="same")(inputs)
    weights = L.Dense(4, activation="sigmoid")(L.GlobalAveragePooling2D()(features))
    scaled = L.Multiply()([features, L.Reshape((1, 1, 4))(weights)])
    again = L.Multiply()([scaled, weights])
    model = randomised(keras.Model(inputs, L.Dense(3)(L.GlobalMaxPooling2D()(again))))
    check(model, saved(model, tmp_path, kind))


def check(model: Any, name: str) -> None:
    inputs = images(IMAGE)
    expected = reference(model, inputs)
    found = given(loaded(name, IMAGE), inputs)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)


def test_every_kind_is_tried() -> None:
    tried = {type(make()).__name__ for make in [*LAYERS.values(), *MERGES.values()]}
    # Of Keras 2, of arithmetic on values (test_keras_files), and our own.
    others = {"Convolution2D", "BatchNormalizationV1", "Divide", "TrueDivide", "PooledFeatures"}
    convnext = {"LayerScale", "StochasticDepth"}  # test_keras_models
    assert set(TRANSLATORS) - tried == others | convnext


sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@drawn(
    kind=st.sampled_from(["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D"]),
    side=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    window=sizes,
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
)
def test_windows_fall_as_in_keras(
    kind: str,
    side: tuple[int, int],
    window: tuple[int, int],
    stride: int,
    dilation: int,
    padding: str,
) -> None:
    dilation = 1 if stride > 1 or kind == "MaxPooling2D" else dilation
    reach = [(kernel - 1) * dilation + 1 for kernel in window]
    if padding == "valid" and any(r > s for r, s in zip(reach, side, strict=True)):
        return
    first = {"Conv2D": (3,), "SeparableConv2D": (3,)}.get(kind, ())
    more = {} if kind == "MaxPooling2D" else {"dilation_rate": dilation}
    layer = getattr(L, kind)(*first, window, strides=stride, padding=padding, **more)
    inputs = images((*side, 2), num=2)
    layer.build(inputs.shape)
    expected = reference(randomised(layer), inputs) if more else windows(layer, inputs)
    made = translated(layer, (2, *side))
    found = given(made.module, inputs)
    assert found.shape[1:] == made.gives
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, atol=1e-5, rtol=1e-5)


def windows(layer: Any, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(layer(inputs)))


def translated(layer: Any, shape: tuple[int, ...]) -> Translated:
    kind = type(layer).__name__
    made = translate(
        Layer(
            path=(layer.name,),
            kind=kind,
            config=layer.get_config(),
            store="",
            keras=3,
            where="here.keras",
        ),
        (shape,),
    )
    tensors = made.module.state_dict()
    for weight, array in zip(made.weights, layer.get_weights(), strict=True):
        tensors[weight.tensor] = torch.tensor(weight.to_torch(array))
    made.module.load_state_dict(tensors)
    return made


@settings(max_examples=40, deadline=None)
@drawn(side=st.tuples(st.integers(1, 9), st.integers(1, 9)), window=sizes, stride=st.integers(1, 3))
def test_means_count_pixels_and_no_padding(
    side: tuple[int, int], window: tuple[int, int], stride: int
) -> None:
    # As TensorFlow and JAX do; Keras on PyTorch repeats the border where padding is uneven.
    layer = L.AveragePooling2D(window, strides=stride, padding="same")
    inputs = images((*side, 2), num=1)
    found = given(translated(layer, (2, *side)).module, inputs)
    starts = [
        [
            stride * n - max((-(-s // stride) - 1) * stride + w - s, 0) // 2
            for n in range(-(-s // stride))
        ]
        for s, w in zip(side, window, strict=True)
    ]
    for row, top in enumerate(starts[0]):
        for column, left in enumerate(starts[1]):
            part = inputs[0, max(top, 0) : top + window[0], max(left, 0) : left + window[1]]
            np.testing.assert_allclose(found[0, :, row, column], part.mean((0, 1)), atol=1e-5)
