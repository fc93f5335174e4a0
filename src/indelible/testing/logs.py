"""Logs made by hand, sealed and chained as the engine would."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from indelible.events import Event, NodeCompleted, NodeStarted, Sealed, WorkflowStarted
from indelible.stores.codec import first_digest, format_time, seal

BEGINNING = datetime(2026, 11, 23, 2, 37, tzinfo=UTC)


def sealed_log(
    run_id: str, events: Iterable[Event], *, after: Sealed | None = None
) -> tuple[Sealed, ...]:
    """``events`` as a log of ``run_id``, or as what follows ``after`` in it, a second apart."""
    sequence = after.sequence if after else 0
    previous = after.digest if after else first_digest(run_id)
    sealed = []
    for event in events:
        sequence += 1
        timestamp = format_time(BEGINNING + timedelta(seconds=sequence))
        sealed.append(
            seal(event, run_id=run_id, sequence=sequence, timestamp=timestamp, previous=previous)
        )
        previous = sealed[-1].digest
    return tuple(sealed)


def some_log(run_id: str, length: int, *, after: Sealed | None = None) -> tuple[Sealed, ...]:
    """``length`` events of a run that starts and completes one node after the other."""
    first = after.sequence if after else 0
    return sealed_log(run_id, [_event(first + i) for i in range(length)], after=after)


def _event(index: int) -> Event:
    if index == 0:
        return WorkflowStarted(
            format=1, workflow="w", attempt=1, definition_digest="0" * 64, engine="test"
        )
    node = f"n{(index + 1) // 2}"
    if index % 2 == 1:
        return NodeStarted(node_id=node, attempt=1)
    return NodeCompleted(node_id=node, attempt=1, duration=0.5)
