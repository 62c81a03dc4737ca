"""Where a network of Keras layers can be cut into stages."""

from collections import Counter
from collections.abc import Collection, Sequence

from headstart.networks.keras.graph import Graph

MAX_STAGES = 6
"""Most stages of a network, the head being one."""
_JOINING = (
    *("BatchNormalization", "BatchNormalizationV1", "LayerNormalization", "GroupNormalization"),
    *("PReLU", "LayerScale"),
)
"""Layers with weights that belong to the layer before."""


def cuts(graph: Graph, names: Sequence[str], weighted: Collection[str], head: str) -> list[str]:
    """Names of the calls that end a stage of the trunk, in order.

    A stage ends where the whole state is one tensor. Each has a layer with weights; layers without
    any, normalisation and learnt slopes join the stage before. Neighbours are merged until at most
    five are left, of similar numbers of layers with weights.

    Args:
        graph: calls in order.
        names: of the module of each call.
        weighted: names of modules with weights.
        head: name of the head's module.
    """
    ends, depths, depth = [], [], 0
    places = set(_single_states(graph, names))
    for at, call in enumerate(graph.calls[: names.index(head)]):
        depth += names[at] in weighted and call.layer.kind not in _JOINING
        if at not in places:
            continue
        if depth:
            ends.append(at)
            depths.append(depth)
            depth = 0
        elif ends:
            ends[-1] = at
    return [names[ends[last]] for last in _even_parts(depths, MAX_STAGES - 1)]


def _single_states(graph: Graph, names: Sequence[str]) -> list[int]:
    """Calls after which nothing else is needed any more than what they give."""
    left = Counter(value for call in graph.calls for value in call.values)
    total, seen = Counter(names), Counter[str]()
    live, shared, found = {graph.source}, set[str](), []
    for at, call in enumerate(graph.calls):
        name = names[at]
        seen[name] += 1
        (shared.discard if seen[name] == total[name] else shared.add)(name)
        for value in call.values:
            left[value] -= 1
            if not left[value]:
                live.discard(value)
        live.add(call.gives)
        if live == {call.gives} and not shared and total[name] == 1:
            found.append(at)
    return found


def _even_parts(depths: Sequence[int], most: int) -> list[int]:
    """Last members of at most `most` runs whose sums are as equal as can be (least squares)."""
    if len(depths) <= most:
        return list(range(len(depths)))
    # best[n] = (cost, last members) of the first n depths in so many runs.
    best: dict[int, tuple[int, list[int]]] = {0: (0, [])}
    for _ in range(most):
        longer: dict[int, tuple[int, list[int]]] = {}
        for start, (cost, lasts) in best.items():
            run = 0
            for last in range(start, len(depths)):
                run += depths[last]
                option = (cost + run * run, [*lasts, last])
                if last + 1 not in longer or option < longer[last + 1]:
                    longer[last + 1] = option
        best = longer
    return best[len(depths)][1]
