"""A node as if it had never started: what a resume takes back, bookkeeping of fold.

With a node goes everything in it, and of the loop that it is in, the iterations after its own.  The
containers around it are open again.  Its attempts are counted on; its retries begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from indelible.engine.admission import count_outcome, enqueue
from indelible.engine.state import NodeState, RunState, illegal
from indelible.engine.status import NodeStatus
from indelible.engine.tree import prune, prune_later


def reset(state: RunState, nodes: Sequence[NodeState], explicit: AbstractSet[str]) -> None:
    """Take back ``nodes``; those in ``explicit`` get a new idempotency key.

    Raises ``IllegalEventError`` for a node that has not begun, or is lost with another of them.
    """
    for node in nodes:
        if state.nodes.get(node.id) is not node:
            raise illegal(state, f"resets {node.id}, which is lost with another that it resets")
        if not node.is_begun:
            raise illegal(state, f"resets {node.id}, which has not begun")
        _take_back(state, node, resets=int(node.id in explicit))
    for node in nodes:
        enqueue(state, node)


def _take_back(state: RunState, node: NodeState, *, resets: int) -> None:
    _reopen(state, node)
    prune(state, node, resets=resets)
    prune_later(state, node, resets=resets)
    node.status = NodeStatus.PENDING
    node.tries = node.interruptions = 0
    node.resets += resets


def _reopen(state: RunState, node: NodeState) -> None:
    """Take back that ``node`` has ended, and with it that the containers around it have."""
    if node.is_ended:
        count_outcome(state, node, -1)
        state.open_nodes += 1
    for names in (state.waiting, state.failed, state.fatal, state.stopped):
        names.pop(node.id, None)
    parent = node.parent
    if parent is not None and node.is_ended:
        parent.open_children += 1
        if parent.is_ended:
            _reopen(state, parent)
            parent.status = NodeStatus.RUNNING
    node.output = node.error = node.refused = node.retry_at = node.waiting = None
    node.roots = frozenset()
