"""When each node began and ended, and how long its last attempt took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from indelible.engine.status import ENDED, NodeStatus
from indelible.events import Sealed
from indelible.projections.glimpse import Glimpse, glimpse, status_after


class NodeTimes(msgspec.Struct, frozen=True):
    """``started`` is when the last attempt began, ``ended`` when the node did; None: not yet.

    ``duration`` of the last attempt that ended, in seconds; ``attempts`` counts them all.
    """

    started: datetime | None = None
    ended: datetime | None = None
    duration: float | None = None
    attempts: int = 0


_BEGUN = frozenset({NodeStatus.RUNNING, NodeStatus.WAITING})

NEVER = NodeTimes()
"""The times of a node that no event names."""


def node_times(events: Iterable[Sealed]) -> dict[str, NodeTimes]:
    """The times of every node that an event of this log names."""
    found: dict[str, NodeTimes] = {}
    for event in events:
        seen = glimpse(event)
        status = status_after(event.event_type, seen, is_allowed=False)
        if status is not None:
            found[seen.node_id] = _moved(found.get(seen.node_id, NEVER), status, seen, event.at)
        for name in seen.reset:
            found[name] = NodeTimes(attempts=found.get(name, NEVER).attempts)
    return found


def _moved(times: NodeTimes, status: NodeStatus, seen: Glimpse, at: datetime) -> NodeTimes:
    if status in _BEGUN:
        return NodeTimes(started=at, attempts=seen.attempt)
    # A failure that took no time leaves its duration out; what never began has none.
    took = None if times.started is None else seen.duration or 0.0
    return msgspec.structs.replace(times, ended=at if status in ENDED else None, duration=took)
