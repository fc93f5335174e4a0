"""Where failures and skips go back to: the nodes that failed or were skipped by themselves."""

from __future__ import annotations

from collections.abc import Iterable

from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus


def roots_of(state: RunState, node: NodeState) -> frozenset[str]:
    """The nodes that the failures and skips directly upstream of ``node`` go back to."""
    above = (state.nodes[node.prefix + name] for name in node.planned.upstream)
    return union(each.roots for each in above)


def roots_inside(node: NodeState) -> frozenset[str]:
    """The nodes that the failures inside a container go back to."""
    failed = (child for child in node.children or () if child.status is NodeStatus.FAILED)
    return union(child.roots for child in failed)


def union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """All of them together."""
    whole: frozenset[str] = frozenset()
    for each in sets:
        # A new set is only made where it differs, so that long skipped branches share one.
        whole = each if each >= whole else whole if whole >= each else whole | each
    return whole
