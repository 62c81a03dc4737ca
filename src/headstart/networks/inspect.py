"""Inspection of a library network: its stages, found by running it once on the meta device.

1. Modules are noted in the order in which they run.
2. The trunk is cut where the library names its feature maps, else where the names of modules
   change, and neighbours are merged to at most six stages. The head is the library's classifier.
3. Every tensor belongs to the first stage whose output depends on it.
Whether the network can be resumed at a cut is then tried on numbers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.networks.declared.layers import Dropout
from headstart.networks.libraries.adapter import Adapter, adapter_for
from headstart.networks.libraries.blocks import Course, facts_of_blocks, logits_of
from headstart.networks.libraries.cuts import cuts_of, head_call, innermost, last_layer
from headstart.networks.libraries.prepare import built
from headstart.networks.libraries.recording import BATCH, Recording, recorded
from headstart.networks.libraries.resume import plan_for
from headstart.networks.libraries.verify import verified
from headstart.networks.reproducible import one_thread_an_operation, own_random_numbers
from headstart.networks.stage_map import StageMap
from headstart.study.base import HEAD
from headstart.study.network_facts import InputFacts, LinearHead, NetworkFacts, Shape


def inspect(kind: str, name: str, image: Shape, num_classes: int) -> NetworkFacts:
    """Facts of a library network for images (height, width, channels) and a number of classes.

    Raises:
        NetworkError: the library does not have it, or it cannot be cut into a trunk and a head.
    """
    return stage_map_of(kind, name, image, num_classes).facts


def stage_map_of(kind: str, name: str, image: Shape, num_classes: int) -> StageMap:
    """Facts of a library network with the modules at which it is cut."""
    adapter = adapter_for(kind)
    with own_random_numbers(), one_thread_an_operation():
        torch.manual_seed(0)
        module = built(kind, name, image, num_classes)
        needs = adapter.input_facts(name)
        found, course = shape_map(f"{kind}:{name}", adapter, module, needs, image, num_classes)
        return verified(found, course, module)


def shape_map(
    title: str,
    adapter: Adapter,
    module: nn.Module,
    needs: InputFacts | None,
    image: Shape,
    num_classes: int,
) -> tuple[StageMap, Course]:
    """The stage map by shapes alone, and the course: a cut with features for each image resumes.

    Args:
        title: kind and name, for errors.
        adapter: of the network's library.
        module: the network, on any device.
        needs: input of the network by the library's account.
        image: (height, width, channels) of the images.
        num_classes: outputs of the network.
    """
    size = (needs.channels if needs else image[2], *image[:2])
    recording = recorded(title, module, (BATCH, *size))
    heads = _heads(title, adapter, module, recording)
    _check_logits(title, recording, num_classes)
    names, cuts = _cuts(adapter, module, recording, heads)
    wider = recorded(title, module, (BATCH + 1, *size))
    course = Course(recording, wider, cuts, heads)
    train = recorded(title, module, (BATCH, *size), train=True)
    direct = _direct(recording, heads)
    resumes = [
        course.is_batch(at) and (plan_for(course, at) is not None or (direct and at == len(cuts)))
        for at in range(course.num_blocks - 1)
    ]
    blocks = facts_of_blocks(course, train, names, [*resumes, True])
    found = StageMap(
        facts=NetworkFacts(
            blocks=blocks, linear_head=_linear(module, recording, heads, direct), input=needs
        ),
        cuts=cuts,
        heads=heads,
        direct_head=direct,
        overwrites=(False,) * len(blocks),
        seeded=_seeded(train),
    )
    return found, course


def _heads(
    title: str, adapter: Adapter, module: nn.Module, recording: Recording
) -> tuple[str, ...]:
    """Modules of the head, in the order in which they run.

    Raises:
        NetworkError: there is none.
    """
    named = adapter.head_modules(module)
    if named is None:
        last = last_layer(recording)
        named = (last,) if last is not None else ()
    inner = [innermost(module, name) for name in named]
    calls = [call for name in inner if (call := recording.first(name)) is not None]
    if not calls:
        raise NetworkError(
            f"network '{title}' has no head: it gives features and no classes. "
            "Choose a network that classifies images."
        )
    return tuple(call.name for call in sorted(calls, key=lambda call: call.entered))


def _check_logits(title: str, recording: Recording, num_classes: int) -> None:
    logits = logits_of(recording.whole.output)
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != (BATCH, num_classes):
        raise NetworkError(
            f"network '{title}' gives {shape} for {BATCH} images and {num_classes} classes. "
            f"Expected ({BATCH}, {num_classes}), one logit a class."
        )


def _cuts(
    adapter: Adapter, module: nn.Module, recording: Recording, heads: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the stages, and the cuts between those of the trunk."""
    given: Callable[[nn.Module], Stages] | None = getattr(adapter, "stages", None)
    if given and (own := given(module)):
        return _own_cuts(own, recording, heads)
    cuts = cuts_of(recording, heads, adapter.cut_modules(module))
    return ("stem", *(f"stage{at}" for at in range(1, len(cuts) + 1)), HEAD), cuts


Stages = Mapping[str, tuple[str, ...]]
"""Names of modules by the name of their stage."""


def _own_cuts(
    own: Stages, recording: Recording, heads: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and cuts of the stages that a module names itself, in the order in which they end."""
    start = head_call(recording, heads).entered
    ends = []
    for name, parts in own.items():
        calls = [call for part in parts if (call := recording.first(part)) is not None]
        before = [call for call in calls if call.left < start]
        if before:
            ends.append((max(before, key=lambda call: call.left), name))
    ends.sort(key=lambda pair: pair[0].left)
    return (*(name for _, name in ends), HEAD), tuple(call.name for call, _ in ends[:-1])


def _direct(recording: Recording, heads: tuple[str, ...]) -> bool:
    """Whether the head's output is the network's, as it is."""
    gives = recording.first(heads[0])
    return (
        len(heads) == 1 and gives is not None and gives.output is logits_of(recording.whole.output)
    )


def _linear(
    module: nn.Module, recording: Recording, heads: tuple[str, ...], direct: bool
) -> LinearHead | None:
    head = module.get_submodule(heads[0])
    flat = head_call(recording, heads).given
    own = {key for key, _ in head.named_parameters()}
    if not isinstance(head, nn.Linear) or not own <= {"weight", "bias"}:
        return None
    if not direct or flat is None or flat.dim() != 2:
        return None
    return LinearHead(
        weight=f"{heads[0]}.weight", bias=f"{heads[0]}.bias" if head.bias is not None else None
    )


def _seeded(train: Recording) -> bool:
    """Whether anything but headstart's own dropout draws in train mode."""
    return any(not isinstance(train.module.get_submodule(name), Dropout) for _, name in train.draws)
