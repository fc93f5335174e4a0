"""Where logs live.  Eight promises, kept by every store and tested by one suite.

1. Events come back in the order they were appended, byte for byte, from any process.
2. A batch is durable when ``append`` returns, and one that is refused leaves nothing.  A crash
   before that may keep the first events of it, each whole; never a part of one, never a gap.
3. An append that expects another length raises ConflictError and changes nothing.
4. What was read once never changes: there is no way to alter or remove an event.
5. ``read`` verifies every line against the chain; damage raises CorruptLogError, never less.
6. One claim at a time on a run; a second raises HeldError and names the holder.  A claim ends with
   its process, however that ends, and no timer ever takes one away.
7. A blob is durable when ``put_blob`` returns, and is checked against its name when it is read.
8. A name that is no run id is refused before anything is touched.

The suite is ``indelible.testing.store_contract.StoreContract``; anybody's store can run it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from indelible.events import BlobRef, Sealed


class TornTailWarning(UserWarning):
    """A log ends in an append that a crash cut short: never acknowledged, so it is ignored."""


class IWorkflowStore(Protocol):
    """All methods may be called from any thread.  A failure to read or write is a StoreError."""

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        """Add ``events``, sealed and chained, to a log of ``expected`` events, durably.

        No events, no append: nothing is looked at and nothing changes.  Raises ``ConflictError``
        if the log has another length, ``IllegalEventError`` if the events are not chained to its
        last one; either way nothing was written.  Raises ``CorruptLogError`` if the log is
        damaged, ``StoreError`` if the disk refuses; then nothing was acknowledged, and this store
        object appends nothing more to the run until somebody claims it anew.
        """
        ...

    def read(self, run_id: str, *, after: int = 0) -> Iterator[Sealed]:
        """The events with a sequence above ``after``, verified.  Nothing for a run that is not.

        Takes no lock and writes nothing.  A torn tail is left out, with a ``TornTailWarning``.
        """
        ...

    def runs(self) -> Iterable[str]:
        """The ids of all runs that have at least one event, in no particular order."""
        ...

    def begun(self) -> Iterable[tuple[str, str]]:
        """The same ids, each with the timestamp of its first event, which sorts as text.

        For putting many runs in order, so nothing is verified: a timestamp that cannot be found is
        empty, and no run keeps the others from being told.
        """
        ...

    def claim(self, run_id: str) -> AbstractContextManager[None]:
        """Hold the run while driving it.  Taking the claim settles what a dead writer left behind.

        Raises ``HeldError`` at once if somebody else holds it.
        """
        ...

    def driver(self, run_id: str) -> str:
        """Who holds the claim now, in the words of ``HeldError``; empty if nobody does.

        Takes no lock and writes nothing, so it keeps nobody from claiming.
        """
        ...

    def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
        """Block until the log is longer than ``after``, at most ``timeout`` seconds.  Is it?"""
        ...

    def put_blob(self, run_id: str, content: bytes) -> BlobRef:
        """Keep ``content`` under its hash, durably."""
        ...

    def get_blob(self, run_id: str, ref: BlobRef) -> bytes:
        """The content of a blob.  Raises ``CorruptLogError`` if it is missing or has changed."""
        ...

    def folder(self, run_id: str) -> Path:
        """A directory of this machine for what the run's nodes print, and for their locks.

        Whoever writes makes it.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections.  What was appended stays."""
        ...
