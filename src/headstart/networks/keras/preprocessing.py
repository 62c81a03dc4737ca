"""What a network does to its images before its first layer: preprocessing, not part of the network.

It is taken out of the graph and stated as the input that the network prefers, so that headstart
prepares the images once, and the same way for every arm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from headstart.networks.keras.affine import Affine, affine_of
from headstart.networks.keras.graph import Call, Graph
from headstart.study.network_facts import InputFacts

_AUGMENTATION = ("RandAugment", "AugMix", "CutMix", "MixUp", "AutoContrast", "Solarization")
_INTERPOLATIONS = ("bilinear", "bicubic", "nearest", "lanczos3")
_FROM_UNIT = "its scaling layers expect images on a scale of 0 to 1, by their numbers"
_ANY_SIZE = 224
"""Side in pixels for networks that take images of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A graph without its preprocessing.

    Attributes:
        graph: what is left, from prepared images on.
        input: how the images are to be prepared; None where the file does not say.
        white: the value of a white pixel before the layers that were taken out.
        notes: sentences on what was taken out.
    """

    graph: Graph
    input: InputFacts | None
    white: float
    notes: tuple[str, ...]


def prepared(graph: Graph, stored: Mapping[str, np.ndarray]) -> Prepared:
    """A graph without augmentation anywhere and without preprocessing at its input."""
    augmentation = [call for call in graph.calls if _is_augmentation(call)]
    notes = [f"{call.layer} dropped: augmentation is the study's" for call in augmentation]
    graph = graph.without(augmentation)
    whole, resizing, taken = Affine(), None, []
    value = graph.source
    while graph.users(value) == 1:
        call = next((call for call in graph.calls if value in call.values), None)
        step = affine_of(call, stored) if call else None
        if call is None or (step is None and call.layer.kind != "Resizing"):
            break
        if step is None:
            resizing = call
        else:
            whole = whole.then(step)
        taken.append(call)
        value = call.gives
    graph = graph.without(taken)
    if resizing is not None:
        sides = resizing.layer.config["height"], resizing.layer.config["width"]
        graph = replace(graph, image=(*sides, *graph.image[2:]))
    white = _white(whole)
    facts, more = _input(graph, whole, resizing, white)
    names = ", ".join(str(call.layer) for call in taken)
    notes += [f"{names}: preprocessing, not run in the network"] if taken else []
    return Prepared(graph=graph, input=facts, white=white, notes=(*notes, *more))


def _is_augmentation(call: Call) -> bool:
    kind = call.layer.kind
    if kind == "RandomCrop":
        raise call.layer.refuse("also cuts the images that are not augmented")
    return kind.startswith("Random") or kind in _AUGMENTATION


def _input(
    graph: Graph, whole: Affine, resizing: Call | None, white: float
) -> tuple[InputFacts | None, list[str]]:
    if whole.is_identity:
        return None, [
            "no scaling layer at its input: how its images were scaled is not in the file"
        ]
    sides = graph.image[:2]
    interpolation = resizing.layer.config["interpolation"] if resizing else "bilinear"
    if resizing and interpolation not in _INTERPOLATIONS:
        raise resizing.layer.refuse(f"resizes by {interpolation}")
    if len(sides) < 2:
        return None, [f"takes rows of {sides[0]} numbers, not images"]
    notes = [_FROM_UNIT] if white == 1 else []
    channels = (graph.image[2] if len(graph.image) > 2 else 1) or 3
    wide = np.ones(channels)
    if None in sides:
        notes.append(f"takes images of any size: {_ANY_SIZE} x {_ANY_SIZE} unless the study says")
    facts = InputFacts(
        size=(sides[0] or _ANY_SIZE, sides[1] or _ANY_SIZE),
        interpolation=interpolation.removesuffix("3"),
        mean=tuple(float(x) for x in wide * -np.asarray(whole.shift) / whole.scale / white),
        deviation=tuple(float(x) for x in wide / np.asarray(whole.scale) / white),
        channels=channels,
    )
    return facts, notes


def _white(whole: Affine) -> float:
    """The value of a white pixel: 255, unless the layers only make sense for a scale of 0 to 1."""
    mean, deviation = -np.asarray(whole.shift) / whole.scale, 1 / np.abs(whole.scale)
    from_unit = np.all((mean > 0) & (mean <= 1)) and np.all(deviation <= 1)
    return 1.0 if from_unit else 255.0
