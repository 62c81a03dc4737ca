"""Check that images are on the scale that a pretrained network was trained on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from pydantic import TypeAdapter, ValidationError

from headstart.checks.result import ClausedResult
from headstart.checks.tensors import as_array
from headstart.core.errors import DataError, NetworkError
from headstart.networks.facts import input_facts_of
from headstart.study.input_range import (
    LARGEST_INPUT,
    expected_range,
    is_of_other_range,
    is_too_large,
    per_channel,
)
from headstart.study.network import LibraryNetwork, Pretrained
from headstart.study.network_facts import InputFacts

_KERAS = ("keras", "keras-on-torch")

Checkpoint: TypeAlias = str | InputFacts | Any
"""`timm:NAME` and the like as a study names networks, facts, or a module that timm made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(ClausedResult):
    """Range of some inputs beside the range that a checkpoint expects.

    Attributes:
        checkpoint: its name.
        shape: of the inputs.
        low: the least of them.
        high: the greatest.
        mean: of each channel; of all where the channels are not those expected.
        deviation: the same.
        wanted: how the checkpoint's images are prepared.
    """

    checkpoint: str
    shape: tuple[int, ...]
    low: float
    high: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    wanted: InputFacts

    @property
    def expected(self) -> tuple[float, float]:
        """The least and the greatest input that the checkpoint expects."""
        return expected_range(self.wanted)

    @property
    def channels_fit(self) -> bool:
        """Whether the second or the last axis has as many channels as the checkpoint wants."""
        return _channel_axis(self.shape, self.wanted.channels) is not None

    @property
    def range_fits(self) -> bool:
        """Whether the inputs span about what is expected, and none is extremely large."""
        given = self.low, self.high
        too_large = is_too_large(given) and not is_too_large(self.expected)
        return not is_of_other_range(given, self.expected) and not too_large

    @property
    def ok(self) -> bool:
        """Whether range and channels are those that the checkpoint expects."""
        return self.range_fits and self.channels_fit

    def _clauses(self) -> Iterator[str]:
        low, high = self.expected
        scale = "the scale" if self.range_fits else "another scale than the one"
        yield (
            f"Inputs from {self.low:.3g} to {self.high:.3g} are on {scale} that {self.checkpoint} "
            f"was trained on, {low:.3g} to {high:.3g}"
        )
        if not self.range_fits:
            yield from self._hint()
        if not self.channels_fit:
            yield (
                f"their shape is {self.shape}, and no axis has the {self.wanted.channels} channels "
                "it wants"
            )

    def _hint(self) -> Iterator[str]:
        """What the inputs look like, and what to do to them."""
        if not np.isfinite([self.low, self.high]).all():
            yield "they hold NaN or infinity"
            return
        mean, deviation = per_channel(self.wanted.mean), per_channel(self.wanted.deviation)
        moments = f"mean {mean} and deviation {deviation}"
        if self.low >= 0 and 1 < self.high <= 255:
            yield f"they look like pixels: divide by 255, then standardise by {moments}"
        elif self.low >= 0 and self.high <= 1:
            yield f"they look scaled, not standardised: use {moments}"
        elif is_too_large((self.low, self.high)):
            yield f"some are beyond {LARGEST_INPUT} in size"


def inputs(x: Any, checkpoint: Checkpoint) -> Inputs:
    """Whether a batch of inputs is on the scale that a checkpoint expects.

    Args:
        x: what the network is fed: an array or a tensor of images, channels first or last.
        checkpoint: a network as a study names it (`timm:NAME`, `torchvision:NAME`, `hf:NAME`,
            `keras:FILE`), a module that timm made, or `InputFacts`.

    Raises:
        NetworkError: the checkpoint is not known, or does not say how images are prepared.
        DataError: `x` holds no images.
    """
    name, wanted = _wanted(checkpoint)
    images = _array(x)
    axis = _channel_axis(images.shape, wanted.channels)
    others = None if axis is None else tuple(a for a in range(images.ndim) if a != axis)
    return Inputs(
        checkpoint=name,
        shape=images.shape,
        low=float(images.min()),
        high=float(images.max()),
        mean=tuple(np.atleast_1d(images.mean(axis=others, dtype=np.float64)).tolist()),
        deviation=tuple(np.atleast_1d(images.std(axis=others, dtype=np.float64)).tolist()),
        wanted=wanted,
    )


def _array(x: Any) -> np.ndarray:
    images = as_array("x", x)
    if images.dtype.kind not in "fiub" or images.ndim not in (3, 4) or not images.size:
        raise DataError(
            f"x is {images.dtype} of shape {images.shape}. Expected one batch of images as "
            "numbers, (n, channels, height, width) or (n, height, width, channels)."
        )
    return images


def _wanted(checkpoint: Checkpoint) -> tuple[str, InputFacts]:
    """Name of a checkpoint, and how its images are prepared.

    Raises:
        NetworkError: it is not known, or does not say.
    """
    if isinstance(checkpoint, InputFacts):
        return "the checkpoint", checkpoint
    config = getattr(checkpoint, "pretrained_cfg", None)
    if config is not None:
        from headstart.networks.libraries.timm_networks import input_of

        return f"timm:{config['architecture']}", input_of(dict(config))
    try:
        network: LibraryNetwork = TypeAdapter(Pretrained).validate_python(checkpoint)
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise NetworkError(f"checkpoint: {what}") from None
    wanted = _keras_input(network) if network.kind in _KERAS else input_facts_of(network)
    if wanted is None:
        raise NetworkError(
            f"{network} does not say how its images are prepared. Give that as "
            "headstart.InputFacts(size=(224, 224), mean=(...), deviation=(...))."
        )
    return str(network), wanted


def _channel_axis(shape: tuple[int, ...], channels: int) -> int | None:
    """The axis of the channels: the last, or the first behind that of the images."""
    axes = [axis for axis in (len(shape) - 1, len(shape) - 3) if shape[axis] == channels]
    return axes[0] if axes else None


def _keras_input(network: LibraryNetwork) -> InputFacts | None:
    """What a Keras model is fed itself: before its own scaling layers."""
    from headstart.networks.keras.architecture import read

    return read(network.name).fed
