"""Where a log ends, and whether events go on from there.  Pure; shared by all stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from indelible.errors import CorruptLogError, IllegalEventError
from indelible.events import Sealed
from indelible.stores import codec


class End(msgspec.Struct, frozen=True):
    """The last event of a log, as far as the next one depends on it."""

    sequence: int
    digest: str
    timestamp: str


def beginning(run_id: str) -> End:
    """The end of a log that has no event yet."""
    return End(0, codec.first_digest(run_id), "")


def after(event: Sealed) -> End:
    """The end of a log whose last event is ``event``."""
    return End(event.sequence, event.digest, event.timestamp)


def check_next(events: Iterable[Sealed], *, run_id: str, end: End) -> End:
    """Where the log ends with ``events``.  Raises ``IllegalEventError`` if they do not follow."""
    for event in events:
        wrong = _wrong(event, run_id, end)
        if wrong:
            raise IllegalEventError(f"run {run_id}: {wrong}", sequence=event.sequence)
        end = after(event)
    return end


def verified(events: Iterable[Sealed], *, run_id: str, end: End, place: str) -> Iterator[Sealed]:
    """The events up to the first that does not follow: that one is a ``CorruptLogError``."""
    for event in events:
        wrong = _wrong(event, run_id, end)
        if wrong:
            raise CorruptLogError(f"event {end.sequence + 1}: {wrong}", place=place)
        end = after(event)
        yield event


def _wrong(event: Sealed, run_id: str, end: End) -> str:
    return codec.follows(
        event,
        run_id=run_id,
        sequence=end.sequence,
        previous=end.digest,
        timestamp=end.timestamp,
    )
