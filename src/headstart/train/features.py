"""Cache of frozen-trunk features, computed once and shared by all updates and trainings."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from headstart.core.array_cache import MemmapCache
from headstart.core.hashing import digest, digest_of
from headstart.core.lru import SizedLRU
from headstart.core.thread_budget import threads
from headstart.networks.build import build
from headstart.networks.facts import Architecture, facts_of
from headstart.networks.weights import Weights
from headstart.study.operations import features_are_small
from headstart.study.training import Precision
from headstart.train.device_data import DeviceData, scaled, to_device
from headstart.train.forward import Forward
from headstart.train.phase_config import Examples
from headstart.train.threads import parallel_map

KEPT_BYTES = 256_000_000
SCALED_BYTES = 128_000_000  # of float32; images that would take more stay bytes
POOL = 8  # times as many images as a subset that shares their features


# What is mapped holds disk and addresses, which are cheaper than memory.
_kept: SizedLRU[DeviceData] = SizedLRU(
    KEPT_BYTES, lambda part: part.bytes // (16 if part.mapped else 1)
)


def raw_inputs(examples: Examples, device: torch.device) -> DeviceData:
    """Images themselves, for a phase without a frozen prefix.

    Those that are small are scaled once, for updates of small networks are short; those that are
    large stay bytes, a quarter as much.
    """
    small = examples.values * torch.float32.itemsize <= SCALED_BYTES
    if examples.scaling is None or not small or not isinstance(examples.inputs, np.ndarray):
        return to_device(examples, device)

    def make() -> DeviceData:
        return scaled(to_device(examples, device))

    return _kept.get((examples.name, str(device)), make) if examples.name else make()


def cached_features(
    of: Architecture,
    done: int,
    weights: Weights,
    examples: Examples,
    device: torch.device,
    shape: Callable[[Tensor], Tensor],
    cache: MemmapCache | None = None,
    precision: Precision = "float32",
) -> DeviceData:
    """Outputs of the first `done` blocks for all examples.

    Args:
        of: the network.
        done: how many layers from the stem on stay as they are.
        weights: of the whole network.
        examples: images and labels; with a name, the part is kept for the next training.
        device: where to compute and keep it.
        shape: a function of a module, applied to the features of each batch before they are kept.
        cache: where large features of named examples are shared with other processes.
        precision: that the layers compute in; features are float32 in any.
    """
    held = _hash_of(of, done, weights) if examples.name else ""
    if device.type != "cpu" or not examples.name:
        cache = None

    def make() -> DeviceData:
        if not len(examples.labels):
            return raw_inputs(examples, device)
        whole = _whole(of, done, examples, shape)
        if whole is not None:
            larger, rows = whole
            given = cached_features(
                of, done, weights, larger, device, as_they_are, cache, precision
            )
            found, labels = given.batch(torch.from_numpy(rows).to(device))
            return DeviceData(shape(found), labels)
        # A later run may find what one that was killed has left, under another version of torch.
        network, image, num_classes = of
        layers = [network.model_dump(mode="json"), list(image), num_classes, done]
        name = digest([examples.name, held, layers, shape.__name__, torch.__version__, precision])
        stored = None if cache is None else cache.get(name)
        images = to_device(examples, torch.device("cpu"))
        if stored is not None:
            return DeviceData(_channels_first(torch.from_numpy(stored)), images.labels, mapped=True)
        module = build(*of, weights).to(device).eval()
        forward = Forward(module, images, 0, done, device, precision)
        return _computed(forward, shape, images.labels, cache, name)

    if not examples.name:
        return make()
    return _kept.get((examples.name, held, *of, done, shape, str(device), precision), make)


def _whole(
    of: Architecture, done: int, examples: Examples, shape: Callable[[Tensor], Tensor]
) -> tuple[Examples, np.ndarray] | None:
    """Named examples whose features hold those asked for, and at which rows; None for no others.

    Subsets of all sizes and seeds share the features of their pool, unless it is so much larger
    that it would take longer. Which features a training gets depends on itself alone.
    """
    num = len(examples.labels)
    if examples.pool is not None:
        of_pool = len(examples.pool[0].labels)
        if of_pool <= POOL * num and features_are_small(facts_of(*of), done, of_pool):
            return examples.pool
    if examples.name and shape is not as_they_are and features_are_small(facts_of(*of), done, num):
        return examples, np.arange(num)
    return None


def _hash_of(of: Architecture, done: int, weights: Weights) -> str:
    """Hash of the parameters and buffers of the first blocks, on which alone features depend."""
    names = (name for block in facts_of(*of).blocks[:done] for name in block.tensors)
    return digest_of(weights, names)


def as_they_are(features: Tensor) -> Tensor:
    """Features in the shape in which the layers give them."""
    return features


def _computed(
    forward: Forward,
    shape: Callable[[Tensor], Tensor],
    labels: Tensor,
    cache: MemmapCache | None,
    name: str,
) -> DeviceData:
    """Features of all images, computed batch by batch into memory or the cache.

    Images lie with their channels last.
    """
    num = len(labels)

    @torch.no_grad()
    def of(at: int) -> Tensor:
        found = shape(forward(at))
        return found.permute(0, 2, 3, 1) if found.dim() == 4 else found

    # The first ones, which also show the shape of all, keep every thread busy like the others.
    firsts = parallel_map(of, forward.batches[: threads()])
    first = firsts[0]
    whole = (num, *first.shape[1:])

    def batches(done: int) -> Iterator[Tensor]:
        """Features from an image on at which a batch begins, in order, several at a time."""
        left = [at for at in forward.batches if at >= done]
        if not done:
            yield from firsts
            left = left[len(firsts) :]
        while left:
            some, left = left[: threads()], left[threads() :]
            yield from parallel_map(of, some)

    if cache is not None and num * first[0].nbytes > cache.least:
        # Written from front to back: who was killed in the middle goes on there.
        mapped = cache.filled(
            name, tuple(whole), np.float32, lambda done: (found.numpy() for found in batches(done))
        )
        if mapped is not None:
            return DeviceData(_channels_first(torch.from_numpy(mapped)), labels, mapped=True)
    held = first.new_empty(whole)
    at = 0
    for found in batches(0):
        held[at : at + len(found)] = found
        at += len(found)
    return DeviceData(_channels_first(held), labels.to(held.device))


def _channels_first(laid_out: Tensor) -> Tensor:
    """Images (n, height, width, channels) as (n, channels, height, width), and rows as they are."""
    return laid_out.permute(0, 3, 1, 2) if laid_out.dim() == 4 else laid_out
