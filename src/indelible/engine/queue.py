"""Nodes that wait for their turn, in order: a heap that can be looked through unchanged.

``decide`` is pure, so it may only look; ``evolve`` takes out what has moved on.  An entry that no
longer holds (its node started, or was reset) stays until it comes to the top.  To look at k entries
costs O(k log k), and each entry is pushed and popped once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T", int, tuple[datetime, int])


class Queue(Generic[T]):
    """``is_due`` tells whether an entry still holds; entries for which it does not are not seen."""

    def __init__(self, is_due: Callable[[T], bool]) -> None:
        self._heap: list[T] = []
        self._is_due: Callable[[T], bool] = is_due

    def push(self, entry: T) -> None:
        heappush(self._heap, entry)

    def leave(self, entry: T) -> None:
        """``entry`` has moved on, and so perhaps have others.  Most often it is the smallest."""
        if self._heap and self._heap[0] == entry:
            heappop(self._heap)
        else:
            self.settle()

    def settle(self) -> None:
        """Forget entries at the top that no longer hold."""
        heap, is_due = self._heap, self._is_due
        while heap and not is_due(heap[0]):
            heappop(heap)

    def pop(self) -> T | None:
        """Take out the smallest entry that holds; None if there is none."""
        self.settle()
        return heappop(self._heap) if self._heap else None

    def __bool__(self) -> bool:
        """False only if there is nothing to see."""
        return bool(self._heap)

    def first(self) -> T | None:
        """The smallest entry that holds."""
        return next(iter(self), None)

    def __iter__(self) -> Iterator[T]:
        """All entries that hold, smallest first, each once; the heap itself is left alone."""
        heap = self._heap
        fringe = [(heap[0], 0)] if heap else []
        last: T | None = None
        while fringe:
            entry, place = heappop(fringe)
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(heap):
                    heappush(fringe, (heap[child], child))
            if entry != last and self._is_due(entry):
                yield entry
            last = entry
