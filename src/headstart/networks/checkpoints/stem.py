"""First convolution of a network, fitted to another number of input channels (1 or 3)."""

from collections.abc import Collection, Mapping

import numpy as np

from headstart.study.network_facts import Shape


def stem_of(wanted: Mapping[str, Shape], head: Collection[str]) -> str | None:
    """The weights of a network's first convolution: the first of its tensors with 4 axes."""
    return next((n for n, shape in wanted.items() if len(shape) == 4 and n not in head), None)


def adaptable(given: Shape, wanted: Shape) -> bool:
    """Whether two convolutions differ in their input channels only, 3 for 1 or 1 for 3."""
    return (
        len(given) == len(wanted) == 4
        and {given[1], wanted[1]} == {1, 3}
        and (given[0], *given[2:]) == (wanted[0], *wanted[2:])
    )


def adapt(weight: np.ndarray, channels: int) -> np.ndarray:
    """Weights (out, in, height, width) for 1 or 3 input channels; grey images give the same."""
    if channels == 1:
        return np.add.reduce(weight, axis=1, keepdims=True)
    return np.repeat(weight / np.float32(channels), channels, axis=1)
