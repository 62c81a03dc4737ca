"""What nodes of a Ray cluster lack is sent to them, once to each, by Ray's object store."""

import hashlib
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headstart.core.errors import ClusterError, HeadstartError
from headstart.core.sizes import size_text
from headstart.execute.executors.ray_errors import in_the_object_store, translated
from headstart.execute.needed import Content, Item, receive

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node by Ray's id, and its host."""

    id: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An item in the object store: its size and SHA-256, and references to its pieces in order."""

    item: Item
    size: int
    sha256: str
    pieces: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends items to nodes. Jobs of several threads may ask for it."""

    ray: Any
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def send(self, lacking: Mapping[Node, Iterable[Item]]) -> None:
        """Send each node what it lacks.

        Raises:
            ClusterError: something cannot be sent, does not fit, or does not arrive; with all nodes
                and reasons.
        """
        with self._turn:
            nodes = dict[Item, list[Node]]()
            for node, items in lacking.items():
                for item in items:
                    nodes.setdefault(item, []).append(node)
            wrong = [why for item, to in nodes.items() for why in self._send(item, to)]
        if wrong:
            lines = "\n  - ".join(dict.fromkeys(wrong))
            raise ClusterError(
                f"not all nodes can be sent what they lack:\n  - {lines}\nMake space there "
                "(headstart cache clear received), or put data and weights where all nodes see "
                "them under the same path."
            )

    def _send(self, item: Item, nodes: Sequence[Node]) -> list[str]:
        """Send one item to some nodes; what has gone wrong, in words."""
        nodes = [node for node in nodes if not self._has(node, item)]
        if not nodes:
            return []
        hosts = ", ".join(node.host for node in nodes)
        to = f"{len(nodes)} nodes that lack it" if len(nodes) > 1 else f"{hosts}, which lacks it"
        try:
            content = item.content()
            _log.info("sending %s (%s) to %s", item, size_text(content.size), to)
            parcel = self._parcel(item, content)
        except (HeadstartError, OSError) as error:
            return [f"{hosts} has no {item}, which cannot be sent: {error}"]
        take = self.ray.remote(num_cpus=0)(_receive)
        taking = [on_node(take, node.id).remote(parcel) for node in nodes]
        wrong = [self._why_not(reference) for reference in taking]
        return [why for why in wrong if why]

    def _has(self, node: Node, item: Item) -> bool:
        """Whether a node was sent it meanwhile, for another job, or has gone."""
        try:
            return bool(
                self.ray.get(on_node(self.ray.remote(num_cpus=0)(_is_there), node.id).remote(item))
            )
        except self.ray.exceptions.RayError:
            return True

    def _parcel(self, item: Item, content: Content) -> Parcel:
        state, pieces = hashlib.sha256(), list[Any]()
        with in_the_object_store():
            for piece in content.pieces:
                state.update(piece)
                pieces.append(self.ray.put(piece))
        return Parcel(item=item, size=content.size, sha256=state.hexdigest(), pieces=tuple(pieces))

    def _why_not(self, taking: Any) -> str:
        """Why a node does not have a parcel; empty where it has, or has gone meanwhile."""
        try:
            self.ray.get(taking)
        except self.ray.exceptions.RayTaskError as error:
            return str(translated(error))
        except self.ray.exceptions.RayError:
            return ""
        return ""


def on_node(task: Any, node: str) -> Any:
    """A remote function that runs on one node, and on no other if that has gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))


def _is_there(item: Item) -> bool:
    """Whether the node that this runs on has received an item."""
    return item.received.exists()


def _receive(parcel: Parcel) -> None:
    """Write a parcel into the cache of the node that this runs on."""
    import ray

    receive(parcel.item, parcel.size, parcel.sha256, (ray.get(piece) for piece in parcel.pieces))
