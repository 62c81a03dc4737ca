"""Resuming at each cut, tried on numbers: a cut at which the whole is not the same is not used."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.libraries.blocks import Course
from headstart.networks.libraries.build import library_module
from headstart.networks.libraries.module import LibraryModule
from headstart.networks.stage_map import StageMap

TOLERANCE = 1e-5  # of the largest logit; the same operations on the same numbers
NUDGE = 0.02  # added to weights: what starts at zero (a branch's last scale) would hide a fault


def verified(stages: StageMap, course: Course, module: nn.Module) -> StageMap:
    """The map with what two images show: cuts that resume, and blocks that overwrite their input.

    Args:
        stages: what shapes show.
        course: the recordings that show them.
        module: the network, on the processor; left as it is.
    """
    tried = library_module(_nudged(module), stages, course).eval()
    channels, height, width = (stages.facts.blocks[0].shape_in[at] for at in (2, 0, 1))
    images = torch.randn(2, channels, height, width)
    with torch.no_grad():
        whole = tried(images)
        found = [_resumed(tried, images, whole, at) for at in range(1, len(stages.facts.blocks))]
    resumes, overwrites = [ok for ok, _ in found], [wrote for _, wrote in found]
    blocks = tuple(
        replace(block, resumes=block.resumes and ok)
        for block, ok in zip(stages.facts.blocks, [*resumes, True], strict=True)
    )
    linear = blocks[-2].resumes and _is_linear(tried)
    head = stages.facts.linear_head if linear else None
    return replace(
        stages,
        facts=replace(stages.facts, blocks=blocks, linear_head=head),
        overwrites=(False, *overwrites),
    )


def _nudged(module: nn.Module) -> nn.Module:
    """A copy whose weights are all a little off those that the library begins with."""
    copied = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=NUDGE)
    return copied


def _is_linear(tried: LibraryModule) -> bool:
    """Whether the head gives weights times inputs plus bias; classes of it may do otherwise."""
    head = tried.network.get_submodule(tried.stages.heads[0])
    if not isinstance(head, nn.Linear):
        return False
    inputs = torch.randn(2, head.in_features)
    with torch.no_grad():
        found, plain = head(inputs), functional.linear(inputs, head.weight, head.bias)
    return torch.allclose(found, plain, atol=1e-6)


def _resumed(tried: LibraryModule, images: Tensor, whole: Tensor, first: int) -> tuple[bool, bool]:
    """Whether the network resumed at a cut gives the same, and whether it overwrote its input."""
    if not tried.facts.blocks[first - 1].resumes:
        return False, False
    last = len(tried.facts.blocks)
    try:
        features = tried.run(images, 0, first)
        before = features.clone()
        logits = tried.run(features, first, last)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, AssertionError):
        return False, False
    wrote = not torch.equal(features, before)
    scale = float(whole.abs().max())
    return bool((logits - whole).abs().max() <= TOLERANCE * scale), wrote
