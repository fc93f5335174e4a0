"""Nodes that wait for their turn, in order: a heap that can be looked through unchanged.

``decide`` is pure, so it may only look; ``evolve`` takes out what has moved on.  An entry that no
longer holds (its node started, or was reset) stays until it comes to the top.  To look at k entries
costs O(k log k), and each entry is pushed and popped once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import TypeVar

T = TypeVar("T", int, tuple[datetime, int])


class Queue(list[T]):
    """``is_due`` tells whether an entry still holds; entries for which it does not are not seen.

    It is the list that the heap is kept in, so that asking whether there is anything costs nothing;
    an empty one is false, another may still have nothing to see.
    """

    __slots__ = ("_is_due",)

    def __init__(self, is_due: Callable[[T], bool]) -> None:
        super().__init__()
        self._is_due: Callable[[T], bool] = is_due

    def push(self, entry: T) -> None:
        heappush(self, entry)

    def leave(self, entry: T) -> None:
        """``entry`` has moved on, and so perhaps have others.  Most often it is the smallest."""
        if self and self[0] == entry:
            heappop(self)
        elif self:
            self.settle()

    def settle(self) -> None:
        """Forget entries at the top that no longer hold."""
        is_due = self._is_due
        while self and not is_due(self[0]):
            heappop(self)

    def take(self) -> T | None:
        """Take out the smallest entry that holds; None if there is none."""
        self.settle()
        return heappop(self) if self else None

    def first(self) -> T | None:
        """The smallest entry that holds."""
        return next(iter(self), None)

    def __iter__(self) -> Iterator[T]:
        """All entries that hold, smallest first, each once; the heap itself is left alone."""
        fringe = [(self[0], 0)] if self else []
        last: T | None = None
        while fringe:
            entry, place = heappop(fringe)
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(self):
                    heappush(fringe, (self[child], child))
            if entry != last and self._is_due(entry):
                yield entry
            last = entry
