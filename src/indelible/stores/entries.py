"""Appends that wait for the database, so that one commit can take all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from indelible.errors import ConflictError, IllegalEventError
from indelible.events import Sealed
from indelible.stores import chain
from indelible.stores.database import Database, Row


class Entry:
    """One call of ``append``; ``error`` is what it raises once it ``is_done``."""

    __slots__ = ("error", "events", "expected", "is_done", "run_id")

    def __init__(self, run_id: str, events: Sequence[Sealed], expected: int) -> None:
        self.run_id = run_id
        self.events = events
        self.expected = expected
        self.error: BaseException | None = None
        self.is_done = False

    @property
    def is_terminal(self) -> bool:
        return self.events[-1].is_terminal

    def add(self, database: Database) -> Row | None:
        """Insert the events, inside a transaction; their last row.  None if they do not fit."""
        end = database.end(self.run_id)
        if end.sequence != self.expected:
            self.error = ConflictError(self.run_id, expected=self.expected, found=end.sequence)
            return None
        try:
            last = chain.check_next(self.events, run_id=self.run_id, end=end)
        except IllegalEventError as error:
            self.error = error
            return None
        return Row(database.add(self.events), self.run_id, last.sequence, last.digest)


class Entries:
    """Those that wait.  May be used from any thread."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque()

    def put(self, entry: Entry) -> None:
        self._waiting.append(entry)

    def take(self) -> list[Entry]:
        """All of them, in the order in which they came."""
        taken: list[Entry] = []
        with suppress(IndexError):
            while True:
                taken.append(self._waiting.popleft())
        return taken
