"""Trained model of one trial: network, weights, preprocessing, classes, and where it came from."""

from dataclasses import dataclass
from typing import Literal

from headstart.analyse.model_quality import ModelQuality
from headstart.data.preprocess import Scaling
from headstart.networks.weights import Weights
from headstart.study.decoding import Decoding
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.network_facts import Shape

PixelType = Literal["uint8", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The trial that trained a model.

    Attributes:
        study: name of the study.
        source: of the pair.
        target: task of the pair, whose classes the model knows.
        arm: way of transferring.
        size: label of the amount of data.
        num_images: training images at this size.
        seed: of the trial.
        updates: after which the weights were taken; None where nothing was measured.
        steps: keys of the training steps.
        validation_accuracy: of these weights; None without validation images.
        test: its quality on the test images; None where the trial has not been scored.
    """

    study: str
    source: str
    target: str
    arm: str
    size: str
    num_images: int
    seed: int
    updates: int | None
    steps: tuple[str, ...]
    validation_accuracy: float | None
    test: ModelQuality | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedModel:
    """Everything that predicts the classes of images.

    Attributes:
        network: the architecture.
        pixels: (height, width, channels) of a decoded image.
        dtype: of its pixels: bytes, or floats that are not scaled.
        classes: names in the order of the outputs.
        weights: all parameters and buffers by name; the arrays are shared and must not be changed.
        scaling: from pixels to network inputs, with the statistics that standardise.
        decoding: from an image file to pixels.
        origin: the trial that trained it.
    """

    network: AnyNetwork
    pixels: Shape
    dtype: PixelType = "uint8"
    classes: tuple[str, ...]
    weights: Weights
    scaling: Scaling
    decoding: Decoding
    origin: Origin

    @property
    def network_name(self) -> str:
        """The network in a few words."""
        if isinstance(self.network, LibraryNetwork):
            return str(self.network)
        return f"declared network of {', '.join(self.network.stage_names)}"

    @property
    def image(self) -> Shape:
        """(height, width, channels) of a network input; grey pixels may be repeated."""
        height, width, channels = self.pixels
        return height, width, self.scaling.channels or channels
