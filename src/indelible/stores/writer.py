"""Writing one log file: settle what a crash left, append durably, keep the head behind it.

The protocol is the contract's, section 7.  Every step that fails poisons the writer: after a failed
write or sync nobody knows what the disk holds, so nothing is tried again here.  The next writer
reads the disk, believes only what the head vouches for, and writes the rest anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from indelible.errors import ConflictError, CorruptLogError, IllegalEventError, StoreError
from indelible.events import Sealed
from indelible.stores import disk
from indelible.stores.chain import End, check_next
from indelible.stores.codec import line_of
from indelible.stores.durability import FULL, Durability
from indelible.stores.head import Head, HeadFile
from indelible.stores.scan import Position, Scan, position_of, start_of
from indelible.stores.syncer import Syncable, Syncer

LOG_NAME = "events.jsonl"
HEAD_NAME = "head"
LOCK_NAME = "driver.lock"


class LogWriter:
    """The only writer of one run in this process; other processes may have theirs.

    Opening makes the files where they are missing, and settles the log.
    """

    def __init__(
        self,
        folder: Path,
        run_id: str,
        above: Sequence[Path],
        syncer: Syncer,
        durability: Durability = FULL,
    ) -> None:
        """``above`` are directories in which a name on the way to the log may not be durable."""
        self._folder = folder
        self._above = above
        self._path = folder / LOG_NAME
        self._run_id = run_id
        self._syncer = syncer
        self._durability = durability
        self._lock = RLock()
        self._failure: BaseException | None = None
        self._fd = -1
        self._head = HeadFile(folder / HEAD_NAME, create=True)
        try:
            with disk.explain(self._path, "open"):
                self._fd = disk.open_private(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            with self._head.locked():
                self.position = self._settle()
        except BaseException:
            self.close()
            raise

    def append(self, events: Sequence[Sealed], expected: int) -> None:
        """Add ``events`` durably.  See ``IWorkflowStore.append``."""
        with self._lock:
            self._check_sound()
            try:
                with self._head.locked():
                    self._append(events, expected)
            except (ConflictError, IllegalEventError):
                raise  # nothing was written
            except BaseException as error:
                raise self._poisoned(error, "append") from error

    def sync(self) -> None:
        """Make durable what was appended without a sync.  Raises ``StoreError``."""
        with self._lock:
            if self._fd < 0 or self._failure is not None:
                return
            try:
                with self._head.locked():
                    disk.sync_file(self._fd)
                    self._write_head()
                    self._head.sync()
            except BaseException as error:
                raise self._poisoned(error, "sync") from error

    def close(self) -> None:
        """Sync the head and let go of the files.  Raises ``StoreError`` if the sync fails."""
        with self._lock:
            try:
                if self._failure is None:
                    self._syncer.now(self._synced_later)
            finally:
                self._syncer.forget(self._synced_later)
                self._head.close()
                if self._fd >= 0:
                    os.close(self._fd)
                    self._fd = -1

    @property
    def is_poisoned(self) -> bool:
        """An append failed; only a new writer can tell what the disk holds."""
        return self._failure is not None

    @property
    def _synced_later(self) -> Syncable:
        return self._head if self._durability.interval is None else self

    def _append(self, events: Sequence[Sealed], expected: int) -> None:
        # Both files: the lock is on the head, and a head elsewhere locks nobody out.
        disk.check_in_place(self._head.fd, self._head.path)
        found = self.position
        if disk.check_in_place(self._fd, self._path).st_size != found.offset:
            found = self.position = self._settle()
        if found.sequence != expected:
            raise ConflictError(self._run_id, expected=expected, found=found.sequence)
        end = End(found.sequence, found.digest, found.timestamp)
        check_next(events, run_id=self._run_id, end=end)
        data = b"".join([line_of(event) + b"\n" for event in events])
        disk.write_all(self._fd, data)
        is_batched = self._durability.interval is not None
        if not is_batched:
            disk.sync_file(self._fd)
        last = events[-1]
        self.position = Position(
            last.sequence, found.offset + len(data), last.digest, last.timestamp
        )
        if not is_batched:
            self._write_head()
        if last.is_terminal or self._durability.syncs_head:
            self._syncer.now(self._synced_later, is_news=True)
        else:
            self._syncer.soon(self._synced_later)

    def _write_head(self) -> None:
        at = self.position
        self._head.write(
            run_id=self._run_id,
            sequence=at.sequence,
            offset=at.offset,
            digest=at.digest,
            is_ours=True,  # or the log would have had another length
        )

    def _check_sound(self) -> None:
        if self._failure is not None:
            raise StoreError(
                f"{self._path}: an append failed before, so nothing more is appended",
                hint="Resume the run: opening it again finds out what was kept.",
            )

    def _poisoned(self, error: BaseException, doing: str) -> BaseException:
        """``error`` in our words; from now on nothing is appended here."""
        told = disk.explained(error, self._path, doing) if isinstance(error, OSError) else error
        self._failure = told
        return told

    def _settle(self) -> Position:
        """Make what stands beyond the head durable or cut it off; needs the append lock."""
        with disk.explain(self._path, "open"):
            head = self._head.read() or self._first_head()
            if head.run_id != self._run_id:
                raise _foreign(self._folder, head.run_id)
            # What the head vouches for is verified whenever it is read; here its last line will do.
            known = position_of(head) if self._ends_in(head) else start_of(self._run_id)
            with os.fdopen(os.dup(self._fd), "rb") as file:
                scan = Scan(file, self._run_id, known, head, place=str(self._path))
                for _ in scan:
                    pass
            if scan.is_torn:
                self._cut(scan)
            elif scan.tail or scan.is_short:
                raise scan.damage()
            self._rewrite(head.offset, scan.end.offset)
            self.position = scan.end
            self._renew_head()
        return scan.end

    def _ends_in(self, head: Head) -> bool:
        """Whether the event that the head names ends where the head says."""
        end = b',"digest":"%b"}\n' % head.digest.encode()
        found = os.pread(self._fd, len(end), max(0, head.offset - len(end)))
        return head.offset == 0 or found == end

    def _first_head(self) -> Head:
        """Both slots of a new run; a log that has events but no head has lost it."""
        if os.fstat(self._fd).st_size:
            raise headless(self._path, self._run_id)
        start = start_of(self._run_id)
        for _ in range(2):
            head = self._head.write(run_id=self._run_id, sequence=0, offset=0, digest=start.digest)
        return head

    def _cut(self, scan: Scan) -> None:
        """Set the torn append aside, durably, then take it out of the log."""
        aside = self._folder / f"{LOG_NAME}.torn-{scan.end.offset}"
        fd = disk.open_private(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            disk.write_all(fd, scan.tail)
            disk.sync_file(fd)
        finally:
            os.close(fd)
        disk.sync_directory(self._folder)
        os.ftruncate(self._fd, scan.end.offset)
        disk.sync_file(self._fd)

    def _rewrite(self, start: int, end: int) -> None:
        if start == end:
            return
        fd = disk.open_private(self._path, os.O_RDWR)
        try:
            disk.rewrite(fd, start, end)
            disk.sync_file(fd)
        finally:
            os.close(fd)

    def _renew_head(self) -> None:
        """A fresh slot, and every name on the way to the log, durable."""
        at = self.position
        self._head.write(
            run_id=self._run_id, sequence=at.sequence, offset=at.offset, digest=at.digest
        )
        self._head.sync()
        for folder in (self._folder, *self._above):
            disk.sync_directory(folder)


def _foreign(folder: Path, run_id: str) -> StoreError:
    """The error where names that differ in capitals only lead to one directory, or it was moved."""
    return StoreError(
        f"{folder}: holds the run {run_id}",
        hint="Choose another --run-id, or give the directory its name back.",
    )


def headless(path: Path, run_id: str) -> CorruptLogError:
    """The error for a log whose head is gone: nobody can tell whether its end is missing."""
    return CorruptLogError(
        "the log has no head, so nobody can tell whether its end is missing",
        place=str(path),
        hint=f"If this copy is known to be whole: indelible repair {run_id} --rebuild-head",
    )
