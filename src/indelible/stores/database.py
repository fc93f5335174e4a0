"""A SQLite file of ours: opened with the right pragmas, read, appended to in transactions.

Through apsw, because every SQLite from 3.7.0 to 3.51.2, which is what the ``sqlite3`` of most
Pythons has, can corrupt a database in WAL mode when two connections write and checkpoint at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import msgspec

from indelible.errors import CorruptLogError, NewerLogError, StoreError
from indelible.events import FORMAT, Sealed
from indelible.stores import chain, disk
from indelible.stores.lockers import lockers_of
from indelible.stores.read_only import connect, is_frozen
from indelible.stores.schema import IN_SCHEMA, SCHEMA, check_schema

APPLICATION_ID = int.from_bytes(b"Indl", "big")
PATIENCE = 10.0
"""Seconds that a statement waits for another process; a transaction of ours takes milliseconds."""

WAL_PAGES = 1000
"""Pages of 4,096 bytes after which the -wal file is moved into the database, and to which it is cut
back when a reader, whom it has to wait for, has let it grow beyond them."""

FULL, NORMAL = 2, 1
"""SQLite's words for: each commit is synced; only checkpoints are."""

MOST_PROBLEMS = 5
"""How many of the problems that SQLite finds in a file are told."""

_PRAGMAS: tuple[tuple[str, str | int], ...] = (
    ("journal_mode", "wal"),
    ("recursive_triggers", 1),  # so that REPLACE fires the trigger that refuses DELETE
    ("trusted_schema", 0),
    ("cell_size_check", 1),
    ("wal_autocheckpoint", WAL_PAGES),
    ("journal_size_limit", WAL_PAGES * 4096),
    *((("fullfsync", 1), ("checkpoint_fullfsync", 1)) if sys.platform == "darwin" else ()),
)
_HINTS: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "Free some space, then resume: what was acknowledged is safe."),
    (apsw.BusyError, "Another process keeps the database locked; look for one that hangs."),
    (apsw.ReadOnlyError, "The store must belong to the user that runs workflows."),
    (apsw.CantOpenError, "Is it a readable file, no symbolic link, in a folder of yours?"),
    (apsw.IOError, "The disk failed. Check it, then resume: the log decides what was kept."),
)


class Row(msgspec.Struct, frozen=True):
    """Where a row stands, and which event it is."""

    rowid: int
    run_id: str
    sequence: int
    digest: str


class Database:
    """One connection.  Not for two threads at once.  Every failure is an error of ours."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open the file that is there; it is not made, and nothing is written to it."""
        self.path = path
        self._is_frozen = is_frozen(path)
        with self._explained("open"):
            self._connection = connect(path, frozen=self._is_frozen)
            self._inode = _inode(path)
            self._counted = 0
            try:
                self._connection.set_busy_timeout(int(patience * 1000))
                # A reader must not move a damaged -wal file's remains into the database.
                self.checkpoint_on_close(False)
                self.is_empty = not self._check_format()
            except BaseException:
                self._connection.close()
                raise

    @property
    def is_stale(self) -> bool:
        """It was opened as one that nobody writes to, and somebody does."""
        return self._is_frozen and not is_frozen(self.path)

    def check_place(self) -> None:
        """Raise ``StoreError`` if the file is no longer the one that its path leads to."""
        if _inode(self.path) != self._inode:
            raise StoreError(
                f"{self.path}: was moved or replaced while it was open",
                hint="Put it back, then resume; nothing was added to either file.",
            )

    def make_writable(self, *, is_synced: bool = True) -> None:
        """Set the pragmas, make the tables if there are none, check the triggers if there are."""
        with self._explained("prepare"):
            for name, value in (*_PRAGMAS, ("synchronous", FULL if is_synced else NORMAL)):
                self._connection.execute(f"PRAGMA {name} = {value}").fetchall()
                found = self._connection.pragma(name)
                if found != value:
                    raise StoreError(f"{self.path}: PRAGMA {name} is {found}, not {value}")
        if self.is_empty:
            with self.transaction():
                if not self._check_format():
                    self._connection.execute(SCHEMA.read_text())
            self.is_empty = False
        self._check_schema()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: committed durably at the end of the block, undone if it raises."""
        with self._explained("write"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has undone it already if the disk failed.
                with suppress(apsw.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                raise

    def check(self) -> None:
        """Read the whole file.  Raises ``CorruptLogError`` if a page, the table or a trigger is not
        as it was made, or if there are triggers that are not ours."""
        said = [str(row[0]) for row in self._rows(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
        if said not in ([], ["ok"]):
            raise CorruptLogError(
                f"SQLite finds it damaged: {'; '.join(said)}",
                place=str(self.path),
                hint="Restore a copy, or move the runs that still verify: indelible copy RUN --to "
                "STORE",
            )
        if not self.is_empty:
            self._check_schema()

    def add(self, events: Iterable[Sealed]) -> int:
        """Insert ``events``; the rowid of the last.  Inside a transaction."""
        with self._explained("write"):
            self._connection.executemany(
                "INSERT INTO workflow_events"
                " (run_id, sequence, event_type, timestamp, payload, digest)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (e.run_id, e.sequence, e.event_type, e.timestamp, e.payload.decode(), e.digest)
                    for e in events
                ),
            )
            return self._connection.last_insert_rowid()

    def version(self) -> int:
        """Changes whenever another connection commits."""
        with self._explained("read"):
            found: int = self._connection.pragma("data_version")
            return found

    def end(self, run_id: str) -> chain.End:
        """Where the log of ``run_id`` ends."""
        rows = self._rows(
            "SELECT sequence, digest, timestamp FROM workflow_events WHERE run_id = ?"
            " ORDER BY sequence DESC LIMIT 1",
            (run_id,),
        )
        return chain.End(*rows[0]) if rows else chain.beginning(run_id)  # type: ignore[arg-type]

    def sync_wal(self) -> None:
        """Make durable what was committed without a sync."""
        with disk.explain(self.path, "sync"), self._wal(os.O_RDONLY) as fd:
            if fd >= 0:
                disk.sync_file(fd)

    def renew_wal(self) -> None:
        """Write the -wal file once more as it stands, and sync it.  Needs the append lock.

        A checkpoint trusts frames that only the page cache has (``disk.rewrite``): the power goes,
        and what it has moved into the database is there without the rest, or under older frames.
        """
        with disk.explain(self.path, "sync"), self._wal(os.O_RDWR) as fd:
            if fd >= 0:
                disk.rewrite(fd, 0, os.fstat(fd).st_size)
                disk.sync_file(fd)

    @contextmanager
    def _wal(self, flags: int) -> Iterator[int]:
        """A descriptor of the -wal file, -1 if there is none."""
        try:
            fd = disk.open_private(self.path.with_name(f"{self.path.name}-wal"), flags)
        except FileNotFoundError:
            yield -1
            return
        try:
            yield fd
        finally:
            os.close(fd)

    def events(self, run_id: str, *, after: int, most: int = -1) -> list[Sealed]:
        """The rows of ``run_id`` above ``after``, as they stand, ``most`` of them at most."""
        # As a blob, text comes out as the bytes that were hashed, whatever they are now.
        rows = self._rows(
            "SELECT sequence, event_type, timestamp, CAST(payload AS BLOB), digest"
            " FROM workflow_events WHERE run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (run_id, after, most),
        )
        return [Sealed(run_id, *row) for row in rows]  # type: ignore[arg-type]  # STRICT table

    def length(self, run_id: str) -> int:
        """The number of events in ``run_id``."""
        rows = self._rows("SELECT max(sequence) FROM workflow_events WHERE run_id = ?", (run_id,))
        found = rows[0][0] if rows else None
        return found if isinstance(found, int) else 0

    def runs(self) -> tuple[str, ...]:
        return tuple(run_id for run_id, _ in self.begun())

    def begun(self) -> list[tuple[str, str]]:
        """Each run with the timestamp of its first event, empty if that is gone."""
        rows = self._rows(
            "SELECT run_id, (SELECT timestamp FROM workflow_events WHERE run_id = each.run_id"
            " AND sequence = 1) FROM (SELECT DISTINCT run_id FROM workflow_events) AS each"
        )
        return [(str(run_id), str(timestamp or "")) for run_id, timestamp in rows]

    def last_row(self) -> Row | None:
        """The row that was committed last."""
        return self._row("ORDER BY rowid DESC LIMIT 1")

    def is_without_gaps(self, last: int) -> bool:
        """Whether there are ``last`` rows up to the last one.  Counted once, and then only on."""
        if not self._counted <= last:
            return False
        rows = self._rows(
            "SELECT count(*) FROM workflow_events WHERE rowid > ? AND rowid <= ?",
            (self._counted, last),
        )
        if not rows or rows[0][0] != last - self._counted:
            return False
        self._counted = last
        return True

    def row(self, rowid: int) -> Row | None:
        return self._row("WHERE rowid = ?", (rowid,))

    def checkpoint(self) -> None:
        """Move all of the -wal file into the database, synced, and empty it."""
        with self._explained("checkpoint"):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def checkpoint_on_close(self, wanted: bool) -> None:
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(not wanted))

    def close(self) -> None:
        with self._explained("close"):
            self._connection.close()

    def _row(self, which: str, bindings: tuple[str | int, ...] = ()) -> Row | None:
        rows = self._rows(
            f"SELECT rowid, run_id, sequence, digest FROM workflow_events {which}", bindings
        )
        return Row(*rows[0]) if rows else None  # type: ignore[arg-type]

    def _rows(self, query: str, bindings: tuple[str | int, ...] = ()) -> list[tuple[object, ...]]:
        if self.is_empty:
            self.is_empty = not self._check_format()
        if self.is_empty:
            return []
        with self._explained("read"):
            return list(self._connection.execute(query, bindings))

    def _check_format(self) -> bool:
        """Whether the tables are there.  Raises if the file is somebody else's, or newer."""
        with self._explained("read"):
            tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").get
            version = self._connection.pragma("user_version")
            owner = self._connection.pragma("application_id")
        if not tables and owner == 0 and version == 0:
            return False
        if owner != APPLICATION_ID:
            raise StoreError(
                f"{self.path}: a SQLite database, but not one of Indelible",
                hint="Choose another file for the store.",
            )
        if version > FORMAT:
            raise NewerLogError(str(self.path), found=version, known=FORMAT)
        return True

    def _check_schema(self) -> None:
        check_schema(set(self._rows(IN_SCHEMA)), place=str(self.path))

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError) as error:
            raise CorruptLogError(str(error), place=str(self.path)) from error
        except apsw.Error as error:
            hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "")
            who = isinstance(error, apsw.BusyError) and lockers_of(self.path)
            problem = f"{self.path}: cannot {doing}: {error}{f' by {who}' if who else ''}"
            raise StoreError(problem, hint=hint) from error


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def create(path: Path) -> None:
    """Make ``path`` an empty file of our own, if there is none.  Raises ``StoreError``."""
    # Never opens one that is there: closing it again would drop the POSIX locks that SQLite holds
    # on it in this process.
    with disk.explain(path, "create"), suppress(FileExistsError):
        os.close(disk.open_private(path, os.O_RDWR | os.O_CREAT | os.O_EXCL))
