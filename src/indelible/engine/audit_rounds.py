"""What a run that failed fast has left undone, though it was to be done before.

Part of the audit.  A turn is decided in rounds: all that can be done in a state is done, and then
it is looked at anew.  When a node fails for good in a round, and the run fails fast, what had come
up in the rounds before must have been done, and what came up in that round need not have been.
"""

from __future__ import annotations

from collections.abc import Iterator

from indelible.engine.audit_turns import Moment, Writer, is_at_its_turn, knows_slots
from indelible.engine.state import NodeState, RunState
from indelible.engine.status import NodeStatus, Role
from indelible.events import (
    Event,
    NodeCompleted,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowStarted,
)

_BEGUN = frozenset({NodeStatus.RUNNING, NodeStatus.WAITING})


class Rounds:
    """When each node was last heard of, and since when the first to fail for good was to fail."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._opened = 0
        self._has_blobs = False
        self._fatal_since: int | None = None

    def note(self, state: RunState, event: Event, writer: Writer) -> None:
        """``event``, which has just been folded into ``state``."""
        match event:
            case WorkflowStarted():
                self._opened = state.sequence
                self._fatal_since = None
            case NodeFailed() if state.fatal and self._fatal_since is None:
                # An attempt reports before anything is decided: then nothing is.
                is_decided = writer is Writer.DECIDED
                self._fatal_since = self._since(state, event.node_id) if is_decided else 0
        if isinstance(event, NodeCompleted) and event.output_blob is not None:
            self._has_blobs = True
        if isinstance(event, NodeStarted | NodeCompleted | NodeFailed | NodeSkipped):
            self._last[event.node_id] = state.sequence

    def left_undone(self, state: RunState, moment: Moment) -> str:
        """The first thing that was to be done before the run failed fast; empty if nothing.

        What has to be fetched first is done a round later, so of a run with values beside its log
        nothing can be said.
        """
        since = self._fatal_since
        if since is None or self._has_blobs:
            return ""
        undone = (
            node.id for node in _undone(state, moment) if self._since(state, node.id) <= since
        )
        return next(undone, "")

    def _since(self, state: RunState, path: str) -> int:
        """The event after which the node could start, or end by itself."""
        node = state.nodes[path]
        before = [] if node.is_instance else [node.prefix + name for name in node.planned.upstream]
        before += [child.id for child in node.children or ()]
        if node.parent is not None:
            before.append(node.parent.id)
        # The failure of an attempt that is refused follows at once; of others it is not noted yet.
        if node.refused is None and (node.status in _BEGUN or node.status is NodeStatus.FAILED):
            before.append(path)
        return max([self._opened, *(self._last.get(each, 0) for each in before)])


def _undone(state: RunState, moment: Moment) -> Iterator[NodeState]:
    """What could be done at ``moment``, beyond doubt."""
    for serial in state.closing:
        node = state.by_serial[serial]
        if not is_at_its_turn(node):
            yield node
    for due, serial in state.timers:
        if moment.must_be(due):
            yield state.by_serial[serial]
    for serial in state.ready:
        node = state.by_serial[serial]
        if node.role is not Role.ATTEMPT or (knows_slots(state) and node.gate is None):
            yield node
