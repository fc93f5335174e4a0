"""All runs in one SQLite file, readable by any SQLite: table ``workflow_events``.

    {db}                           the log, in WAL mode, synced at each commit
    {db}.head                      the last committed row, in two slots; also the append lock
    {db}.claims/{run_id}.lock      the claim (OS lock; its content names the holder)
    {db}.blobs/{run_id}/{sha256}   values over the inline limit
    {db}.logs/{run_id}/            what nodes printed

SQLite drops commits without a word when its -wal file is damaged; the head, which is outside,
tells.  One connection serves all threads, one at a time; what waits for it meanwhile goes into one
commit.  Look at a live database from another
process, never with ``sqlite3`` in this one: two SQLite libraries undo each other's locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from time import monotonic

from indelible.errors import StoreError
from indelible.events import BlobRef, Sealed
from indelible.stores import chain, disk
from indelible.stores.blobs import BlobFolder
from indelible.stores.codec import check_run_id
from indelible.stores.database import PATIENCE
from indelible.stores.durability import FULL, Durability
from indelible.stores.entries import Entries, Entry
from indelible.stores.opened import NO_ROW, OpenedDatabase
from indelible.stores.syncer import SYNC_INTERVAL, Syncable, Syncer

FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.1
"""Seconds between two looks of ``wait`` at what other processes append."""


class SqliteStore:
    """The database ``path``; the first append or claim makes it.  Keeps ``IWorkflowStore``."""

    def __init__(
        self, path: Path, *, patience: float = PATIENCE, durability: Durability = FULL
    ) -> None:
        """``patience`` is how many seconds a call waits for a database that others keep locked."""
        # Absolute, because SQLite opens its -wal file late; resolved, because it follows no links.
        self.path = path.parent.resolve() / path.name
        self._grown = Condition()
        self._durability = durability
        self._opened = OpenedDatabase(
            self.path, patience=patience, is_synced=durability.interval is None
        )
        self._entries = Entries()
        self._has_claims = False
        self._unsynced: set[str] = set()
        self._syncer = Syncer(durability.interval or SYNC_INTERVAL)
        self._suspended: set[str] = set()

    def append(self, run_id: str, events: Sequence[Sealed], *, expected: int) -> None:
        check_run_id(run_id)
        if not events:
            return
        entry = Entry(run_id, events, expected)
        self._entries.put(entry)
        with self._grown:
            # While this thread waited, another one may have taken its entry into its own commit.
            if not entry.is_done:
                self._append_all()
        if entry.error is not None:
            raise entry.error

    def sync(self) -> None:
        """Make durable what was appended without a sync.  Raises ``StoreError``."""
        with self._grown:
            found = self._opened.for_appends
            if found is None:
                return
            database, head = found
            try:
                with head.locked():
                    database.sync_wal()
                    self._opened.write_head(database.last_row() or NO_ROW)
                    head.sync()
            except BaseException:
                self._suspended |= self._unsynced
                self._opened.abandon()
                raise
            self._unsynced.clear()

    def read(self, run_id: str, *, after: int = 0) -> Iterator[Sealed]:
        check_run_id(run_id)
        with self._grown:
            found = self._opened.readable()
            # One more than asked for: the chain has to begin somewhere.
            events = found.events(run_id, after=max(after - 1, 0)) if found else []
        end = chain.beginning(run_id)
        if after > 0 and events:
            end = chain.after(events.pop(0))
        return chain.verified(events, run_id=run_id, end=end, place=f"run {run_id} in {self.path}")

    def runs(self) -> Iterable[str]:
        with self._grown:
            found = self._opened.readable()
            return found.runs() if found else ()

    def begun(self) -> Iterable[tuple[str, str]]:
        with self._grown:
            found = self._opened.readable()
            return found.begun() if found else ()

    @contextmanager
    def claim(self, run_id: str) -> Iterator[None]:
        check_run_id(run_id)
        lock = self._lock_of(run_id)
        if not self._has_claims:
            with disk.explain(lock.parent, "make"):
                disk.make_directory(lock.parent)
            self._has_claims = True
        with disk.Claim(lock, run_id):
            with self._grown:
                self._opened.writable()
                self._suspended.discard(run_id)
            yield

    def driver(self, run_id: str) -> str:
        check_run_id(run_id)
        return disk.driver_at(self._lock_of(run_id))

    def wait(self, run_id: str, *, after: int, timeout: float) -> bool:
        check_run_id(run_id)
        deadline = monotonic() + timeout
        pause = FIRST_PAUSE
        with self._grown:
            while not self._is_longer(run_id, after):
                left = deadline - monotonic()
                if left <= 0:
                    return False
                # Our own threads ring the bell; other processes do not.
                self._grown.wait(min(pause, left))
                pause = min(pause * 2, LONGEST_PAUSE)
        return True

    def put_blob(self, run_id: str, content: bytes) -> BlobRef:
        return self._blobs(run_id).put(content)

    def get_blob(self, run_id: str, ref: BlobRef) -> bytes:
        return self._blobs(run_id).get(ref)

    def folder(self, run_id: str) -> Path:
        return self._folder_of("logs", run_id)

    def check(self) -> None:
        """Read all of the database.  Raises ``CorruptLogError`` if it is not as it was made."""
        with self._grown:
            found = self._opened.readable()
            if found is not None:
                found.check()

    def rebuild_head(self, run_id: str) -> int:
        """Accept a database whose head is gone, after checking it; see ``stores/repair.py``."""
        check_run_id(run_id)
        with self._grown:
            return self._opened.rebuild_head(run_id)

    def close(self) -> None:
        try:
            self._syncer.close()
        finally:
            with self._grown:
                self._opened.let_go()

    def _lock_of(self, run_id: str) -> Path:
        return disk.check_directory(self._beside("claims")) / f"{run_id}.lock"

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")

    def _blobs(self, run_id: str) -> BlobFolder:
        return BlobFolder(self._folder_of("blobs", run_id))

    def _folder_of(self, what: str, run_id: str) -> Path:
        check_run_id(run_id)
        return disk.check_directory(disk.check_directory(self._beside(what)) / run_id)

    def _is_longer(self, run_id: str, after: int) -> bool:
        found = self._opened.readable()
        return found is not None and found.length(run_id) > after

    def _append_all(self) -> None:
        """Append for everybody who waits, in one commit."""
        entries = self._entries.take()
        wanted = [entry for entry in entries if not self._refuse_suspended(entry)]
        try:
            if wanted:
                self._commit(wanted)
        except BaseException as error:
            for entry in wanted:
                # Those that did not fit were found before anything was written.
                if entry.error is None:
                    entry.error = error
                    self._suspended.add(entry.run_id)
            self._opened.abandon()
        finally:
            for entry in entries:
                entry.is_done = True
        self._grown.notify_all()

    def _refuse_suspended(self, entry: Entry) -> bool:
        if entry.run_id in self._suspended:
            entry.error = StoreError(
                f"run {entry.run_id}: an append failed before, so this one was not tried",
                hint=f"Read the log again: indelible resume {entry.run_id}.",
            )
        return entry.error is not None

    def _commit(self, entries: Sequence[Entry]) -> None:
        database, head = self._opened.writable()
        is_batched = self._durability.interval is not None
        with head.locked():
            database.check_place()
            with database.transaction():
                rows = [row for entry in entries if (row := entry.add(database)) is not None]
            if rows and not is_batched:
                self._opened.write_head(rows[-1])
        if not rows:
            return
        self._unsynced.update(row.run_id for row in rows if is_batched)
        is_over = any(entry.error is None and entry.is_terminal for entry in entries)
        synced: Syncable = self if is_batched else head
        if is_over or self._durability.syncs_head:
            self._syncer.now(synced, is_news=True)
        else:
            self._syncer.soon(synced)
