"""Tensors taken from a weight file under a network's names, as an account lists them."""

from headstart.networks.checkpoints.account import LoadAccount
from headstart.networks.checkpoints.read import State
from headstart.networks.checkpoints.stem import adapt
from headstart.networks.weights import Weights


def take_trunk(state: State, account: LoadAccount) -> Weights:
    """The trunk's tensors; those that the file lacks are not among them."""
    weights = {name: state.tensors[given] for name, given in account.trunk}
    adapted = account.adapted
    if adapted is not None:
        weights[adapted.name] = adapt(weights[adapted.name], adapted.wanted[1])
    return weights


def take_head(state: State, account: LoadAccount) -> Weights:
    """The tensors of the file's own head, in the file's size."""
    return {name: state.tensors[given] for name, given in account.head}
