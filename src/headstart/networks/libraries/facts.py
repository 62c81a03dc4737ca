"""Facts of library networks, from a cache on disk; torch is imported only for a network unseen."""

import contextlib
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from headstart.core.files import cache_folder, write_whole
from headstart.core.hashing import Json, digest
from headstart.networks.libraries.adapter import adapter_for
from headstart.networks.stage_map import StageMap
from headstart.study.network_facts import InputFacts, NetworkFacts, Shape

Found = TypeVar("Found")
VERSION = 3  # raised when inspection finds something else in the same network


def facts_for(network_kind: str, name: str, image: Shape, num_classes: int) -> NetworkFacts:
    """Facts of a library network for images (height, width, channels) and a number of classes.

    Raises:
        NetworkError: the library is not installed, does not have the network, or the network
            cannot be cut into a trunk and a head.
    """
    return stage_map_for(network_kind, name, image, num_classes).facts


def stage_map_for(network_kind: str, name: str, image: Shape, num_classes: int) -> StageMap:
    """The facts with the modules at which the network is cut."""
    key = _key(network_kind, name) | {"image": list(image), "classes": num_classes}
    return _found(digest(key), network_kind, name, tuple(image), num_classes)


def input_facts_for(network_kind: str, name: str) -> InputFacts | None:
    """How images are prepared for a network; None where its library does not say.

    Raises:
        NetworkError: the library is not installed or does not have the network.
    """
    return _inputs(digest(_key(network_kind, name) | {"inputs": True}), network_kind, name)


def content_of(network_kind: str, name: str) -> str:
    """Hash of the files that define a network; empty where name and version define it."""
    return adapter_for(network_kind).content(name)


def _key(network_kind: str, name: str) -> Json:
    """What facts depend on: the network, its library's version, and this inspection's."""
    adapter = adapter_for(network_kind)
    return {
        "version": VERSION,
        "kind": network_kind,
        "name": name,
        "library": adapter.version(),
        "content": adapter.content(name),
    }


@lru_cache(maxsize=32)
def _found(key: str, network_kind: str, name: str, image: Shape, num_classes: int) -> StageMap:
    def inspected() -> StageMap:
        from headstart.networks.inspect import stage_map_of

        return stage_map_of(network_kind, name, image, num_classes)

    return _cached(key, TypeAdapter(StageMap), inspected)


@lru_cache(maxsize=32)
def _inputs(key: str, network_kind: str, name: str) -> InputFacts | None:
    known: TypeAdapter[InputFacts | None] = TypeAdapter(InputFacts | None)
    return _cached(key, known, lambda: adapter_for(network_kind).input_facts(name))


def _cached(key: str, adapter: TypeAdapter[Found], find: Callable[[], Found]) -> Found:
    path = cache_folder() / "networks" / f"{key}.json"
    with contextlib.suppress(OSError, ValidationError):
        return adapter.validate_json(path.read_bytes())
    found = find()
    # A cache that cannot be written costs time at the next call, and nothing else.
    with contextlib.suppress(OSError):
        write_whole(path, adapter.dump_json(found))
    return found
