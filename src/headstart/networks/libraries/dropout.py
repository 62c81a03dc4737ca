"""Dropout of a library's network, and its dropped paths, at a rate of zero."""

from torch import nn

_RATES = {"DropPath": "drop_prob", "StochasticDepth": "p", "DropBlock2d": "drop_prob"}
"""Types of timm, torchvision and transformers that draw, by name, with the name of their rate."""


def without_dropout(module: nn.Module) -> None:
    """Rates of zero, so that arms differ in what a study says alone."""
    for part in module.modules():
        if isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = 0.0
        elif isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0
        for owner in type(part).__mro__:
            if owner.__name__.endswith(tuple(_RATES)):
                rate = next(rate for name, rate in _RATES.items() if owner.__name__.endswith(name))
                setattr(part, rate, 0.0)
