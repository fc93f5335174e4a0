"""What follows from the arrows between nodes: an order, cycles, who is upstream of whom.

Nodes are numbers here, in definition order; ``upstream[n]`` are the numbers n depends on.  Nothing
recurses: a chain may be 100,000 nodes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Upstream = Sequence[Sequence[int]]


def topological_order(upstream: Upstream) -> list[int]:
    """Every node after all of its upstream.  Nodes in a cycle, or behind one, are left out."""
    missing = [len(nodes) for nodes in upstream]
    downstream: list[list[int]] = [[] for _ in upstream]
    for node, nodes in enumerate(upstream):
        for each in nodes:
            downstream[each].append(node)
    order = [node for node, count in enumerate(missing) if count == 0]
    for node in order:  # grows while it is walked
        for each in downstream[node]:
            missing[each] -= 1
            if missing[each] == 0:
                order.append(each)
    return order


def cycles(upstream: Upstream, order: Sequence[int]) -> list[list[int]]:
    """Cycles among the nodes that ``order`` leaves out, none sharing a node with another.

    Each begins at its first node in the definition and goes downstream.
    """
    stuck = set(range(len(upstream))).difference(order)
    found: list[list[int]] = []
    seen: set[int] = set()
    for start in sorted(stuck):
        walk: dict[int, None] = {}
        node = start
        while node not in seen:
            seen.add(node)
            walk[node] = None
            node = next(each for each in upstream[node] if each in stuck)
        if node in walk:
            steps = list(walk)
            found.append(_from_first(steps[steps.index(node) :][::-1]))
    return found


def missing_ancestors(
    upstream: Upstream, order: Sequence[int], wanted: Mapping[int, Iterable[int]]
) -> list[tuple[int, int]]:
    """The pairs (node, other) in ``wanted`` where the other is not upstream, however far.

    Nodes that ``order`` leaves out are not judged.  A node's ancestors are the bits of one integer,
    with a bit only for nodes that somebody wants from afar, dropped once nobody needs them.
    """
    far = {node: set(others).difference(upstream[node]) for node, others in wanted.items()}
    targets = sorted(set().union(*far.values()))
    bit = {target: 1 << place for place, target in enumerate(targets)}
    if not bit:
        return []
    readers = _downstream_counts(upstream)
    reach: dict[int, int] = {}
    found: list[tuple[int, int]] = []
    for node in order:
        mask = 0
        for each in upstream[node]:
            mask |= reach[each] | bit.get(each, 0)
            readers[each] -= 1
            if readers[each] == 0:
                del reach[each]
        if readers[node]:
            reach[node] = mask
        found += ((node, other) for other in far.get(node, ()) if not mask & bit[other])
    return found


def _downstream_counts(upstream: Upstream) -> list[int]:
    counts = [0] * len(upstream)
    for nodes in upstream:
        for each in nodes:
            counts[each] += 1
    return counts


def _from_first(cycle: list[int]) -> list[int]:
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
