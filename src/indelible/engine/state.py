"""What a log says so far: the state of the run and of each node, and the table of legal moves.

State is only ever made by folding events (``engine/fold.py``).  It holds no decoded output: an
output stays the bytes that were logged until somebody asks for its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Raw

from indelible.definition.model import OnInterrupt, TriggerRule
from indelible.engine.queue import Queue
from indelible.engine.trigger_rules import Upstream, Verdict, judge
from indelible.events import BlobRef, NodeError
from indelible.plan import Plan, PlannedNode

STOPPED = "Stopped"
"""Error type of a node that was stopped with its run; never allowed, always reset by a resume."""

INTERRUPTED = "Interrupted"
"""Error type of an attempt that ended with its driver; counted against nothing."""


class RunStatus(StrEnum):
    """Where a run stands.  The last three are closed; only a resume opens them again."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeStatus(StrEnum):
    """Where a node stands.  The last five are the outcomes that trigger rules count."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    INTERRUPTED = "interrupted"
    SUCCESS = "success"
    FAILED = "failed"
    ALLOWED = "allowed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"


ENDED = frozenset(
    {
        NodeStatus.SUCCESS,
        NodeStatus.FAILED,
        NodeStatus.ALLOWED,
        NodeStatus.SKIPPED,
        NodeStatus.UPSTREAM_FAILED,
    }
)
CLOSED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


class Move(StrEnum):
    """What an event does to a node.  A failure with a ``retry_at`` is a RETRY, else a FAIL."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    RETRY = "retry"
    SKIP = "skip"


# A node may only be moved from these states (SPEC section 2, "Legal order").  An interruption (a
# workflow_started that lists the node) and a reset are not moves of the node but of the run.
LEGAL_MOVES: Mapping[Move, frozenset[NodeStatus]] = {
    Move.START: frozenset({NodeStatus.PENDING, NodeStatus.RETRYING, NodeStatus.INTERRUPTED}),
    Move.COMPLETE: frozenset({NodeStatus.RUNNING}),
    Move.FAIL: frozenset({NodeStatus.RUNNING, NodeStatus.INTERRUPTED}),
    Move.RETRY: frozenset({NodeStatus.RUNNING}),
    Move.SKIP: frozenset({NodeStatus.PENDING}),
}
MOVES_AFTER_CANCEL = frozenset({Move.COMPLETE, Move.FAIL})


class NodeState(msgspec.Struct):
    """One node.  ``missing`` counts upstream that has not ended, ``upstream`` how the rest did.

    ``attempt`` only grows; ``tries`` counts the failures since the last reset that retries are
    limited by, ``interruptions`` the crashes in a row.  ``roots`` are the nodes a failure or skip
    goes back to.
    """

    planned: PlannedNode
    missing: int
    upstream: Upstream
    status: NodeStatus = NodeStatus.PENDING
    attempt: int = 0
    tries: int = 0
    interruptions: int = 0
    resets: int = 0
    retry_at: datetime | None = None
    output: Raw | BlobRef | None = None
    error: NodeError | None = None
    roots: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return self.planned.node.id

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def rule(self) -> TriggerRule:
        return self.planned.node.trigger_rule

    @property
    def is_judged(self) -> bool:
        """Every upstream has ended, and the node has not begun."""
        return self.status is NodeStatus.PENDING and self.missing == 0

    @property
    def is_given_up(self) -> bool:
        """Interrupted, and not to be run again: too many crashes in a row, or one too many."""
        if self.status is not NodeStatus.INTERRUPTED:
            return False
        node = self.planned.node
        return node.on_interrupt is OnInterrupt.FAIL or self.interruptions >= node.max_interruptions

    def verdict(self) -> Verdict:
        """What the trigger rule says; to be asked only of a node that is judged."""
        return judge(self.rule, self.upstream)


class RunState:
    """A whole run.  Made by ``initial_state``, changed by ``evolve`` and by nothing else.

    ``ready`` holds the nodes that may start, ``closing`` those that will end without starting,
    ``retries`` those that wait for a moment; all in definition order.  ``failed`` and ``stopped``
    keep the order of the log.
    """

    def __init__(self, plan: Plan, run_id: str) -> None:
        self.plan = plan
        self.run_id = run_id
        self.status = RunStatus.PENDING
        self.sequence = 0
        self.attempt = 0
        self.deadline: datetime | None = None
        self.inputs: Raw | BlobRef | None = None
        self.outputs: Raw | BlobRef | None = None
        self.error: NodeError | None = None
        self.nodes = {
            planned.id: NodeState(planned, len(planned.upstream), Upstream())
            for planned in plan.in_order
        }
        self.open_nodes = len(self.nodes)
        self.running: dict[str, None] = {}
        self.failed: dict[str, None] = {}
        self.stopped: dict[str, None] = {}
        self.ready: Queue[int] = Queue(self._is_startable)
        self.closing: Queue[int] = Queue(self._is_closing)
        self.retries: Queue[tuple[datetime, int]] = Queue(self._is_retry)

    @property
    def is_closed(self) -> bool:
        """A terminal event stands at the end; only a resume goes on from here."""
        return self.status in CLOSED

    @property
    def is_settled(self) -> bool:
        """Closed, and nothing that was running is still to report."""
        return self.is_closed and not self.running

    def at(self, order: int) -> NodeState:
        """The node at this place of the definition."""
        return self.nodes[self.plan.in_order[order].id]

    def _is_startable(self, order: int) -> bool:
        node = self.at(order)
        if node.status is NodeStatus.INTERRUPTED:
            return not node.is_given_up and not node.missing
        return node.is_judged and node.verdict() is Verdict.START

    def _is_closing(self, order: int) -> bool:
        node = self.at(order)
        return node.is_given_up or (node.is_judged and node.verdict() is not Verdict.START)

    def _is_retry(self, entry: tuple[datetime, int]) -> bool:
        node = self.at(entry[1])
        is_waiting = node.status is NodeStatus.RETRYING and not node.missing
        return is_waiting and node.retry_at == entry[0]
