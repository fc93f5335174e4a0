"""A run in one line: where it stands, since when, and how many of its nodes ended how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, Raw

from indelible.engine.state import NodeStatus, RunStatus
from indelible.errors import CorruptLogError
from indelible.events import NodeError, Sealed, WorkflowStarted
from indelible.projections.glimpse import glimpse, status_after
from indelible.stores.codec import open_event

_AFTER: Mapping[str, RunStatus] = {
    "workflow_started": RunStatus.RUNNING,
    "workflow_completed": RunStatus.COMPLETED,
    "workflow_failed": RunStatus.FAILED,
    "workflow_cancelled": RunStatus.CANCELLED,
}


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """``nodes`` counts them by status; ``ended_at`` is None while the run is open.

    ``events`` is the length of the log, ``error`` that of a run that failed.
    """

    run_id: str
    workflow: str
    status: RunStatus
    attempt: int
    started_at: datetime
    ended_at: datetime | None
    events: int
    nodes: Mapping[str, int]
    error: NodeError | None = None

    @property
    def total(self) -> int:
        """How many nodes the workflow has."""
        return sum(self.nodes.values())


class _Flags(msgspec.Struct):
    id: str
    allow_failure: bool = False


class _Outline(msgspec.Struct):
    nodes: tuple[_Flags, ...] = ()


class _Count:
    """Follows the events and remembers one status a node."""

    def __init__(self, outline: _Outline) -> None:
        self.status = RunStatus.PENDING
        self.attempt = 0
        self.error: NodeError | None = None
        self.nodes = {node.id: NodeStatus.PENDING for node in outline.nodes}
        self._allowed = {node.id for node in outline.nodes if node.allow_failure}

    def add(self, event: Sealed) -> None:
        seen = glimpse(event)
        status = status_after(event.event_type, seen, is_allowed=seen.node_id in self._allowed)
        if status is not None:
            self.nodes[seen.node_id] = status
            return
        self.status = _AFTER[event.event_type]
        self.error = seen.error
        if event.event_type == "workflow_started":
            self.attempt = seen.attempt
            self.nodes.update(dict.fromkeys(seen.interrupted, NodeStatus.INTERRUPTED))
            self.nodes.update(dict.fromkeys(seen.reset, NodeStatus.PENDING))


def summarise(events: Iterable[Sealed], *, definition: bytes | None = None) -> RunSummary:
    """The summary of a log that has at least one event.

    ``definition`` is the one the run began with; it is needed only if the log keeps it in a blob.
    Raises ``CorruptLogError``, ``NewerLogError``.  What stands in the log is taken as legal.
    """
    remaining = iter(events)
    first = next(remaining)
    started = _start_in(first)
    inline = b"{}" if started.definition is UNSET else started.definition
    count = _Count(_outline(definition or inline, first.run_id))
    count.add(first)
    last = first
    for last in remaining:
        count.add(last)
    return RunSummary(
        run_id=first.run_id,
        workflow=started.workflow,
        status=count.status,
        attempt=count.attempt,
        started_at=first.at,
        ended_at=None if count.status is RunStatus.RUNNING else last.at,
        events=last.sequence,
        nodes=Counter(status.value for status in count.nodes.values()),
        error=count.error,
    )


def _start_in(first: Sealed) -> WorkflowStarted:
    event = open_event(first)
    if isinstance(event, WorkflowStarted):
        return event
    raise CorruptLogError(
        f"the first event is {first.event_type}, not workflow_started",
        place=f"run {first.run_id}",
    )


def _outline(definition: bytes | Raw, run_id: str) -> _Outline:
    try:
        return msgspec.json.decode(definition, type=_Outline)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CorruptLogError(f"not a definition: {error}", place=f"run {run_id}") from error
