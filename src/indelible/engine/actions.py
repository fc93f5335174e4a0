"""What ``decide`` can ask for, and the events that announce each of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

import msgspec
from msgspec import UNSET, Raw

from indelible.events import (
    BlobRef,
    Event,
    NodeCompleted,
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


class OpenNode(_Action, frozen=True):
    """Begin to wait, or begin with what is inside a container; nothing is executed."""

    event: NodeStarted


class RefuseNode(_Action, frozen=True):
    """An expression of the node has no value: the attempt begins and fails in one append."""

    node_id: str
    attempt: int
    error: NodeError


class CompleteNode(_Action, frozen=True):
    """A timer came due, or all that is inside a container has ended well.

    ``output`` is JSON; without one the output is that of the nodes in ``output_from``.
    """

    node_id: str
    attempt: int
    output: bytes | None = None
    output_from: tuple[str, ...] | None = None


class FailNode(_Action, frozen=True):
    """An interrupted attempt is not made again, or what is inside a container failed."""

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


class FetchBlobs(_Action, frozen=True):
    """An expression needs these values; load them and decide again."""

    refs: tuple[BlobRef, ...]


class CompleteRun(_Action, frozen=True):
    """Everything ended well.  ``outputs`` are JSON, None if the workflow declares none."""

    outputs: bytes | None = None


class FailRun(_Action, frozen=True):
    """The run is over and did not succeed."""

    event: WorkflowFailed


Action = (
    StartNode
    | OpenNode
    | RefuseNode
    | CompleteNode
    | FailNode
    | SkipNode
    | StopNode
    | FetchBlobs
    | CompleteRun
    | FailRun
)

Keep = Callable[[bytes], Raw | BlobRef]
"""Puts a value where it belongs: as it is into the event, or into a blob beside the log."""


def events_of(action: Action, keep: Keep) -> tuple[Event, ...]:
    """The events that must be in the log before ``action`` takes effect."""
    match action:
        case StartNode(node_id, attempt):
            return (NodeStarted(node_id=node_id, attempt=attempt),)
        case RefuseNode(node_id, attempt, error):
            return (
                NodeStarted(node_id=node_id, attempt=attempt, refused=error),
                NodeFailed(node_id=node_id, attempt=attempt, error=error),
            )
        case FailNode(node_id, attempt, error):
            return (NodeFailed(node_id=node_id, attempt=attempt, error=error),)
        case CompleteNode():
            return (_node_completed(action, keep),)
        case OpenNode(event) | SkipNode(event) | FailRun(event):
            return (event,)
        case CompleteRun(outputs):
            return (_run_completed(outputs, keep),)
        case StopNode() | FetchBlobs():
            return ()
        case _:
            assert_never(action)


def _node_completed(action: CompleteNode, keep: Keep) -> NodeCompleted:
    kept = None if action.output is None else keep(action.output)
    return NodeCompleted(
        node_id=action.node_id,
        attempt=action.attempt,
        output=kept if isinstance(kept, Raw) else UNSET,
        output_blob=kept if isinstance(kept, BlobRef) else None,
        output_from=action.output_from,
    )


def _run_completed(outputs: bytes | None, keep: Keep) -> WorkflowCompleted:
    kept = None if outputs is None else keep(outputs)
    if isinstance(kept, BlobRef):
        return WorkflowCompleted(outputs_blob=kept)
    return WorkflowCompleted() if kept is None else WorkflowCompleted(outputs=kept)
