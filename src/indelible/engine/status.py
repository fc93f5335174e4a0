"""Where a run and its nodes can stand, what a node is for its run, and the table of legal moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from indelible.definition.model import Approval, Composite, Node, Wait

STOPPED = "Stopped"
"""Error type of a node that was stopped with its run; never allowed, always reset by a resume."""

INTERRUPTED = "Interrupted"
"""Error type of an attempt that ended with its driver; counted against nothing."""


class _Word(StrEnum):
    """One of a few words.  Hashed as the text it is: Enum's own hash is written in Python, and
    these are looked up in tables several times an event.
    """

    __hash__ = str.__hash__


class RunStatus(_Word):
    """Where a run stands.  The last three are closed; only a resume opens them again."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeStatus(_Word):
    """Where a node stands.  The last five are the outcomes that trigger rules count."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
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


class Role(_Word):
    """What starting a node means: an attempt somewhere, a wait, or nodes inside it."""

    ATTEMPT = "attempt"
    APPROVAL = "approval"
    TIMER = "timer"
    COMPOSITE = "composite"
    MAP = "map"
    LOOP = "loop"


CONTAINERS = frozenset({Role.COMPOSITE, Role.MAP, Role.LOOP})
WAITS = frozenset({Role.APPROVAL, Role.TIMER})
_ROLES: Mapping[type, Role] = {
    Approval: Role.APPROVAL,
    Wait: Role.TIMER,
    Composite: Role.COMPOSITE,
}


def role_of(node: Node, *, is_instance: bool) -> Role:
    """The role of a node, or of one instance of a node with ``for_each`` or ``loop``."""
    if not is_instance and node.for_each is not None:
        return Role.MAP
    if not is_instance and node.loop is not None:
        return Role.LOOP
    return _ROLES.get(type(node.body), Role.ATTEMPT)


class Move(_Word):
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
    Move.COMPLETE: frozenset({NodeStatus.RUNNING, NodeStatus.WAITING}),
    Move.FAIL: frozenset({NodeStatus.RUNNING, NodeStatus.WAITING, NodeStatus.INTERRUPTED}),
    Move.RETRY: frozenset({NodeStatus.RUNNING}),
    Move.SKIP: frozenset({NodeStatus.PENDING}),
}
MOVES_AFTER_CANCEL = frozenset({Move.COMPLETE, Move.FAIL})
