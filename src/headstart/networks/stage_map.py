"""Stage map of a library network: its facts and the modules at which it is cut."""

from dataclasses import dataclass

from headstart.study.network_facts import NetworkFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMap:
    """A network's facts and where to cut it. One block a stage; cut `i` ends block `i`.

    The last block of the trunk ends where the head is entered, so it has no cut module.

    Attributes:
        facts: blocks, linear head and input of the network.
        cuts: modules whose first output is what a block of the trunk gives, in order.
        heads: modules that give the logits, in the order in which they run.
        direct_head: whether the head, called by itself, gives the logits.
        overwrites: for each block, whether it writes into what it is given.
        seeded: whether random numbers are drawn from torch's global generator in train mode.
    """

    facts: NetworkFacts
    cuts: tuple[str, ...]
    heads: tuple[str, ...]
    direct_head: bool
    overwrites: tuple[bool, ...]
    seeded: bool
