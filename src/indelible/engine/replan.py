"""The same run under a changed definition: what has been done stands, by node id.

Follows on the ``workflow_started`` that carries the definition, when nothing is in flight and what
differs has been reset.  Nodes that are new come to be, nodes that are gone are forgotten, and how
many upstream each still waits for is counted anew.
"""

from __future__ import annotations

from indelible.engine.admission import count_outcome, enqueue
from indelible.engine.state import NodeState, Past, RunState, illegal
from indelible.engine.status import Role
from indelible.engine.tree import grow_graph, grow_instance
from indelible.plan import Plan

_OF_THE_RUN = ("status", "sequence", "attempt", "deadline", "inputs", "outputs", "error", "past")
_OF_A_NODE = (
    "status",
    "attempt",
    "tries",
    "interruptions",
    "resets",
    "retry_at",
    "waiting",
    "output",
    "error",
    "refused",
    "roots",
)
_NAMED = ("waiting", "failed", "fatal", "stopped")


def replan(state: RunState, plan: Plan) -> RunState:
    """The state of the run under ``plan``; ``state`` is of no use any more.

    Raises ``IllegalEventError`` if a node that has begun differs, or is gone.
    """
    fresh = RunState(plan, state.run_id)
    for name in _OF_THE_RUN:
        setattr(fresh, name, getattr(state, name))
    grown = {node.id: node for node in grow_graph(fresh, plan.graph, None)}
    for before in list(state.nodes.values()):
        if before.parent is None:
            _carry_over(fresh, before, grown.get(before.id))
    for name in _NAMED:
        getattr(fresh, name).update(getattr(state, name))
    for node in fresh.by_serial:
        if node.is_ended:
            count_outcome(fresh, node, +1)
    for node in fresh.by_serial:
        enqueue(fresh, node)
    return fresh


def _carry_over(fresh: RunState, before: NodeState, node: NodeState | None) -> None:
    if node is not None and node.node == before.node:
        _carry(fresh, before, node)
    elif before.is_begun:
        raise illegal(fresh, f"changes {before.id}, which is {before.status}")
    elif node is not None:
        node.attempt, node.resets = before.attempt, before.resets
    elif before.attempt:
        fresh.past[before.id] = Past(before.attempt, before.resets)


def _carry(fresh: RunState, before: NodeState, node: NodeState) -> None:
    for name in _OF_A_NODE:
        setattr(node, name, getattr(before, name))
    if node.is_ended:
        fresh.open_nodes -= 1
        if node.parent is not None:
            node.parent.open_children -= 1
    if before.children is not None:
        _grow(fresh, node, len(before.children))
        for child, grown in zip(before.children, node.children or (), strict=True):
            _carry(fresh, child, grown)


def _grow(fresh: RunState, node: NodeState, count: int) -> None:
    if node.role is Role.COMPOSITE and node.planned.inner is not None:
        grow_graph(fresh, node.planned.inner, node)
        return
    first = 0 if node.role is Role.MAP else 1
    for index in range(first, first + count):
        grow_instance(fresh, node, index)
