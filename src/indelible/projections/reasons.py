"""What an event says, and why a node was skipped, in one line for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from indelible.events import (
    Event,
    NodeCompleted,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    Sealed,
    WorkflowCancelled,
    WorkflowCompleted,
    WorkflowFailed,
    WorkflowStarted,
)
from indelible.projections.glimpse import glimpse
from indelible.stores.codec import open_event


def explained(event: Event) -> str:
    """The event without its type and its node; values are left out, however small."""
    match event:
        case WorkflowStarted():
            return _opening(event)
        case WorkflowCompleted():
            return ""
        case WorkflowFailed():
            return error_line(event.error)
        case WorkflowCancelled():
            return ": ".join(filter(None, [f"by {event.by}", event.reason]))
        case NodeStarted():
            return f"attempt {event.attempt}" if event.attempt > 1 else ""
        case NodeCompleted():
            return f"in {event.duration:.3f} s"
        case NodeFailed():
            return _failure(event)
        case NodeSkipped():
            return why_skipped(event)
        case _:
            assert_never(event)


def error_line(error: NodeError) -> str:
    """``type: message``, its first line only; ``show`` has the rest."""
    message = error.message.strip().partition("\n")[0]
    return f"{error.type}: {message}" if message else error.type


def why_skipped(event: NodeSkipped) -> str:
    """The rule or condition, what it saw upstream, and the nodes it goes back to."""
    if event.reason == "when":
        said = f"when: {event.when}"
    else:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in event.upstream.items())
        said = f"{event.rule} with {counts}" if counts else str(event.rule)
    return said + _because(event)


def skips(events: Iterable[Sealed]) -> dict[str, NodeSkipped]:
    """Why each node that is skipped was, by its id."""
    found: dict[str, NodeSkipped] = {}
    for sealed in events:
        event = open_event(sealed) if sealed.event_type == "node_skipped" else None
        if isinstance(event, NodeSkipped):
            found[event.node_id] = event
        elif sealed.event_type == "workflow_started":
            for name in glimpse(sealed).reset:
                found.pop(name, None)
    return found


def _failure(event: NodeFailed) -> str:
    retry = "" if event.retry_at is None else f" (again at {event.retry_at:%H:%M:%S} UTC)"
    return error_line(event.error) + retry


def _opening(event: WorkflowStarted) -> str:
    parts = [event.workflow, f"attempt {event.attempt}"]
    parts += [f"interrupted: {', '.join(event.interrupted)}"] if event.interrupted else []
    parts += [f"again: {', '.join(event.reset)}"] if event.reset else []
    return "; ".join(parts)


def _because(event: NodeSkipped) -> str:
    roots = [name for name in event.cause if name != event.node_id]
    if not roots:
        return ""
    more = event.cause_count - len(event.cause)
    return f", because of {', '.join(roots)}" + (f" and {more} more" if more > 0 else "")
