"""Library networks made ready for training: only what may be trained is a parameter."""

from types import MethodType
from typing import cast

import torch
from torch import Tensor, nn

from headstart.networks.declared.layers import Dropout
from headstart.networks.libraries.adapter import adapter_for
from headstart.study.network_facts import Shape


def built(kind: str, name: str, image: Shape, num_classes: int) -> nn.Module:
    """A library's network, with first weights drawn from torch's global generator.

    Raises:
        NetworkError: the library does not have it, or not for such images.
    """
    module = adapter_for(kind).build(name, image, num_classes)
    _fix_constants(module)
    _keep_no_biases(module)
    _replace_dropout(module)
    return module.train()


def _fix_constants(module: nn.Module) -> None:
    """Parameters that the library never trains become buffers of the same name."""
    for part in module.modules():
        fixed = [(k, p) for k, p in part._parameters.items() if p is not None]
        for key, parameter in fixed:
            if not parameter.requires_grad:
                del part._parameters[key]
                part.register_buffer(key, parameter.detach())


def _replace_dropout(module: nn.Module) -> None:
    """Dropout that draws from its own generator in place of PyTorch's."""
    for part in list(module.modules()):
        for key, child in list(part.named_children()):
            if type(child) is nn.Dropout and 0 < child.p < 1:
                setattr(part, key, Dropout(child.p).train(child.training))


def _keep_no_biases(module: nn.Module) -> None:
    """Attention of some of timm's networks reads its biases in eval mode once and for all.

    They would be those of before an update, and of a graph of gradients that is gone.
    """
    for part in module.modules():
        if all(hasattr(part, name) for name in ("get_attention_biases", "attention_bias_idxs")):
            vars(part)["get_attention_biases"] = MethodType(_biases, part)


def _biases(part: nn.Module, device: torch.device) -> Tensor:
    """Biases of attention, as they are now."""
    biases = cast(Tensor, part.attention_biases)
    return biases[:, cast(Tensor, part.attention_bias_idxs)]
