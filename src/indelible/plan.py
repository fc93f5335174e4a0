"""A definition made ready to run: every node with its place in the order and its neighbours.

Pure.  The definition is taken as checked (``definition/check.py``); what would make a plan
meaningless all the same (an unknown upstream, a cycle) is refused here too, because the definition
of a resumed run comes from a log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from indelible.definition.model import Definition, Node
from indelible.errors import Complaint, DefinitionError


class PlannedNode(msgspec.Struct):
    """A node and its neighbours.  ``order`` is its place in the definition, from 0."""

    node: Node
    order: int
    upstream: tuple[str, ...]
    downstream: list[str]

    @property
    def id(self) -> str:
        return self.node.id


class Plan(msgspec.Struct, frozen=True):
    """``max_parallel`` is resolved: 0 means no limit.  ``nodes`` are in definition order."""

    definition: Definition
    nodes: Mapping[str, PlannedNode]
    in_order: Sequence[PlannedNode]
    max_parallel: int


def make_plan(definition: Definition, *, default_parallel: int = 0) -> Plan:
    """The plan of ``definition``; ``default_parallel`` counts where it sets no ``max_parallel``.

    Raises ``DefinitionError`` for doubled ids, unknown upstream and cycles.
    """
    in_order = [
        PlannedNode(node, order, node.depends_on, []) for order, node in enumerate(definition.nodes)
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
    limit = definition.max_parallel
    return Plan(definition, nodes, in_order, default_parallel if limit is None else limit)


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
