"""Syncs off the hot path: what was written is on the disk a moment later; nobody waits for it."""

from __future__ import annotations

from contextlib import suppress
from threading import Condition, Thread
from typing import Protocol

from indelible.errors import StoreError

SYNC_INTERVAL = 1.0
"""Seconds after which a head that was written is synced, at the latest."""


class Syncable(Protocol):
    """Remembers a failed sync and reports it at its next use."""

    def sync(self) -> None:
        """Make durable what was written.  Raises ``StoreError``."""
        ...


class Syncer:
    """Syncs what it is given at most ``interval`` seconds later.

    One daemon thread for all heads of a store, started at the first use.  A sync that fails makes
    the next write to that head fail.
    """

    def __init__(self, interval: float = SYNC_INTERVAL) -> None:
        self._interval = interval
        self._changed = Condition()
        self._waiting: set[Syncable] = set()
        self._thread: Thread | None = None
        self._is_closed = False

    def soon(self, written: Syncable) -> None:
        """Sync ``written`` within the interval."""
        if written in self._waiting:
            return  # the thread will come to it, and must not be woken for every append
        with self._changed:
            self._waiting.add(written)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="indelible-syncs", daemon=True)
                self._thread.start()
            self._changed.notify()

    def now(self, written: Syncable, *, is_news: bool = False) -> None:
        """Sync ``written`` here, if it is waiting or ``is_news``.  Raises ``StoreError``."""
        if not self.forget(written) and not is_news:
            return
        written.sync()

    def forget(self, written: Syncable) -> bool:
        """Whether ``written`` was waiting; it is not any more."""
        with self._changed:
            is_waiting = written in self._waiting
            self._waiting.discard(written)
        return is_waiting

    def close(self) -> None:
        """Sync what is waiting and end the thread.  Raises ``StoreError`` if a sync fails."""
        with self._changed:
            self._is_closed = True
            thread, waiting = self._thread, self._waiting
            self._waiting = set()
            self._changed.notify()
        if thread is not None:
            thread.join()
        for written in waiting:
            written.sync()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._waiting)
                self._changed.wait_for(lambda: self._is_closed, timeout=self._interval)
                if self._is_closed:
                    return
                due, self._waiting = self._waiting, set()
            for written in due:
                with suppress(StoreError):  # it remembers; the next append reports it
                    written.sync()
