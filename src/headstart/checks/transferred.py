"""Check that a model holds the weights of its source, tensor by tensor."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from headstart.checks.chosen import Chosen, chosen
from headstart.checks.pairing import (
    Pair,
    Paired,
    are_equal,
    is_constant,
    not_finite,
    paired,
    paired_by_numbers,
)
from headstart.checks.result import ClausedResult, name_clauses
from headstart.checks.tensors import Snapshot, Tensor, Weighted, tensors_of
from headstart.core.names import few

State = Literal["equal", "constant", "differs", "other shape"]
_EQUAL = ("equal", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred(ClausedResult):
    """Which tensors of a model are those of its source; all are named as in the model.

    Attributes:
        source: what the model was compared with.
        equal: of the trunk, with the numbers of a tensor of the source.
        renamed: (name, name in the source) of those that the source has under another name.
        constant: of the trunk, equal but of a single value, as fresh biases are: no proof.
        differs: of the trunk, with other numbers than the source's tensor of that name.
        other_shape: of the trunk, in another shape than it.
        missing: of the trunk, with no partner in the source.
        unused: names of the source's tensors that have no partner in the model.
        fresh: what need not be the source's: the head.
        fresh_equal: of the head, and equal to the source's all the same.
        not_finite: tensors of the model that hold NaN or infinity.
    """

    source: str
    equal: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    constant: tuple[str, ...]
    differs: tuple[str, ...]
    other_shape: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    fresh: tuple[str, ...]
    fresh_equal: tuple[str, ...]
    not_finite: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the whole trunk is the source's, and not its constants alone."""
        return bool(self.equal) and len(self.equal) == self.num_telling

    @property
    def num_telling(self) -> int:
        """Number of tensors of the trunk that can show a transfer: all but the constants."""
        return sum(map(len, (self.equal, self.differs, self.other_shape, self.missing)))

    @property
    def share(self) -> float:
        """Share of these that are the source's."""
        return len(self.equal) / self.num_telling if self.num_telling else 0.0

    def _clauses(self) -> Iterator[str]:
        num = f"{len(self.equal)} of {self.num_telling} tensors"
        if not self.num_telling:
            yield "No tensor of the trunk can show a transfer"
        elif not self.equal:
            yield f"Nothing was transferred: {num} of the trunk are the source's ({self.source})"
        else:
            part = "" if self.ok else "only in part "
            yield f"The trunk is {part}the source's ({self.source}): {num}"
        if self.constant:
            more = " more" if self.num_telling else ""
            are = "is" if len(self.constant) == 1 else "are"
            yield f"{len(self.constant)}{more} {are} of a single value, equal in fresh networks too"
        if self.renamed:
            yield f"under other names: {few([f'{name} ({its})' for name, its in self.renamed])}"
        yield from name_clauses(
            ("with other numbers", self.differs),
            ("in another shape", self.other_shape),
            ("without a partner", self.missing),
            ("not finite", self.not_finite),
        )
        if self.fresh_equal:
            yield f"the head is the source's too: {few(self.fresh_equal)}"
        elif self.fresh:
            yield f"the head is new: {few(self.fresh)}"


def transferred(
    model: Weighted, source: Weighted, fresh: Chosen | Iterable[Chosen] | None = None
) -> Transferred:
    """Which tensors of a model are those of its source, by name, shape and numbers.

    Call it before the first update. A tensor of a single value counts for nothing: the biases and
    normalisations of any two fresh networks are equal.

    Args:
        model: a torch module, a Keras model, a state dict or a snapshot.
        source: the same, or the path of a .pt, .safetensors, .keras or .h5 file.
        fresh: what is new in the model and need not be the source's: names of tensors, modules or
            layers, or these themselves; left out, the last module or layer that has weights.

    Raises:
        NetworkError: one of both has no tensors, or a name is not known.
        CheckpointError: the file cannot be read.
    """
    ours, theirs = tensors_of(model), tensors_of(source, beside=model)
    head = _head(ours) if fresh is None else chosen(ours, fresh, "fresh")
    in_head = {tensor.name for tensor in head}
    found = paired(ours, theirs)
    states = {one.name: _state(one, other) for one, other in found.pairs}
    renamed = _renamed(ours, theirs, found, states)
    states |= {one.name: _state(one, other) for one, other in renamed}
    used = {id(its) for _, its in renamed}

    def trunk(state: State | None) -> tuple[str, ...]:
        names = (tensor.name for tensor in ours.tensors if tensor.name not in in_head)
        return tuple(name for name in names if states.get(name) == state)

    return Transferred(
        source=theirs.of,
        equal=trunk("equal"),
        renamed=tuple((one.name, its.name) for one, its in renamed if one.name not in in_head),
        constant=trunk("constant"),
        differs=trunk("differs"),
        other_shape=trunk("other shape"),
        missing=trunk(None),
        unused=tuple(its.name for its in found.only_other if id(its) not in used),
        fresh=tuple(tensor.name for tensor in head),
        fresh_equal=tuple(tensor.name for tensor in head if states.get(tensor.name) == "equal"),
        not_finite=not_finite(ours.tensors),
    )


def _renamed(
    ours: Snapshot, theirs: Snapshot, found: Paired, states: Mapping[str, State]
) -> list[Pair]:
    """Tensors without an equal partner of their name that the source has under another name.

    Those of a single value, of which many are alike, are looked for among what has no partner.
    """
    others = [tensor for tensor in ours.tensors if states.get(tensor.name) not in _EQUAL]
    telling = paired_by_numbers([one for one in others if not is_constant(one)], theirs.tensors)
    used = {id(its) for _, its in telling}
    left = [its for its in found.only_other if id(its) not in used]
    return telling + paired_by_numbers([one for one in found.only_one if is_constant(one)], left)


def _state(one: Tensor, other: Tensor) -> State:
    if one.shape != other.shape:
        return "other shape"
    if not are_equal(one, other):
        return "differs"
    return "constant" if is_constant(one) else "equal"


def _head(of: Snapshot) -> tuple[Tensor, ...]:
    """Tensors of the last module or layer that has weights; none where all lie in it."""
    weights = [tensor for tensor in of.tensors if tensor.kind == "weight"]
    last = weights[-1].module if weights else ""
    head = tuple(tensor for tensor in of.tensors if tensor.module == last)
    return head if len(head) < len(of.tensors) else ()
