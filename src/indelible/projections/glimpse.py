"""What an event says about nodes, read without its large parts: no output, no definition.

A log of thousands of events is listed, timed and followed by these few fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from indelible.engine.status import STOPPED, NodeStatus
from indelible.errors import CorruptLogError
from indelible.events import NodeError, Sealed, Waiting


class Glimpse(msgspec.Struct, frozen=True):
    """The fields of all eight payloads that views need; what an event does not have is empty.

    ``duration`` in seconds; ``retry_at`` as it stands in the log.
    """

    node_id: str = ""
    attempt: int = 0
    duration: float | None = None
    error: NodeError | None = None
    retry_at: str | None = None
    upstream_failed: bool = False
    waiting: Waiting | None = None
    instances: int | None = None
    interrupted: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(Glimpse).decode


def glimpse(event: Sealed) -> Glimpse:
    """Raises ``CorruptLogError`` for a payload that is no payload."""
    try:
        return _decode(event.payload)
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8
        raise CorruptLogError(
            f"event {event.sequence} ({event.event_type}): {error}", place=f"run {event.run_id}"
        ) from error


def _after_start(seen: Glimpse) -> NodeStatus:
    return NodeStatus.RUNNING if seen.waiting is None else NodeStatus.WAITING


def _after_failure(seen: Glimpse) -> NodeStatus:
    return NodeStatus.FAILED if seen.retry_at is None else NodeStatus.RETRYING


def _after_skip(seen: Glimpse) -> NodeStatus:
    return NodeStatus.UPSTREAM_FAILED if seen.upstream_failed else NodeStatus.SKIPPED


_STATUS: Mapping[str, Callable[[Glimpse], NodeStatus]] = {
    "node_started": _after_start,
    "node_completed": lambda seen: NodeStatus.SUCCESS,
    "node_failed": _after_failure,
    "node_skipped": _after_skip,
}


def status_after(event_type: str, seen: Glimpse, *, is_allowed: bool) -> NodeStatus | None:
    """Where the event leaves its node; None for events that are about the run.

    ``is_allowed`` says that the node may fail.
    """
    find = _STATUS.get(event_type)
    status = None if find is None else find(seen)
    if status is NodeStatus.FAILED and is_allowed and seen.error and seen.error.type != STOPPED:
        return NodeStatus.ALLOWED
    return status
