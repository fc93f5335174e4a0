"""Who depends on whom, and what is wrong with that: unknown nodes, doubled ids, cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from indelible.definition.graph import cycles, topological_order
from indelible.definition.model import Node
from indelible.definition.places import Spot
from indelible.definition.wording import did_you_mean, shortened

LONGEST_CYCLE = 20
"""Nodes of a cycle that are printed; of a longer one the ends are."""


class Dependencies:
    """The arrows of one graph, between positions in it.  What makes no sense is left out.

    ``position`` finds a node by its id (the first, where an id is doubled); ``order`` has every
    node after its upstream, without those that are in a cycle or behind one.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.position: dict[str, int] = {}
        for number, node in enumerate(nodes):
            self.position.setdefault(node.id, number)
        self.upstream = [
            [
                known
                for name in node.depends_on
                if (known := self.position.get(name)) is not None and name != node.id
            ]
            for node in nodes
        ]
        self.order = topological_order(self.upstream)


def check_dependencies(dependencies: Dependencies, spot_of: Callable[[int], Spot]) -> None:
    """Complain about doubled ids, about `depends_on`, and about every cycle."""
    for number, node in enumerate(dependencies.nodes):
        first = dependencies.position[node.id]
        if first != number:
            _complain_of_id(node.id, spot_of(first), spot_of(number).below("id"))
        if not _is_sound(node, dependencies.position):
            at = spot_of(number).below("depends_on")
            _check_upstream(node, dependencies.position, at)
    for cycle in cycles(dependencies.upstream, dependencies.order):
        ids = [dependencies.nodes[number].id for number in [*cycle, cycle[0]]]
        message = f"these nodes form a cycle: {' -> '.join(_ends(ids))}"
        at = spot_of(cycle[0]).below("depends_on")
        at.complain(message, hint="Take one of the arrows out.")


def _is_sound(node: Node, known: Mapping[str, int]) -> bool:
    """Whether there is nothing to complain about; then nobody need know where it stands."""
    names = node.depends_on
    is_each_once = len(names) < 2 or len(set(names)) == len(names)
    return is_each_once and node.id not in names and all(map(known.__contains__, names))


def _check_upstream(node: Node, known: Mapping[str, int], spot: Spot) -> None:
    seen: set[str] = set()
    for place, name in enumerate(node.depends_on):
        at = spot.below(place)
        if name == node.id:
            at.complain("depends on itself", hint="Leave it out.")
        elif name not in known:
            hint = did_you_mean(name, filter(None, known), what="Known nodes")
            at.complain(f"depends on {shortened(name)}, which is not a node", hint=hint)
        elif name in seen:
            at.complain(f"depends on {shortened(name)} twice", hint="Once is enough.")
        seen.add(name)


def _complain_of_id(name: str, first: Spot, spot: Spot) -> None:
    line = spot.report.locate((*first.path, "id")).line
    hint = f"The first is in line {line}." if line else "An id names one node."
    spot.complain(f"the id {shortened(name)} is taken", hint=hint)


def _ends(ids: list[str]) -> list[str]:
    if len(ids) <= LONGEST_CYCLE:
        return ids
    half = LONGEST_CYCLE // 2
    return [*ids[:half], f"({len(ids) - 2 * half:,} more)", *ids[-half:]]
