"""The graph of a workflow for a terminal: one line a node, rails from what it depends on.

✓     fetch          A rail goes down from a node until all that depends on it is drawn.  A
├─✓   check          node stands at the end of the line to the rails it hangs on: `├ ┼ ┤` leave
├─│─✓ parse          a rail that goes on, `┴ ╯` end one, and one that is only passed keeps its
✗─┴─╯ load           `│`.  Straight below a rail, a node hangs on it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from indelible.definition.model import Composite, Node
from indelible.engine.status import NodeStatus
from indelible.plan import Plan, PlannedNode
from indelible.projections.graph import Statuses

MOST_RAILS = 24
"""More of them side by side say less than a list of names."""

SYMBOLS: Mapping[NodeStatus, str] = {
    NodeStatus.PENDING: "○",
    NodeStatus.RUNNING: "●",
    NodeStatus.WAITING: "⧗",
    NodeStatus.RETRYING: "↻",
    NodeStatus.INTERRUPTED: "◌",
    NodeStatus.SUCCESS: "✓",
    NodeStatus.FAILED: "✗",
    NodeStatus.ALLOWED: "!",
    NodeStatus.SKIPPED: "⊘",
    NodeStatus.UPSTREAM_FAILED: "⊗",
}

# By whether the rail ends here, and where on the line it stands.
# One that ends is never first: the node itself takes the place of the first of them.
_JOINTS = {
    (True, "inside"): "┴",
    (True, "last"): "╯",
    (False, "first"): "├",
    (False, "inside"): "┼",
    (False, "last"): "┤",
}


class Row(msgspec.Struct, frozen=True):
    """One node.  ``rails`` ends with its symbol or beyond; ``after`` is what rails
    cannot say: what is inside it, and where there are too many rails, what it depends on."""

    rails: str
    node_id: str
    after: str = ""


def draw(plan: Plan, statuses: Statuses) -> list[Row]:
    """Every node after all it depends on, children close to their parents.

    Beyond ``MOST_RAILS`` the rows have no rails; ``after`` names what each node depends on instead.
    """
    marks = [(node, SYMBOLS[statuses.get(node.id, NodeStatus.PENDING)]) for node in _order(plan)]
    rails = _Rails()
    rows = []
    for node, symbol in marks:
        rows.append(Row(rails.row(node, symbol), node.id, _inside(node.node)))
        if rails.width > MOST_RAILS:
            return [Row(symbol, node.id, _after(node)) for node, symbol in marks]
    return rows


def _order(plan: Plan) -> Iterator[PlannedNode]:
    """Depth first, so that a branch is drawn whole before the next and few rails are open."""
    missing = {node.id: len(node.upstream) for node in plan.graph.in_order}
    ready = [node for node in reversed(plan.graph.in_order) if not node.upstream]
    while ready:
        node = ready.pop()
        yield node
        for name in reversed(node.downstream):
            missing[name] -= 1
            if missing[name] == 0:
                ready.append(plan.graph.nodes[name])


def _after(node: PlannedNode) -> str:
    upstream = f"after {', '.join(node.upstream)}" if node.upstream else ""
    return "  ".join(filter(None, (_inside(node.node), upstream)))


def _inside(node: Node) -> str:
    """What a node is many of, or how many it holds; empty for plain work."""
    marks = []
    if node.for_each is not None:
        marks.append(f"for each {node.for_each.items}")
    if node.loop is not None:
        marks.append(f"loop, at most {node.loop.max_iterations}")
    if isinstance(node.body, Composite):
        count = len(node.body.nodes)
        marks.append(f"{count} node{'' if count == 1 else 's'} inside")
    return f"({'; '.join(marks)})" if marks else ""


class _Rails:
    """The rails between two rows: in each column the node it comes from, or None."""

    def __init__(self) -> None:
        self._columns: list[str | None] = []
        self._undrawn: dict[str, int] = {}
        self._leaf = -1

    @property
    def width(self) -> int:
        return len(self._columns)

    def row(self, node: PlannedNode, symbol: str) -> str:
        """Draw the node, and let its own rail begin."""
        upstream = set(node.upstream)
        joined = [at for at, source in enumerate(self._columns) if source in upstream]
        ending = [at for at in joined if self._ends(at)]
        column = ending[0] if ending else self._free()
        text = self._text(symbol, column, joined, ending)
        for at in ending:
            self._columns[at] = None
        self._begin(node, column)
        return text

    def _ends(self, at: int) -> bool:
        """Whether the rail has led to the last of the nodes that depend on its own; counts."""
        source = self._columns[at] or ""
        self._undrawn[source] -= 1
        return self._undrawn[source] == 0

    def _begin(self, node: PlannedNode, column: int) -> None:
        self._columns[column] = node.id if node.downstream else None
        self._leaf = -1 if node.downstream else column
        self._undrawn[node.id] = len(node.downstream)
        while self._columns and self._columns[-1] is None:
            self._columns.pop()

    def _free(self) -> int:
        """A column for a node that ends no rail; not below a leaf, it would seem to hang on it."""
        for at, source in enumerate(self._columns):
            if source is None and at != self._leaf:
                return at
        self._columns.append(None)
        if len(self._columns) - 1 == self._leaf:
            self._columns.append(None)
        return len(self._columns) - 1

    def _text(self, symbol: str, column: int, joined: list[int], ending: list[int]) -> str:
        first, last = min([column, *joined]), max([column, *joined])
        text = ""
        for at, source in enumerate(self._columns):
            if at == column:
                mark = symbol
            elif at in joined:
                side = "first" if at == first else "last" if at == last else "inside"
                mark = _JOINTS[at in ending, side]
            elif source is not None:
                mark = "│"
            else:
                mark = "─" if first < at < last else " "
            text += mark + ("─" if first <= at < last else " ")
        return text.rstrip()
