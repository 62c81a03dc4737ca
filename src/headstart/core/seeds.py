"""Separate random streams for separate purposes, all derived from one integer seed.

Two arms that share a seed share the stream of every purpose, whatever else they draw: the same
target subset, the same batch order, the same head initialisation.
"""

import hashlib

import numpy as np

from headstart.core.hashing import canonical_json


def stream(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, for instance `stream(3, "source", "order", 7)`."""
    text = canonical_json([seed, *purpose])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A numpy generator for one purpose. PCG64 is named so that numpy's default may change."""
    return np.random.Generator(np.random.PCG64(stream(seed, *purpose)))
