"""A definition made ready to run: every node with its place in the order and its neighbours.

Pure.  The definition is taken as checked (``definition/check.py``); what would make a plan
meaningless all the same (an unknown upstream, a cycle) is refused here too, because the definition
of a resumed run comes from a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from indelible.definition.model import Composite, Definition, Node, Plugged
from indelible.errors import Complaint, DefinitionError


class PlannedNode(msgspec.Struct):
    """A node and its neighbours.  ``order`` is its place in its graph, from 0.

    ``inner`` is the graph of a composite's body, None for every other kind.
    """

    node: Node
    order: int
    upstream: tuple[str, ...]
    downstream: list[str]
    inner: Graph | None = None

    @property
    def id(self) -> str:
        return self.node.id


class Graph(msgspec.Struct, frozen=True):
    """Nodes that know each other by their ids, in definition order."""

    nodes: Mapping[str, PlannedNode]
    in_order: Sequence[PlannedNode]

    def plugged(self, prefix: str = "") -> Iterator[tuple[str, Plugged]]:
        """The nodes of kinds that other packages add, here and in composites, with their paths."""
        for planned in self.in_order:
            if isinstance(planned.node.body, Plugged):
                yield prefix + planned.id, planned.node.body
            elif planned.inner is not None:
                yield from planned.inner.plugged(f"{prefix}{planned.id}/")

    def leaves(self) -> list[PlannedNode]:
        """The nodes that nothing depends on."""
        return [planned for planned in self.in_order if not planned.downstream]


class Plan(msgspec.Struct, frozen=True):
    """``max_parallel`` is resolved: 0 means no limit."""

    definition: Definition
    graph: Graph
    max_parallel: int


def make_plan(definition: Definition, *, default_parallel: int = 0) -> Plan:
    """The plan of ``definition``; ``default_parallel`` counts where it sets no ``max_parallel``.

    Raises ``DefinitionError`` for doubled ids, unknown upstream and cycles.
    """
    limit = definition.max_parallel
    graph = _make_graph(definition.nodes)
    return Plan(definition, graph, default_parallel if limit is None else limit)


def _make_graph(definitions: Sequence[Node]) -> Graph:
    in_order = [
        PlannedNode(node, order, node.depends_on, [], _inner_of(node))
        for order, node in enumerate(definitions)
    ]
    nodes = {planned.node.id: planned for planned in in_order}
    if len(nodes) != len(in_order):
        raise _unusable("two nodes have one id", "")
    for planned in in_order:
        for name in planned.upstream:
            if name not in nodes:
                raise _unusable(f"depends on {name!r}, which is not a node", planned.id)
            nodes[name].downstream.append(planned.id)
    _refuse_cycles(nodes)
    return Graph(nodes, in_order)


def _inner_of(node: Node) -> Graph | None:
    return _make_graph(node.body.nodes) if isinstance(node.body, Composite) else None


def _refuse_cycles(nodes: Mapping[str, PlannedNode]) -> None:
    missing = {name: len(planned.upstream) for name, planned in nodes.items()}
    free = [name for name, count in missing.items() if count == 0]
    seen = 0
    while free:
        seen += 1
        for name in nodes[free.pop()].downstream:
            missing[name] -= 1
            if missing[name] == 0:
                free.append(name)
    if seen != len(nodes):
        stuck = next(name for name, count in missing.items() if count > 0)
        raise _unusable("is in a cycle, or behind one", stuck)


def _unusable(message: str, node: str) -> DefinitionError:
    return DefinitionError([Complaint(message=message, node=node)])
