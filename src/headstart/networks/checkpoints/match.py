"""Tensors of a weight file matched with those of a network: by names, or by a known order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.account import AdaptedStem, LoadAccount, Matched, OtherShape
from headstart.networks.checkpoints.catalogue import known_file, without_tag
from headstart.networks.checkpoints.errors import fault, listed
from headstart.networks.checkpoints.prefix import find_prefix, without_prefix
from headstart.networks.checkpoints.read import State
from headstart.networks.checkpoints.stem import adaptable, stem_of
from headstart.study.network_facts import Shape

LEAST_SHARE = 0.5  # of the trunk's numbers
COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """Names of the file by names of the network, and how they were found."""

    names: Mapping[str, str]
    prefix: str = ""
    matched: Matched = "names"


def match(
    state: State,
    wanted: Mapping[str, Shape],
    head: Collection[str],
    *,
    network: str = "",
    prefix: str | None = None,
    allow_partial: bool = False,
) -> LoadAccount:
    """Which tensors of a network come from which of a file; `take_trunk` then takes them.

    A file that is known to fit `network` by order is matched by order, any other by names.

    Args:
        state: the file that was read.
        wanted: shapes of all tensors of the network, in the order of its state_dict.
        head: names of those of the head, which need not be in the file.
        network: such as `timm:tf_efficientnet_lite0`; needed for a match by order.
        prefix: removed from the file's names; None for the one that lets most names match.
        allow_partial: whether less than half of the trunk's numbers is enough.

    Raises:
        CheckpointError: less than half of the trunk, or nothing, comes from the file.
    """
    known = known_file(state.sha256)
    if known is not None and without_tag(network) in known.by_order:
        pairs = _by_order(state, wanted, head, network)
    else:
        pairs = _by_names(state, wanted, prefix)
    account = _account(state, wanted, head, pairs)
    if not account.trunk or (account.share < LEAST_SHARE and not allow_partial):
        raise _too_little(state, account, network)
    return account


def _by_names(state: State, wanted: Mapping[str, Shape], prefix: str | None) -> _Pairs:
    if prefix is None:
        given = {name: array.shape for name, array in state.tensors.items()}
        prefix = find_prefix(state.path, given, wanted)
    plain = without_prefix(state.tensors, prefix)
    names = {name: plain[name] for name in wanted if name in plain}
    return _Pairs(names=names, prefix=prefix)


def _by_order(
    state: State, wanted: Mapping[str, Shape], head: Collection[str], network: str
) -> _Pairs:
    """Pairs by order. The file's bytes are known; the network may be another version's."""
    if len(state.tensors) != len(wanted):
        why = f"it holds {len(state.tensors)} tensors, the network {len(wanted)}"
        raise _order_differs(state, network, why)
    stem = stem_of(wanted, head)
    for (name, shape), (given, array) in zip(wanted.items(), state.tensors.items(), strict=True):
        same = array.shape[1:] == shape[1:] if name in head else array.shape == shape
        if not same and not (name == stem and adaptable(array.shape, shape)):
            other = OtherShape(name=name, given=array.shape, wanted=shape)
            raise _order_differs(
                state, network, f"its {given} stands where the network has {other}"
            )
    return _Pairs(names=dict(zip(wanted, state.tensors, strict=True)), matched="order")


def _account(
    state: State, wanted: Mapping[str, Shape], head: Collection[str], pairs: _Pairs
) -> LoadAccount:
    trunk = {name: shape for name, shape in wanted.items() if name not in head}
    shapes = {name: state.tensors[given].shape for name, given in pairs.names.items()}
    adapted = _adapted_stem(stem_of(wanted, head), shapes, trunk)
    taken = [
        name
        for name, shape in trunk.items()
        if shapes.get(name) == shape or (adapted is not None and name == adapted.name)
    ]
    counted = {name: prod(shape) for name, shape in trunk.items() if not name.endswith(COUNTER)}
    loaded = [counted[name] for name in taken if name in counted]
    in_head = [name for name in wanted if name in head and name in shapes]
    return LoadAccount(
        file=state.path.name,
        sha256=state.sha256,
        container=state.container,
        prefix=pairs.prefix,
        matched=pairs.matched,
        trunk=tuple((name, pairs.names[name]) for name in taken),
        head=tuple((name, pairs.names[name]) for name in in_head),
        num_tensors=len(counted),
        num_loaded_tensors=len(loaded),
        num_values=sum(counted.values()),
        num_loaded_values=sum(loaded),
        missing=tuple(name for name in counted if name not in shapes),
        unexpected=_unexpected(state, pairs),
        other_shape=_other_shapes(shapes, {n: trunk[n] for n in counted if n not in set(taken)}),
        adapted=adapted,
        head_outputs=_outputs([shapes[name] for name in in_head]),
        notes=state.notes,
    )


def _adapted_stem(
    stem: str | None, given: Mapping[str, Shape], wanted: Mapping[str, Shape]
) -> AdaptedStem | None:
    if stem is None or stem not in given or not adaptable(given[stem], wanted[stem]):
        return None
    return AdaptedStem(name=stem, given=given[stem], wanted=wanted[stem])


def _unexpected(state: State, pairs: _Pairs) -> tuple[str, ...]:
    used = set(pairs.names.values())
    return tuple(n for n in state.tensors if n not in used and not n.endswith(COUNTER))


def _other_shapes(
    given: Mapping[str, Shape], not_taken: Mapping[str, Shape]
) -> tuple[OtherShape, ...]:
    return tuple(
        OtherShape(name=name, given=given[name], wanted=shape)
        for name, shape in not_taken.items()
        if name in given
    )


def _outputs(head: list[Shape]) -> int | None:
    """Outputs of a head: the first axis of its last weight matrix, else of its bias."""
    matrices = [shape for shape in head if len(shape) > 1] or [shape for shape in head if shape]
    return matrices[-1][0] if matrices else None


def _too_little(state: State, account: LoadAccount, network: str) -> CheckpointError:
    found = (
        f"it fits {account.num_loaded_tensors} of the {account.num_tensors} tensors of the trunk "
        f"({account.share:.1%} of its numbers; {LEAST_SHARE:.0%} is the least)."
    )
    sides = {
        "The network wants": account.missing,
        "The file holds": account.unexpected,
        "Of another shape": tuple(map(str, account.other_shape)),
    }
    lines = [f"{side}: {listed(names)}." for side, names in sides.items() if names]
    known = known_file(state.sha256)
    if known is not None:
        given = f"; given: {network}" if network else ""
        lines.append(f"The file is known: {known.what}, for {listed(known.networks)}{given}.")
    return fault(
        state.path,
        found,
        "\n     ".join(lines),
        "Give the network that the file was made for"
        + (", or say allow_partial to start the rest fresh." if account.trunk else "."),
    )


def _order_differs(state: State, network: str, why: str) -> CheckpointError:
    return fault(
        state.path,
        f"its tensors do not fit {network} in order: {why}.",
        fix="Its library has changed the network: use timm 1.0.31, or a file that gives its names.",
    )
