"""The graph of a network: layers, and their calls in the order in which they run.

Nested models are written out in place, so that calls are all of plain layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headstart.core.errors import NetworkError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as the file describes it.

    Attributes:
        path: names of the models it lies in from the outside in, then its own name.
        kind: Keras' class name.
        config: its settings.
        store: its group in the weights of a `.keras` file.
        keras: major version of the Keras that wrote it.
        where: the file, for messages.
    """

    path: tuple[str, ...]
    kind: str
    config: Mapping[str, Any]
    store: str
    keras: int
    where: str

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]

    def setting(self, *names: str, default: Any = None) -> Any:
        """A setting by the first of several names that the layer has: Keras renamed some."""
        return next((self.config[n] for n in names if self.config.get(n) is not None), default)

    @property
    def leaky_slope(self) -> float:
        """Slope of a LeakyReLU below zero; 0.3 where the file is silent, as in Keras."""
        return float(self.setting("negative_slope", "alpha", default=0.3))

    def __str__(self) -> str:
        return f"{self.kind} '{'/'.join(self.path)}'"

    def refuse(self, reason: str) -> NetworkError:
        """The error of a layer that cannot be translated."""
        return NetworkError(
            f"{self.where}: layer {self} {reason}. headstart reads the layers in docs/keras.md. "
            "To run the file by Keras itself on PyTorch: pip install 'headstart[keras]' keras, "
            f"and name it keras-on-torch:{self.where}"
        )

    def runs_code(self) -> NetworkError:
        """The error of a layer that is Python code."""
        return NetworkError(
            f"{self.where}: layer {self} is Python code in the file, which is never run (Keras "
            "refuses it too in its safe mode). Put a layer of Keras in its place, Rescaling for "
            "example, and save the model again."
        )


@dataclass(frozen=True, slots=True)
class Value:
    """The number of something that is computed."""

    number: int


Operand = Value | float | tuple[float, ...]
"""What a layer is called with: something computed, or a constant (one number, or one a channel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One use of a layer. `training` is the mode that the file fixes for the call, if any."""

    layer: Layer
    operands: tuple[Operand, ...]
    gives: Value
    training: bool | None = None

    @property
    def values(self) -> tuple[Value, ...]:
        """Operands that are computed."""
        return tuple(operand for operand in self.operands if isinstance(operand, Value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Calls in order, from the images to one output.

    `image` is the shape of its input without the batch, as Keras counts: (height, width, channels).
    `where` is the file, for messages.
    """

    image: tuple[int | None, ...]
    source: Value
    calls: tuple[Call, ...]
    output: Value
    where: str

    @property
    def sizes(self) -> str:
        """Shape of its images in words."""
        return " x ".join("any" if size is None else str(size) for size in self.image)

    def users(self, value: Value) -> int:
        """How many calls need a value; the output counts as one more."""
        return sum(call.values.count(value) for call in self.calls) + (value == self.output)

    def giver(self, value: Value) -> Call | None:
        """The call that gives a value; None for the images."""
        return next((call for call in self.calls if call.gives == value), None)

    def without(self, dropped: Sequence[Call]) -> "Graph":
        """The graph where what a dropped call is given passes by it unchanged."""
        gone = {call.gives: call.values[0] for call in dropped}

        def origin(operand: Operand) -> Operand:
            while isinstance(operand, Value) and operand in gone:
                operand = gone[operand]
            return operand

        calls = tuple(
            replace(call, operands=tuple(origin(operand) for operand in call.operands))
            for call in self.calls
            if call.gives not in gone
        )
        output = origin(self.output)
        assert isinstance(output, Value)
        return replace(self, calls=calls, output=output)

    def pruned(self) -> "Graph":
        """The graph without calls that the output does not need."""
        needed, kept = {self.output}, []
        for call in reversed(self.calls):
            if call.gives in needed:
                needed.update(call.values)
                kept.append(call)
        return replace(self, calls=tuple(reversed(kept)))
