"""Where attempts leave how they ended, and the driving thread waits for it."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """All methods may be called from any thread."""

    def __init__(self) -> None:
        self._things: deque[T] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def put(self, thing: T) -> None:
        """Leave ``thing`` there, and wake nobody."""
        self._things.append(thing)

    def ring(self) -> None:
        """Make whoever waits in ``take`` look now."""
        self._bell.put(None)  # SimpleQueue.put is reentrant: safe in a signal handler

    def ring_if_full(self) -> None:
        """The same, unless there is nothing to see."""
        if self._things:
            self.ring()

    def take(self, seconds: float) -> list[T] | None:
        """All that is there once somebody has rung, or after ``seconds``; None if nothing is and
        nobody rang.  What was left without a word is no reason to come at once: more is to follow.
        """
        if not seconds:
            return self._all() or None
        try:
            self._bell.get(timeout=seconds)
        except Empty:
            return self._all() or None
        with suppress(Empty):
            while True:
                self._bell.get_nowait()
        return self._all()

    def _all(self) -> list[T]:
        found: list[T] = []
        try:
            while self._things:
                found.append(self._things.popleft())
        except IndexError:
            pass  # another thread was quicker
        return found
