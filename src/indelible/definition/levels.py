"""The graphs of a definition: that of the workflow, and those inside its composites.

A body from another file is not among them: it sees nothing around it, and was checked by itself
when its file was read.
"""

from __future__ import annotations

from collections.abc import Iterator

from indelible.definition.dependencies import Dependencies
from indelible.definition.model import Composite, Definition, Node
from indelible.definition.places import Spot

DEEPEST = 25
"""Composites inside each other; about as deep as a workflow file can be."""


class Level:
    """One graph.  ``composite`` is the number of the node around it in the graph ``outer``.

    ``spot`` is where the list ``nodes`` belongs to; ``has_items`` and ``has_iterations`` say
    whether there is a map, or a loop, anywhere around.
    """

    def __init__(
        self, nodes: tuple[Node, ...], spot: Spot, outer: Level | None = None, composite: int = -1
    ) -> None:
        self.nodes = nodes
        self.dependencies = Dependencies(nodes)
        self.spot = spot
        self.outer = outer
        self.composite = composite
        self.depth: int = 0 if outer is None else outer.depth + 1
        node = None if outer is None else outer.nodes[composite]
        self.has_items = node is not None and has_items(node, outer)
        self.has_iterations = node is not None and has_iterations(node, outer)

    def spot_of(self, number: int) -> Spot:
        """Where node ``number`` stands; it goes by its path (``deploy/build``)."""
        name = self.nodes[number].id
        path = f"{self.spot.node}/{name}" if self.spot.node else name
        return Spot(self.spot.report, (*self.spot.path, "nodes", number), path)


def has_items(node: Node, level: Level | None) -> bool:
    """Whether the body of ``node`` can use `item`."""
    return node.for_each is not None or (level is not None and level.has_items)


def has_iterations(node: Node, level: Level | None) -> bool:
    """Whether the body of ``node`` can use `previous`."""
    return node.loop is not None or (level is not None and level.has_iterations)


def levels_of(definition: Definition, whole: Spot) -> Iterator[Level]:
    """Every graph after those around it; what is nested too deep is complained about."""
    ahead = [Level(definition.nodes, whole)]
    for level in ahead:  # grows while it is walked
        yield level
        for number, node in enumerate(level.nodes):
            if not isinstance(node.body, Composite) or node.body.is_isolated:
                continue
            if level.depth < DEEPEST:
                ahead.append(Level(node.body.nodes, level.spot_of(number), level, number))
                continue
            message = f"more than {DEEPEST} composites inside each other"
            level.spot_of(number).complain(message, hint="Flatten it.")
