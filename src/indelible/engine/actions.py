"""What ``decide`` can ask for, and the events that announce each of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

import msgspec
from msgspec import Raw

from indelible.events import (
    BlobRef,
    Event,
    NodeError,
    NodeFailed,
    NodeSkipped,
    NodeStarted,
    WorkflowCompleted,
    WorkflowFailed,
)


class _Action(msgspec.Struct, frozen=True):
    """Actions are data: compared, printed, never changed."""


class StartNode(_Action, frozen=True):
    """Begin an attempt; its values are rendered already, as JSON."""

    node_id: str
    attempt: int
    arguments: Mapping[str, bytes] = {}
    env: Mapping[str, str] = {}


class RefuseNode(_Action, frozen=True):
    """An expression of the node has no value: the attempt begins and fails in one append."""

    node_id: str
    attempt: int
    error: NodeError


class FailNode(_Action, frozen=True):
    """An interrupted attempt is not made again."""

    node_id: str
    attempt: int
    error: NodeError


class SkipNode(_Action, frozen=True):
    """The node was judged and does not start; the event says why."""

    event: NodeSkipped


class StopNode(_Action, frozen=True):
    """Stop a running attempt.  Its outcome is recorded when it arrives, so no event follows yet."""

    node_id: str
    error: NodeError


class FetchBlob(_Action, frozen=True):
    """An expression needs this value; load it and decide again."""

    ref: BlobRef


class CompleteRun(_Action, frozen=True):
    """Everything ended well.  ``outputs`` are JSON, None if the workflow declares none."""

    outputs: bytes | None = None


class FailRun(_Action, frozen=True):
    """The run is over and did not succeed."""

    event: WorkflowFailed


Action = StartNode | RefuseNode | FailNode | SkipNode | StopNode | FetchBlob | CompleteRun | FailRun


Keep = Callable[[bytes], Raw | BlobRef]
"""Puts a value where it belongs: as it is into the event, or into a blob beside the log."""


def events_of(action: Action, keep: Keep) -> tuple[Event, ...]:
    """The events that must be in the log before ``action`` takes effect."""
    match action:
        case StartNode(node_id, attempt):
            return (NodeStarted(node_id=node_id, attempt=attempt),)
        case RefuseNode(node_id, attempt, error):
            return (
                NodeStarted(node_id=node_id, attempt=attempt),
                NodeFailed(node_id=node_id, attempt=attempt, error=error),
            )
        case FailNode(node_id, attempt, error):
            return (NodeFailed(node_id=node_id, attempt=attempt, error=error),)
        case SkipNode(event):
            return (event,)
        case FailRun(event):
            return (event,)
        case CompleteRun(outputs):
            return (WorkflowCompleted() if outputs is None else _completed(keep(outputs)),)
        case StopNode() | FetchBlob():
            return ()
        case _:
            assert_never(action)


def _completed(outputs: Raw | BlobRef) -> WorkflowCompleted:
    if isinstance(outputs, BlobRef):
        return WorkflowCompleted(outputs_blob=outputs)
    return WorkflowCompleted(outputs=outputs)
