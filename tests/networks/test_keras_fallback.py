"""Files that are not translated are run by Keras itself on PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.core.errors import NetworkError
from headstart.networks.keras.fallback import ADAPTER, KerasOnTorch
from headstart.study.network_facts import InputFacts
from keras_files import (
    FORMATS,
    KERAS_WARNS,
    given,
    images,
    in_other_memory,
    keras,
    randomised,
    reference,
    saved,
)

L = keras.layers
IMAGE = (6, 6, 3)
pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)


def model() -> Any:
    """A network with a layer that is not translated."""
    layers = [L.Conv2D(4, 3), L.BatchNormalization(), L.UpSampling2D(), L.Flatten()]
    return keras.Sequential([keras.Input(IMAGE), *layers, L.Dense(3, activation="softmax")])


def loaded(name: str) -> KerasOnTorch:
    module = ADAPTER.build(name, IMAGE, ADAPTER.classes(name))
    module.load_state_dict({key: torch.tensor(v) for key, v in ADAPTER.load(name).items()})
    assert isinstance(module, KerasOnTorch)
    return module.eval()


@pytest.mark.parametrize("kind", FORMATS)
def test_logits_are_those_of_the_file(kind: str, tmp_path: Path) -> None:
    made = randomised(model())
    module = loaded(saved(made, tmp_path, kind))
    found = torch.softmax(torch.tensor(given(module, images(IMAGE))), 1)
    np.testing.assert_allclose(found, reference(made, images(IMAGE)), atol=1e-6)


def test_modes_and_statistics_are_those_of_pytorch(tmp_path: Path) -> None:
    made = model()
    made.layers[1].trainable = False  # said by the file, not obeyed
    module = loaded(saved(made, tmp_path, "keras"))
    assert len(list(module.parameters())) == 6
    assert all(parameter.requires_grad for parameter in module.parameters())
    buffers = dict(module.named_buffers())
    assert len(buffers) == 2
    before = {name: buffer.clone() for name, buffer in buffers.items()}
    given(module, images(IMAGE))
    assert all(torch.equal(before[name], buffer) for name, buffer in buffers.items())
    module.train()
    module(torch.tensor(images(IMAGE)).movedim(-1, 1)).sum().backward()
    assert not any(torch.equal(before[name], buffer) for name, buffer in buffers.items())
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_copies_and_moved_modules_have_tensors_of_their_own(tmp_path: Path) -> None:
    module = loaded(saved(randomised(model()), tmp_path, "keras"))
    expected = given(module, images(IMAGE))
    other = in_other_memory(module)
    np.testing.assert_allclose(given(other, images(IMAGE)), expected, atol=1e-6)
    with torch.no_grad():
        for tensor in other.state_dict().values():
            tensor.mul_(0.5)
    assert np.abs(given(other, images(IMAGE)) - expected).max() > 0.01
    np.testing.assert_array_equal(given(module, images(IMAGE)), expected)


def test_fresh_weights_are_drawn_and_the_head_has_the_classes_of_the_task(tmp_path: Path) -> None:
    name = saved(randomised(model()), tmp_path, "keras")
    module = ADAPTER.build(name, IMAGE, 7)
    weights, fresh = ADAPTER.load(name), module.state_dict()
    assert set(weights) == set(fresh)
    kernel = next(key for key in weights if key.endswith("kernel"))
    assert np.abs(weights[kernel] - fresh[kernel].numpy()).max() > 0.1
    assert given(module, images(IMAGE)).shape == (4, 7)
    assert ADAPTER.head_modules(module) == ("head",)
    assert ADAPTER.cut_modules(module) == ("trunk",)
    assert ADAPTER.input_facts(name) is None
    assert ADAPTER.version() == keras.__version__
    assert ADAPTER.notes(name) == (
        f"run by Keras {keras.__version__} on PyTorch; a new head takes the place of "
        f"{keras.models.load_model(name).layers[-1].name}",
        "the trunk is one stage; its scaling and augmentation layers are run",
    )


@pytest.mark.parametrize("white", [255, 1])
def test_images_come_on_the_scale_that_the_file_expects(white: int, tmp_path: Path) -> None:
    scaling = L.Normalization(mean=[0.2 * white] * 3, variance=[(0.1 * white) ** 2] * 3)
    layers = [scaling, L.UpSampling2D(), L.Flatten(), L.Dense(3)]
    made = randomised(keras.Sequential([keras.Input(IMAGE), *layers]))
    name = saved(made, tmp_path, "keras")
    facts = ADAPTER.input_facts(name)
    assert facts == InputFacts(size=(6, 6), mean=(0.0,) * 3, deviation=(1 / white,) * 3)
    shares = np.random.default_rng(0).uniform(0, 1, (4, *IMAGE)).astype(np.float32)
    found = given(loaded(name), (shares - facts.mean[0]) / np.float32(facts.deviation[0]))
    np.testing.assert_allclose(found, reference(made, shares * white), rtol=1e-4, atol=1e-4)


def test_what_keras_refuses_is_refused(tmp_path: Path) -> None:
    coded = keras.Sequential(
        [keras.Input(IMAGE), L.Lambda(lambda x: x * 2), L.Flatten(), L.Dense(2)]
    )
    name = saved(coded, tmp_path, "keras")
    with pytest.raises(NetworkError, match=r"Keras cannot open it: .*"):
        ADAPTER.build(name, IMAGE, 2)
    name = saved(model(), tmp_path, "keras")
    with pytest.raises(NetworkError) as failed:
        ADAPTER.build(name, (7, 6, 3), 2)
    assert str(failed.value) == (
        f"{name} is for inputs of (6, 6, 3); given: images of (7, 6, 3). Resize the images."
    )
    trunk = keras.Sequential([keras.Input(IMAGE), L.Conv2D(4, 3, name="last"), L.ReLU(name="end")])
    name = saved(trunk, tmp_path, "keras")
    with pytest.raises(NetworkError, match=r"the model ends in end \(ReLU\); allowed: "):
        ADAPTER.build(name, IMAGE, 2)
