"""A layer over the calls that reach the disk: how many syncs, and how much was written before each.

Only for what writes through ``os``, as the filesystem store does; SQLite calls the system itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


class Syncs:
    """Counts from when it is made until the process ends; never in a process that is timed."""

    def __init__(self) -> None:
        self.count = 0
        self.batches: list[int] = []
        """The bytes that each ``fdatasync`` made durable, in order."""
        self._unsynced: dict[int, int] = {}
        self._wrap("write", self._written)
        self._wrap("fsync", self._synced)
        if hasattr(os, "fdatasync"):
            self._wrap("fdatasync", self._data_synced)

    def _wrap(self, name: str, then: Callable[[int, Any], None]) -> None:
        call: Callable[..., Any] = getattr(os, name)

        def counted(fd: int, *rest: Any) -> Any:
            result = call(fd, *rest)
            then(fd, result)
            return result

        setattr(os, name, counted)

    def _written(self, fd: int, length: int) -> None:
        self._unsynced[fd] = self._unsynced.get(fd, 0) + length

    def _synced(self, fd: int, _: None) -> None:
        self.count += 1
        self._unsynced.pop(fd, None)

    def _data_synced(self, fd: int, _: None) -> None:
        self.count += 1
        length = self._unsynced.pop(fd, 0)
        if length:  # a head is written at a place, not appended
            self.batches.append(length)
