"""What a log says so far: the state of the run and of each node.

State is only ever made by folding events (``engine/fold.py``).  It holds no decoded output: an
output stays the bytes that were logged until somebody asks for its value.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw

from indelible.definition.model import Node, OnInterrupt, TriggerRule
from indelible.engine.gate import Gate
from indelible.engine.queue import Queue
from indelible.engine.status import CLOSED, ENDED, NodeStatus, Role, RunStatus
from indelible.engine.trigger_rules import Upstream, Verdict, judge
from indelible.errors import IllegalEventError
from indelible.events import BlobRef, NodeError, Waiting
from indelible.plan import Plan, PlannedNode
from indelible.values import Json


class Past(msgspec.Struct, frozen=True):
    """What outlives a node that is forgotten with its container, for when it comes to be again."""

    attempt: int
    resets: int


class NodeState(msgspec.Struct, eq=False):
    """One node, or one instance of one.

    ``id`` is its path (``deploy[2]/build``), ``prefix`` what stands before the ids of its siblings;
    ``serial`` its place among all nodes in the order in which they came to be.  ``below`` are the
    nodes that depend on it; ``missing`` counts upstream that has not ended, ``upstream`` how the
    rest did.  ``attempt`` only grows; ``tries`` counts the failures since the last reset that
    retries are limited by, ``interruptions`` the crashes in a row, ``resets`` the explicit ones.
    ``roots`` are the nodes that a failure or skip goes back to.

    ``judged`` keeps the verdict on the upstream that has ended so far.

    ``refused`` is why an attempt that has begun is to fail without being made.

    A container (``is_container``: a composite, a map, a loop) has ``children``, of which
    ``open_children`` have not ended.  ``index`` is the place of an instance: from 0 in a map, from
    1 in a loop.
    """

    id: str
    planned: PlannedNode
    role: Role
    serial: int
    prefix: str
    missing: int
    upstream: Upstream
    gate: Gate | None
    is_container: bool
    parent: NodeState | None = None
    index: int | None = None
    below: list[NodeState] | None = None
    children: list[NodeState] | None = None
    open_children: int = 0
    status: NodeStatus = NodeStatus.PENDING
    attempt: int = 0
    tries: int = 0
    interruptions: int = 0
    resets: int = 0
    is_admitted: bool = False
    judged: Verdict | None = None
    retry_at: datetime | None = None
    waiting: Waiting | None = None
    output: Raw | BlobRef | None = None
    error: NodeError | None = None
    refused: NodeError | None = None
    roots: frozenset[str] = frozenset()

    @property
    def node(self) -> Node:
        return self.planned.node

    @property
    def is_instance(self) -> bool:
        return self.index is not None

    @property
    def is_begun(self) -> bool:
        return self.status is not NodeStatus.PENDING

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

    @property
    def is_startable(self) -> bool:
        """May begin, or begin again, as far as its upstream is concerned."""
        if self.status is NodeStatus.PENDING:
            return not self.missing and self.verdict() is Verdict.START
        return self.status is NodeStatus.INTERRUPTED and not self.missing and not self.is_given_up

    @property
    def is_closing(self) -> bool:
        """Will end, or go into its next iteration, without waiting for anything more."""
        if self.status is NodeStatus.PENDING:
            return not self.missing and self.verdict() is not Verdict.START
        if self.status is NodeStatus.RUNNING:
            is_through = not self.open_children and self.is_container
            return is_through or self.refused is not None
        return self.is_given_up

    def verdict(self) -> Verdict:
        """What the trigger rule says; to be asked only of a node that is judged."""
        if self.judged is None:
            # An instance is not judged itself: the node that it is an instance of was.
            is_free = self.index is not None or not self.planned.upstream
            rule = self.planned.node.trigger_rule
            self.judged = Verdict.START if is_free else judge(rule, self.upstream)
        return self.judged


class RunState:
    """A whole run.  Made by ``initial_state``, changed by ``evolve`` and by nothing else.

    ``ready`` holds the nodes that may start now, ``closing`` those that end without starting, and
    the containers of which everything has ended; ``retries`` and ``timers`` those that wait for a
    moment.  ``failed``, ``fatal`` (those of the failed that nothing around them allows) and
    ``stopped`` keep the order of the log.  ``items`` keeps the items of maps at hand; they could be
    computed from the log again.  ``past`` is kept by the paths of forgotten nodes.
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
        self.nodes: dict[str, NodeState] = {}
        self.by_serial: list[NodeState] = []
        self.open_nodes = 0
        self.running: dict[str, None] = {}
        self.waiting: dict[str, None] = {}
        self.failed: dict[str, None] = {}
        self.fatal: dict[str, None] = {}
        self.stopped: dict[str, None] = {}
        self.items: dict[str, list[Json]] = {}
        self.past: dict[str, Past] = {}
        self.ready: Queue[int] = Queue(self._is_ready)
        self.closing: Queue[int] = Queue(lambda serial: self.by_serial[serial].is_closing)
        self.retries: Queue[tuple[datetime, int]] = Queue(self._is_retry)
        self.timers: Queue[tuple[datetime, int]] = Queue(self._is_timer)
        self.gate = Gate(plan.max_parallel, None, self.is_parked) if plan.max_parallel else None

    @property
    def is_closed(self) -> bool:
        """A terminal event stands at the end; only a resume goes on from here."""
        return self.status in CLOSED

    @property
    def is_settled(self) -> bool:
        """Closed, and nothing that was running is still to report."""
        return self.is_closed and not self.running

    def is_parked(self, serial: int) -> bool:
        """May start, but was not let in yet."""
        node = self.by_serial[serial]
        return node.is_startable and not node.is_admitted

    def _is_ready(self, serial: int) -> bool:
        node = self.by_serial[serial]
        return node.is_startable and (node.is_admitted or node.role is not Role.ATTEMPT)

    def _is_retry(self, entry: tuple[datetime, int]) -> bool:
        node = self.by_serial[entry[1]]
        is_waiting = node.status is NodeStatus.RETRYING and not node.missing
        return is_waiting and node.retry_at == entry[0]

    def _is_timer(self, entry: tuple[datetime, int]) -> bool:
        node = self.by_serial[entry[1]]
        return (
            node.status is NodeStatus.WAITING
            and node.waiting is not None
            and node.waiting.until == entry[0]
        )


def illegal(state: RunState, problem: str) -> IllegalEventError:
    """The error for the event that is being folded."""
    return IllegalEventError(problem, sequence=state.sequence)
