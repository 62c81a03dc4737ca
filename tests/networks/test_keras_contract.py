"""Networks from Keras files keep the contract of adapters."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from adapter_contract import AdapterContract
from torch.utils.flop_counter import FlopCounterMode

from headstart.networks.libraries.facts import facts_for
from headstart.networks.libraries.prepare import built
from headstart.study.network_facts import NetworkFacts
from keras_files import KERAS_WARNS, keras, saved

L = keras.layers


class Kept(AdapterContract):
    """The contract for a model that is saved to a file of its own."""

    kind: ClassVar[str] = "keras"
    _folder: ClassVar[Any]

    @classmethod
    def setup_class(cls) -> None:
        cls._folder = tempfile.TemporaryDirectory()
        cls.name = saved(cls.model(), Path(cls._folder.name), "keras")

    @classmethod
    def teardown_class(cls) -> None:
        cls._folder.cleanup()

    @classmethod
    def model(cls) -> Any:
        """The model, in Keras."""
        raise NotImplementedError


@pytest.mark.filterwarnings(KERAS_WARNS)
class TestRow(Kept):
    """Layers in a row, with scaling at the input and dropout."""

    @classmethod
    def model(cls) -> Any:
        """Convolutions, batch norm, flat features, two dense layers."""
        layers = [L.Rescaling(1 / 255), L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)]
        layers += [L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Conv2D(8, 3), L.PReLU()]
        layers += [L.Flatten(), L.Dropout(0.5), L.Dense(7, activation="tanh"), L.Dense(5)]
        return keras.Sequential([keras.Input(cls.image), *layers])

    def test_stages_are_layers_with_weights(self, facts: NetworkFacts) -> None:
        assert facts.stage_names == ("stem", "stage1", "stage2", "head")
        assert [len(block.parameters) for block in facts.blocks] == [3, 3, 2, 2]
        assert [block.dropout for block in facts.blocks] == [False, True, False, False]
        assert [block.batch_statistics for block in facts.blocks] == [True, False, False, False]
        assert facts.input == facts_for("keras", self.name, self.image, 3).input


@pytest.mark.filterwarnings(KERAS_WARNS)
class TestMobileNetV2(Kept):
    """Skip connections in a nested model under a new head."""

    @classmethod
    def model(cls) -> Any:
        """As in the tutorials of Keras."""
        trunk = keras.applications.MobileNetV2(
            weights=None, include_top=False, input_shape=cls.image, alpha=0.35
        )
        trunk.trainable = False
        inputs = keras.Input(cls.image)
        features = trunk(L.Rescaling(1 / 127.5, offset=-1)(inputs), training=False)
        pooled = L.Dropout(0.2)(L.GlobalAveragePooling2D()(features))
        return keras.Model(inputs, L.Dense(5, activation="softmax")(pooled))


@pytest.mark.filterwarnings(KERAS_WARNS)
class TestTrunk(Kept):
    """A trunk alone, which gets a head."""

    @classmethod
    def model(cls) -> Any:
        """Two convolutions with a skip connection, squeezed and excited."""
        inputs = keras.Input(cls.image)
        first = L.Conv2D(4, 3, strides=4, padding="same")(L.Conv2D(3, 1)(inputs))
        second = L.SeparableConv2D(4, 3, padding="same", activation="silu")(first)
        weights = L.Dense(4, activation="sigmoid")(L.GlobalAveragePooling2D()(second))
        scaled = L.Multiply()([second, L.Reshape((1, 1, 4))(weights)])
        return keras.Model(inputs, L.LayerNormalization()(L.Add()([first, scaled])))


@pytest.mark.filterwarnings(KERAS_WARNS)
class TestKerasOnTorch(Kept):
    """A layer that is not translated, run by Keras: the trunk is one stage."""

    kind: ClassVar[str] = "keras-on-torch"

    @classmethod
    def model(cls) -> Any:
        """Convolution, batch norm, images made larger."""
        layers = [L.Conv2D(4, 3, strides=4), L.BatchNormalization(), L.UpSampling2D()]
        layers += [L.GlobalAveragePooling2D(), L.Dense(5, activation="softmax")]
        return keras.Sequential([keras.Input(cls.image), *layers])

    def test_flops_are_those_of_pytorch_s_counter(self, facts: NetworkFacts) -> None:
        # Keras does not run on the meta device.
        plain = built(self.kind, self.name, self.image, self.classes).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            plain(self.images(1))
        assert sum(block.flops for block in facts.blocks) == counter.get_total_flops() > 0

    def test_the_trunk_is_one_stage(self, facts: NetworkFacts) -> None:
        assert facts.stage_names == ("stem", "head")
        assert [len(block.parameters) for block in facts.blocks] == [4, 2]
        assert [len(block.buffers) for block in facts.blocks] == [2, 0]
