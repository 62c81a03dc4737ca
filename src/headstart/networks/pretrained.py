"""Pretrained weights of a library's network, under the names of its module."""

from pathlib import Path

from headstart.networks.checkpoints.account import LoadAccount
from headstart.networks.checkpoints.match import match
from headstart.networks.checkpoints.read import read_state
from headstart.networks.checkpoints.take import take_trunk
from headstart.networks.staged import Weights
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import NetworkFacts


def load_trunk(
    network: LibraryNetwork,
    file: Path,
    weights: Weights,
    facts: NetworkFacts,
    *,
    allow_partial: bool = False,
) -> tuple[Weights, LoadAccount]:
    """The trunk's tensors that a file of weights holds, and an account of what it did not.

    Args:
        network: whose weights they are.
        file: where they lie.
        weights: any weights of the network, for names and shapes.
        facts: say which tensors are the head's.
        allow_partial: whether less than half of the trunk is enough.

    Raises:
        CheckpointError: the file cannot be read or does not fit the network.
    """
    state = read_state(file)
    head = facts.blocks[-1].tensors
    shapes = {name: array.shape for name, array in weights.items()}
    account = match(state, shapes, head, network=str(network), allow_partial=allow_partial)
    return take_trunk(state, account), account
