"""Translators by Keras' name of the layer."""

from collections.abc import Mapping

from headstart.core.errors import NetworkError
from headstart.networks.keras.graph import Layer
from headstart.networks.keras.layers import (
    activations,
    convolution,
    dropout,
    normalisation,
    pooling,
    shapes,
)
from headstart.networks.keras.layers.base import Shape, Translated, Translator

TRANSLATORS: Mapping[str, Translator] = {
    **convolution.TRANSLATORS,
    **normalisation.TRANSLATORS,
    **activations.TRANSLATORS,
    **pooling.TRANSLATORS,
    **shapes.TRANSLATORS,
    **dropout.TRANSLATORS,
}


def translate(layer: Layer, given: tuple[Shape, ...]) -> Translated:
    """The module of a layer for inputs of given shapes.

    Raises:
        NetworkError: a kind of layer, or a setting of it, that is not translated.
    """
    translator = TRANSLATORS.get(layer.kind)
    if layer.kind == "Lambda":
        raise layer.runs_code()
    if translator is None:
        raise layer.refuse("is of a kind that is not translated")
    try:
        return translator(layer, given)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        raise layer.refuse(f"has settings that are not understood ({error!r})") from error
