"""Check that two models begin with equal weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from headstart.analyse.text import plural
from headstart.checks.pairing import are_equal, not_finite, paired
from headstart.checks.result import ClausedResult, name_clauses
from headstart.checks.tensors import Weighted, tensors_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SameStart(ClausedResult):
    """Which tensors of two models are equal.

    Attributes:
        equal: names of those that are, as the first model has them.
        differs: names of those with other numbers or another shape.
        only_first: names of the first model's tensors that the second does not have.
        only_second: the other way round.
        not_finite: tensors of the first model that hold NaN or infinity.
    """

    equal: tuple[str, ...]
    differs: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    not_finite: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether both models have the same tensors with the same numbers."""
        return not (self.differs or self.only_first or self.only_second)

    def _clauses(self) -> Iterator[str]:
        if self.ok:
            yield f"Both models start alike: {plural(len(self.equal), 'tensor')} equal"
        else:
            num = len(self.equal) + len(self.differs)
            yield f"The models start differently: {len(self.equal)} of {num} tensors are equal"
        yield from name_clauses(
            ("not equal", self.differs),
            ("in the first only", self.only_first),
            ("in the second only", self.only_second),
            ("not finite", self.not_finite),
        )


def same_start(first: Weighted, second: Weighted) -> SameStart:
    """Whether two models begin with equal weights and buffers, paired by name.

    Args:
        first: a torch module, a Keras model, a state dict, a snapshot or a file of weights.
        second: the same.

    Raises:
        NetworkError: one of them has no tensors.
        CheckpointError: a file cannot be read.
    """
    ours, theirs = tensors_of(first, beside=second), tensors_of(second, beside=first)
    found = paired(ours, theirs)
    equal = {one.name: are_equal(one, other) for one, other in found.pairs}
    return SameStart(
        equal=tuple(name for name, is_equal in equal.items() if is_equal),
        differs=tuple(name for name, is_equal in equal.items() if not is_equal),
        only_first=tuple(tensor.name for tensor in found.only_one),
        only_second=tuple(tensor.name for tensor in found.only_other),
        not_finite=not_finite(ours.tensors),
    )
