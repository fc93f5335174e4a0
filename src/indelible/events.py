"""The eight facts a run is made of, and the envelope each one travels in.  Nothing else is stored.

A field is only ever added, always with a default: logs of every release are read for ever.  What a
reader does not know it ignores, except an event type: a ninth is refused, on write and on read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, UnsetType

FORMAT = 1
"""The format of the logs this version writes, and the greatest it reads."""

MAX_NAMED = 10
"""How many root causes an event names; the count beside them is exact."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What all payloads have in common: they never change, and leave out what they do not say."""


class BlobRef(msgspec.Struct, frozen=True, kw_only=True):
    """A value too large for its event, kept beside the log.  ``bytes`` is its size in bytes."""

    sha256: str
    bytes: int


class ForkedFrom(Fact, frozen=True):
    """The run, and how far into its log, that a forked run took its first outcomes from."""

    run_id: str
    sequence: int


class NodeError(Fact, frozen=True):
    """Why an attempt failed.  ``type`` is what ``retry.on`` names: ExitCode, Timeout, ValueError…

    ``bases`` are the names of the exception's base classes, nearest first, so that ``retry.on`` can
    name one of them; empty for failures that are not Python exceptions.
    """

    type: str
    message: str
    exit_code: int | None = None
    traceback: str | None = None
    bases: tuple[str, ...] = ()


class WorkflowStarted(Fact, frozen=True):
    """The run began (attempt 1) or was resumed (attempt 2, 3, …).

    ``definition`` is whole in attempt 1 and again only if it changed.  ``interrupted`` were in
    flight when the last attempt died; ``reset`` are as if never started, ``reset_explicitly`` those
    of them that somebody asked for; ``changed`` have a new definition or source.
    """

    format: int
    workflow: str
    attempt: int
    definition_digest: str
    engine: str
    definition: Raw | UnsetType = UNSET
    definition_blob: BlobRef | None = None
    source: str = ""
    inputs: Raw | UnsetType = UNSET
    inputs_blob: BlobRef | None = None
    deadline: datetime | None = None
    interrupted: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reset_explicitly: tuple[str, ...] = ()
    forked_from: ForkedFrom | None = None


class WorkflowCompleted(Fact, frozen=True):
    """Every node ended and none of them failed."""

    outputs: Raw | UnsetType = UNSET
    outputs_blob: BlobRef | None = None


class WorkflowFailed(Fact, frozen=True):
    """``failed`` are the nodes that caused it, ten at most; ``failed_count`` is their number."""

    error: NodeError
    failed: tuple[str, ...] = ()
    failed_count: int = 0


class WorkflowCancelled(Fact, frozen=True):
    """Somebody stopped the run for good."""

    reason: str
    by: str


class Waiting(Fact, frozen=True):
    """What a started node waits for: a moment, or an answer to ``message``, one of ``choices``."""

    until: datetime | None = None
    message: str | None = None
    choices: tuple[str, ...] = ()


class NodeStarted(Fact, frozen=True):
    """An attempt begins.  This is durable before its work is.

    ``instances`` and ``items_digest`` (of the items as JSON) say what a map was expanded to.
    ``refused`` is the error of an expression of the node that has no value: nothing is executed,
    and a ``node_failed`` with it follows in the same append, or after a crash between the two.
    ``at`` is when it happened, in node events that a fork took over; else the envelope says it.
    """

    node_id: str
    attempt: int
    waiting: Waiting | None = None
    instances: int | None = None
    items_digest: str | None = None
    refused: NodeError | None = None
    at: datetime | None = None


class NodeCompleted(Fact, frozen=True):
    """A node succeeded.  ``duration`` of the attempt in seconds; the output stands only here.

    ``output_from`` are the inner nodes whose outputs make that of a composite, a map or a loop.
    """

    node_id: str
    attempt: int
    duration: float = 0.0
    output: Raw | UnsetType = UNSET
    output_blob: BlobRef | None = None
    output_from: tuple[str, ...] | None = None
    at: datetime | None = None


class NodeFailed(Fact, frozen=True):
    """An attempt failed.  ``retry_at`` was decided once, in the shell; without it this is final."""

    node_id: str
    attempt: int
    error: NodeError
    duration: float = 0.0
    retry_at: datetime | None = None
    at: datetime | None = None


class NodeSkipped(Fact, frozen=True):
    """The node was judged and did not start.

    ``reason`` is ``trigger_rule`` or ``when``; ``rule`` or ``when`` says which; ``upstream`` counts
    outcomes; ``cause`` names the nodes it all goes back to, ten at most, ``cause_count`` in all.
    """

    node_id: str
    reason: str
    rule: str | None = None
    when: str | None = None
    upstream: Mapping[str, int] = {}
    cause: tuple[str, ...] = ()
    cause_count: int = 0
    upstream_failed: bool = False
    at: datetime | None = None


Event = (
    WorkflowStarted
    | WorkflowCompleted
    | WorkflowFailed
    | WorkflowCancelled
    | NodeStarted
    | NodeCompleted
    | NodeFailed
    | NodeSkipped
)

EVENT_TYPES: Mapping[str, type[Event]] = {
    "workflow_started": WorkflowStarted,
    "workflow_completed": WorkflowCompleted,
    "workflow_failed": WorkflowFailed,
    "workflow_cancelled": WorkflowCancelled,
    "node_started": NodeStarted,
    "node_completed": NodeCompleted,
    "node_failed": NodeFailed,
    "node_skipped": NodeSkipped,
}
TYPE_NAMES: Mapping[type[Event], str] = {kind: name for name, kind in EVENT_TYPES.items()}
TERMINAL_TYPES = frozenset({"workflow_completed", "workflow_failed", "workflow_cancelled"})


class Sealed(msgspec.Struct, frozen=True):
    """One event as it is stored: the envelope around the exact payload bytes that were hashed.

    ``timestamp`` is RFC 3339 UTC with microseconds; ``digest`` is this line's link in the chain.
    """

    run_id: str
    sequence: int
    event_type: str
    timestamp: str
    payload: bytes
    digest: str

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.timestamp)

    @property
    def is_terminal(self) -> bool:
        return self.event_type in TERMINAL_TYPES
