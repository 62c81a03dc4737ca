"""Networks from Keras files go back into Keras files that answer as the network does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fresh_models import fresh_model, noise, normalised

from headstart.core.errors import ExportError, NetworkError
from headstart.data.preprocess import Scaling, network_scaling
from headstart.model.export.agreement import require_agreement
from headstart.model.export.keras_file import in_keras, keras_bytes
from headstart.model.predictor import Predictor
from headstart.model.trained import TrainedModel
from headstart.networks.facts import input_facts_of
from headstart.study.network import LibraryNetwork
from keras_files import KERAS_WARNS, keras, randomised, saved

pytestmark = pytest.mark.filterwarnings(KERAS_WARNS)
L = keras.layers
IMAGE = (16, 16, 3)


def convolutions(*first: Any) -> Any:
    layers = [*first, L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)]
    layers += [L.BatchNormalization(), L.ReLU(), L.DepthwiseConv2D(3, padding="same")]
    layers += [L.Flatten(), L.Dropout(0.5), L.Dense(7, activation="tanh")]
    layers += [L.Dense(4, activation="softmax")]
    return randomised(keras.Sequential([keras.Input(IMAGE), *layers]))


def nested() -> Any:
    inner = keras.Sequential([keras.Input(IMAGE), L.Conv2D(4, 3), L.ReLU()], name="inner")
    images = keras.Input(IMAGE)
    pooled = L.GlobalAveragePooling2D()(inner(images))
    return randomised(keras.Model(images, L.Dense(9)(pooled)))


def agrees(model: TrainedModel) -> bytes:
    content = keras_bytes(model, {"classes": "[]"})
    network = Predictor(model, "cpu").probabilities
    require_agreement("Keras", in_keras(content), network, noise(model.pixels))
    return content


@pytest.mark.parametrize("kind", ["keras", "keras-on-torch"])
@pytest.mark.parametrize("source", [convolutions, nested])
def test_layers_get_their_trained_weights(source: Any, kind: str, tmp_path: Path) -> None:
    path = saved(source(), tmp_path, "keras")
    agrees(fresh_model(f"{kind}:{path}", IMAGE))


def test_scaling_layers_of_the_file_stay_where_they_are(tmp_path: Path) -> None:
    path = saved(convolutions(L.Rescaling(1 / 127.5, offset=-1)), tmp_path, "h5")
    facts = input_facts_of(LibraryNetwork(kind="keras", name=path))
    assert facts is not None
    own = network_scaling(facts.mean, facts.deviation, 3)
    (tmp_path / "back.keras").write_bytes(agrees(fresh_model(f"keras:{path}", IMAGE, scaling=own)))
    again = keras.models.load_model(tmp_path / "back.keras")
    assert sum(isinstance(layer, L.Rescaling) for layer in again.layers) == 1
    assert again.output_shape == (None, 5)
    other = fresh_model(f"keras:{path}", IMAGE, scaling=normalised(3))
    network = Predictor(other, "cpu").probabilities
    with pytest.raises(ExportError, match="disagrees with the network"):
        require_agreement("Keras", in_keras(keras_bytes(other, {})), network, noise(other.pixels))


def test_networks_from_elsewhere_are_refused() -> None:
    with pytest.raises(ExportError) as raised:
        keras_bytes(fresh_model("timm:test_resnet"), {})
    assert str(raised.value) == (
        "a .keras file is written of networks that came from one; this is 'timm:test_resnet'. "
        "Allowed for it: a FILE that ends in .onnx, .pt2 or .safetensors."
    )


def test_scaling_that_keras_has_no_layer_for_is_refused(tmp_path: Path) -> None:
    path = saved(nested(), tmp_path, "keras")
    model = fresh_model(f"keras:{path}", IMAGE)
    flipped = replace(model, scaling=Scaling(255.0, None, 3, flipped=True))
    with pytest.raises(ExportError, match="scaled pixel by pixel, or their channels are changed"):
        keras_bytes(flipped, {})


def test_without_keras_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    path = saved(nested(), tmp_path, "keras")
    model = fresh_model(f"keras:{path}", IMAGE)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(NetworkError, match="Keras, which is not installed"):
        keras_bytes(model, {})


def test_metadata_lie_in_the_zip(tmp_path: Path) -> None:
    import zipfile

    path = saved(nested(), tmp_path, "keras")
    (tmp_path / "back.keras").write_bytes(agrees(fresh_model(f"keras:{path}", IMAGE)))
    with zipfile.ZipFile(tmp_path / "back.keras") as archive:
        assert archive.read("headstart/classes") == b"[]"
