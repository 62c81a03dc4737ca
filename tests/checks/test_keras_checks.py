"""The same checks for Keras models: names of layers, frozen layers, files, any backend."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart as hs
from headstart.core.errors import CheckpointError, NetworkError
from keras_files import KERAS_WARNS, keras, randomised

L = keras.layers
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)


def trunk() -> Any:
    return [L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.Flatten()]


def model(classes: int = 3) -> Any:
    return keras.Sequential([keras.Input((6, 6, 1)), *trunk(), L.Dense(classes)])


def from_source(source: Any, classes: int = 2) -> Any:
    """Another model with the source's trunk, copied as it should be, and a new head."""
    made = model(classes)
    for ours, theirs in zip(made.layers[:-1], source.layers[:-1], strict=True):
        ours.set_weights(theirs.get_weights())
    return made


def test_a_trunk_that_was_copied_is_the_sources_whatever_keras_calls_its_layers() -> None:
    source = randomised(model())
    made = from_source(source)
    assert [one.name for one in made.layers] != [one.name for one in source.layers]
    found = hs.transferred(made, source)
    assert found.ok
    assert len(found.equal) == 6
    assert len(found.fresh) == 2


def test_a_clone_has_none_of_the_sources_weights() -> None:
    """The slip of a published notebook: `clone_model` makes new weights."""
    source = randomised(model())
    found = hs.transferred(keras.models.clone_model(source), source)
    assert not found.ok
    assert str(found).startswith("Nothing was transferred: 0 of 6 tensors of the trunk")


def test_two_fresh_models_have_constants_in_common_and_no_more() -> None:
    found = hs.transferred(model(), model())
    assert found.equal == ()
    assert len(found.constant) == 5


def test_a_trunk_inside_another_model_is_found() -> None:
    base = randomised(keras.Sequential([keras.Input((6, 6, 1)), *trunk()]))
    outer = keras.Sequential([keras.Input((6, 6, 1)), base, L.Dense(2)])
    found = hs.transferred(outer, base)
    assert found.ok
    assert found.equal[0].startswith(f"{base.name}/")


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_files_are_sources(kind: str, tmp_path: Path) -> None:
    source = randomised(model())
    path = tmp_path / f"source.{kind}"
    source.save(path)
    found = hs.transferred(from_source(source), path)
    assert found.ok
    assert found.source == path.name
    assert not hs.transferred(model(), path).ok
    with pytest.raises(NetworkError, match="is not there"):
        hs.transferred(source, tmp_path / "gone.keras")
    (tmp_path / "torn.keras").write_bytes(b"PK torn")
    with pytest.raises(NetworkError, match="Keras cannot open it"):
        hs.transferred(source, tmp_path / "torn.keras")


def test_layers_inside_layers_are_found_whatever_keras_calls_them(tmp_path: Path) -> None:
    def nested() -> Any:
        image = keras.Input((5, 4))
        both = L.Bidirectional(L.LSTM(3, return_sequences=True))(image)
        attended = L.MultiHeadAttention(2, 3)(both, both)
        return keras.Model(image, L.Dense(2)(L.Dense(4)(attended)))

    one, other = nested(), nested()
    found = hs.same_start(one, other)
    assert found.only_first == ()
    assert not found.ok
    other.set_weights(one.get_weights())
    assert hs.same_start(one, other).ok
    one.save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(NetworkError, match="not of weights alone"):
        hs.same_start(one, tmp_path / "only.weights.h5")


def test_models_start_alike_or_not() -> None:
    one, other = randomised(model()), model()
    assert not hs.same_start(one, other).ok
    other.set_weights(one.get_weights())
    found = hs.same_start(one, other).check()
    assert len(found.equal) == 8


def fitted(made: Any) -> None:
    made.compile("sgd", loss="mse")
    made.fit(np.random.default_rng(0).random((8, 6, 6, 1)), np.ones((8, 3)), verbose=0)


def test_layers_that_are_not_trainable_stay() -> None:
    made = randomised(model())
    for layer in made.layers[:-1]:
        layer.trainable = False
    before = hs.snapshot(made)
    with hs.frozen(made) as watch:
        fitted(made)
    assert watch.result.ok
    assert len(watch.result.frozen) == 6
    moved = hs.moved(before, made).check()
    assert {one.name.rpartition("/")[2] for one in moved.moved} == {"kernel", "bias"}
    assert len(moved.unmoved) == 6


def test_statistics_move_where_only_the_weights_are_frozen() -> None:
    """A convolution is frozen; the normalisation behind it trains on, statistics and all."""
    made = randomised(model())
    conv, norm = made.layers[:2]
    with hs.frozen(made, keep=[conv, norm]) as watch:
        made(np.random.default_rng(0).random((8, 6, 6, 1)), training=True)
    assert watch.result.weights == ()
    assert watch.result.statistics == (f"{norm.name}/moving_mean", f"{norm.name}/moving_variance")
    assert "training=False in Keras" in str(watch.result)


def test_names_are_those_of_layers() -> None:
    made = model()
    name = made.layers[-1].name
    with hs.frozen(made, keep=[name, f"{made.layers[0].name}/kernel"]) as watch:
        pass
    assert watch.result.frozen == (
        f"{made.layers[0].name}/kernel", f"{name}/kernel", f"{name}/bias",
    )  # fmt: skip
    with pytest.raises(NetworkError, match=f"Did you mean '{name}'"):
        hs.frozen(made, keep=f"{name}x")


def test_a_name_means_the_layer_that_has_it_and_no_other() -> None:
    """Two models number their layers on: the second one's first layer is no longer `dense`."""
    keras.Sequential([keras.Input((2,)), L.Dense(2)])
    made = keras.Sequential([keras.Input((2,)), L.Dense(2), L.Dense(2)])
    with hs.frozen(made, keep=made.layers[0].name) as watch:
        pass
    assert watch.result.frozen == (f"{made.layers[0].name}/kernel", f"{made.layers[0].name}/bias")


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(NetworkError, match=r"has not been built, so it has no weights yet\. Call"):
        hs.snapshot(keras.Sequential([L.Dense(2)]))
    with pytest.raises(NetworkError, match="neither weights nor buffers"):
        hs.snapshot(keras.Sequential([keras.Input((2,)), L.ReLU()]))


def test_a_model_of_its_own_class_is_built_by_its_first_batch() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = L.Dense(3)
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs) * self.scale

    made = Own()
    with pytest.raises(NetworkError, match="has not been built"):
        hs.snapshot(made)
    made(np.ones((1, 4)))
    names = [tensor.name for tensor in hs.snapshot(made).tensors]
    assert [name.rpartition("/")[2] for name in names] == ["kernel", "bias", "scale"]


def test_a_weight_file_of_torch_beside_a_keras_model_has_no_partner(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.rand(3, 3)}, tmp_path / "torch.pt")
    found = hs.transferred(model(), tmp_path / "torch.pt")
    assert not found.ok
    with pytest.raises(CheckpointError):
        hs.transferred(model(), tmp_path / "gone.pt")


OTHER_BACKEND = """
import sys, keras, headstart as hs
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
before = hs.snapshot(model)
with hs.frozen(model, keep=model.layers[0]) as watch:
    model.layers[1].kernel.assign(model.layers[1].kernel + 1)
print(keras.backend.backend(), watch.result.ok, [one.name for one in hs.moved(before, model).moved])
model.layers[0].bias.assign(model.layers[0].bias + 1)
print("torch" in sys.modules)
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_another_backend_works_without_torch(backend: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{backend} True ['dense_1/kernel']\nFalse\n"
