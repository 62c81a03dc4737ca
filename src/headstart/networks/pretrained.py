"""Pretrained weights of a library's network, under the names of its module."""

from dataclasses import replace
from pathlib import Path

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.account import LoadAccount
from headstart.networks.checkpoints.file_hash import file_hash as file_hash
from headstart.networks.checkpoints.find import SEARCHED, require_checkpoint
from headstart.networks.checkpoints.match import match
from headstart.networks.checkpoints.read import State
from headstart.networks.checkpoints.take import take_trunk
from headstart.networks.libraries.adapter import adapter_for
from headstart.networks.weights import Weights
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import NetworkFacts, Shape


def checkpoint_file(network: LibraryNetwork, given: Path | None) -> Path:
    """The file with the pretrained weights of a network.

    That given, the network's own where it is a file, or what the library's or a package's cache
    holds.

    Raises:
        CheckpointError: there is none; every place looked at is named.
    """
    if given is not None:
        file = given.expanduser().absolute()
        if not file.is_file():
            raise CheckpointError(f"there is no file {file}. Expected one with pretrained weights.")
        return file
    own = adapter_for(network.kind).weights_file(network.name)
    if own is not None:
        return own
    if network.kind not in SEARCHED:
        raise CheckpointError(
            f"{network} names no pretrained weights. Give the file with them: "
            'weights = "FILE" in the source.'
        )
    return require_checkpoint(str(network))


def load_trunk(
    network: LibraryNetwork,
    file: Path,
    image: Shape,
    weights: Weights,
    facts: NetworkFacts,
    *,
    allow_partial: bool = False,
) -> tuple[Weights, LoadAccount]:
    """The trunk's tensors that a file of weights holds, and an account of what it did not.

    Args:
        network: whose weights they are.
        file: where they lie.
        image: (height, width, channels) of the network.
        weights: any weights of the network, for names and shapes.
        facts: say which tensors are the head's.
        allow_partial: whether less than half of the trunk is enough.

    Raises:
        CheckpointError: the file cannot be read or does not fit the network.
    """
    state = adapter_for(network.kind).state(file)
    head = facts.blocks[-1].tensors
    shapes = {name: array.shape for name, array in weights.items()}
    try:
        account = match(state, shapes, head, network=str(network), allow_partial=True)
        whole, prefix = account.complete, account.prefix
    except CheckpointError:  # not one name is known
        whole, prefix = False, ""
    if not whole:
        state = _translated(state, prefix, network, image)
        account = match(state, shapes, head, network=str(network), allow_partial=allow_partial)
    return take_trunk(state, account), account


def _translated(state: State, prefix: str, network: LibraryNetwork, image: Shape) -> State:
    """The state with what the library itself changes of names and shapes when it loads a file."""
    given = {name.removeprefix(prefix): array for name, array in state.tensors.items()}
    found = adapter_for(network.kind).translated(network.name, image, given)
    shapes = {name: array.shape for name, array in given.items()}
    changed = [name for name, array in found.items() if array.shape != shapes.get(name)]
    if not changed:
        return state
    note = f"{network.kind} renamed or resized: {', '.join(changed[:3])}"
    return replace(state, tensors=found, notes=(*state.notes, note))
