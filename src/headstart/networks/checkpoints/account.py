"""Record of what was loaded into a network from a file of pretrained weights."""

from dataclasses import dataclass
from typing import Literal

from headstart.study.network_facts import Shape

Matched = Literal["names", "order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherShape:
    """A tensor that the file holds in another shape than the network."""

    name: str
    given: Shape
    wanted: Shape

    def __str__(self) -> str:
        return f"{self.name} ({_text(self.given)} in the file, {_text(self.wanted)} wanted)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptedStem:
    """A first convolution whose weights were changed to fit the number of input channels.

    Three channels are summed for one; one is repeated for three and divided by 3. Either way a grey
    image gives what it gave before.
    """

    name: str
    given: Shape
    wanted: Shape

    def __str__(self) -> str:
        how = "summed" if self.wanted[1] == 1 else "repeated and divided by 3"
        channels = f"{self.given[1]} -> {self.wanted[1]} input channels"
        return f"{self.name} adapted ({channels}: {how})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAccount:
    """What a network took from a file, and what it did not.

    Counters of batches (`num_batches_tracked`) are taken where they are there, and are neither
    counted nor listed: they are not weights.

    Attributes:
        file: name of the file.
        sha256: of the file's bytes.
        container: nested dictionaries that the weights lay in; empty for none.
        prefix: removed from the file's names.
        matched: whether tensors were matched by their names or by their order.
        trunk: (name in the network, name in the file) of each tensor taken for the trunk.
        head: the same for the head, whatever its size.
        num_tensors: of the trunk in the network.
        num_loaded_tensors: of the trunk taken from the file.
        num_values: numbers in the tensors of the trunk.
        num_loaded_values: those taken from the file.
        missing: tensors of the trunk that the file does not hold.
        unexpected: tensors of the file that the network does not hold.
        other_shape: tensors of the trunk not taken because of their shape.
        adapted: the first convolution, if it was changed.
        head_outputs: of the file's head; None where the file does not hold it.
        notes: what was converted or left out when the file was read.
    """

    file: str
    sha256: str
    container: str
    prefix: str
    matched: Matched
    trunk: tuple[tuple[str, str], ...]
    head: tuple[tuple[str, str], ...]
    num_tensors: int
    num_loaded_tensors: int
    num_values: int
    num_loaded_values: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    other_shape: tuple[OtherShape, ...] = ()
    adapted: AdaptedStem | None = None
    head_outputs: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the trunk's numbers that were loaded."""
        return self.num_loaded_values / self.num_values if self.num_values else 0.0

    @property
    def complete(self) -> bool:
        """Whether every tensor of the trunk was loaded."""
        return self.num_loaded_tensors == self.num_tensors

    def __str__(self) -> str:
        """One line for the plan and the report."""
        parts = [self._loaded()]
        if self.prefix:
            parts.append(f"prefix '{self.prefix}' removed")
        if self.adapted:
            parts.append(str(self.adapted))
        outputs = self.head_outputs
        parts.append(
            "no head in the file" if outputs is None else f"its head has {outputs} outputs"
        )
        return f"{self.file}: {'; '.join((*parts, *self.notes))}."

    def _loaded(self) -> str:
        how = f"matched by {self.matched}"
        if self.complete:
            return f"all {self.num_tensors} tensors of the trunk loaded, {how}"
        some = f"{self.num_loaded_tensors} of {self.num_tensors} tensors of the trunk loaded"
        return f"{some} ({self.share:.1%} of its numbers), {how}; the rest starts fresh"


def _text(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "one number"
