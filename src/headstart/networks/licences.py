"""Licence of a file of pretrained weights, as far as it is known."""

from headstart.networks.checkpoints.catalogue import known_file
from headstart.networks.libraries.adapter import adapter_for
from headstart.study.network import LibraryNetwork


def checkpoint_licence(network: LibraryNetwork, content: str, *, own_file: bool) -> str:
    """The licence; empty where it is not known.

    Args:
        network: whose weights they are.
        content: SHA-256 of the file.
        own_file: whether the study names the file, so that the library has no say in it.

    Raises:
        NetworkError: the library is not installed.
    """
    known = known_file(content)
    if known is not None and known.licence:
        return known.licence
    return "" if own_file else adapter_for(network.kind).licence(network.name)
