"""Reading a log file: verified events, and what stands where they end.

A log ends cleanly, in a torn append (a crash cut it short; it was never acknowledged), or in
damage.  The head decides which: nothing before it can be torn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from indelible.errors import CorruptLogError
from indelible.events import Sealed
from indelible.stores.codec import MAX_LINE, first_digest, follows, next_event, parse_line
from indelible.stores.head import Head

SECTOR = 512
"""A disk writes sectors of this many bytes whole or not at all."""


class Position(msgspec.Struct, frozen=True):
    """The end of an event in its file: how many events, how many bytes, and the chain so far."""

    sequence: int
    offset: int
    digest: str
    timestamp: str = ""


def start_of(run_id: str) -> Position:
    """Before the first event."""
    return Position(0, 0, first_digest(run_id))


def position_of(head: Head) -> Position:
    """Where a head points to."""
    return Position(head.sequence, head.offset, head.digest)


class Scan:
    """Verified events of ``file`` from ``start`` on.  Iterate once, then ask how it ended.

    ``end`` is the position after the last good event.  ``tail`` is what stands beyond it, empty
    after a clean end; ``problem`` says why it is not an event.
    """

    def __init__(
        self, file: BinaryIO, run_id: str, start: Position, head: Head, *, place: str
    ) -> None:
        self.end = start
        self.tail = b""
        self.problem = ""
        self._file = file
        self._run_id = run_id
        self._head = head
        self._place = place

    def __iter__(self) -> Iterator[Sealed]:
        self._file.seek(self.end.offset)
        while line := self._file.readline(MAX_LINE + 2):
            end = self.end
            event = next_event(
                line,
                run_id=self._run_id,
                sequence=end.sequence,
                previous=end.digest,
                timestamp=end.timestamp,
            )
            if event is None:
                event = self._verified(line)  # it says what is wrong
            if event is None:
                self.tail = line + self._file.read()
                return
            self.end = Position(
                event.sequence, end.offset + len(line), event.digest, event.timestamp
            )
            if event.sequence == self._head.sequence:
                self._check_head()
            yield event

    def _verified(self, line: bytes) -> Sealed | None:
        if not line.endswith(b"\n"):
            self.problem = "the line has no end"
            return None
        event = parse_line(line[:-1])
        if isinstance(event, str):
            self.problem = event
            return None
        before = self.end
        self.problem = follows(
            event,
            run_id=self._run_id,
            sequence=before.sequence,
            previous=before.digest,
            timestamp=before.timestamp,
        )
        return None if self.problem else event

    def _check_head(self) -> None:
        """The event that ends where the head points must be the one that the head names."""
        end, head = self.end, self._head
        if (end.offset, end.digest) != (head.offset, head.digest):
            self.problem = "this event is not the one that the head names"
            raise self.damage()

    @property
    def is_short(self) -> bool:
        """Acknowledged events are missing."""
        return self.end.sequence < self._head.sequence or self.end.offset < self._head.offset

    @property
    def is_torn(self) -> bool:
        """What is left is what a crash leaves of an append: cut short, or with sectors missing."""
        return not self.is_short and is_torn(self.tail, self.end.offset)

    def damage(self) -> CorruptLogError:
        """The error for an end that is neither clean nor torn."""
        missing = self._head.sequence - self.end.sequence
        problem = self.problem or f"the log ends {missing} acknowledged events too early"
        return CorruptLogError(
            problem,
            place=self._place,
            line=self.end.sequence + 1,
            offset=self.end.offset,
            hint="Nothing was changed. Restore the run from a copy; "
            "the events before this line are whole.",
        )


def is_torn(tail: bytes, offset: int) -> bool:
    """Whether ``tail``, which stands at ``offset``, can be what a crash left of one append.

    Its last byte is missing, or a sector of it never reached the disk and reads as zeros (etcd's
    rule for its log).  Anything else was written whole and changed later.
    """
    if not tail:
        return False
    if not tail.endswith(b"\n"):
        return True
    first = SECTOR - offset % SECTOR
    sectors = [tail[:first], *(tail[at : at + SECTOR] for at in range(first, len(tail), SECTOR))]
    return any(not sector.strip(b"\0") for sector in sectors if sector)
