"""A database and its head, opened when they are needed and settled before anything is appended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from indelible.errors import CorruptLogError, IndelibleError
from indelible.stores import disk
from indelible.stores.acknowledged import check_acknowledged
from indelible.stores.database import Database, Row, create
from indelible.stores.head import SLOT_OFFSETS, Head, HeadFile, head_at
from indelible.stores.place import check_beside

NO_ROW = Row(rowid=0, run_id="", sequence=0, digest="0" * 64)
"""What the head of an empty database names."""


class OpenedDatabase:
    """Not for two threads at once."""

    def __init__(self, path: Path, *, patience: float, is_synced: bool) -> None:
        """``is_synced``: each commit is; else ``Database.sync_wal`` has to be called."""
        self._path = path
        self._patience = patience
        self._is_synced = is_synced
        self._head_path = path.with_name(f"{path.name}.head")
        self._database: Database | None = None
        self._head: HeadFile | None = None
        self._acknowledged: tuple[Head | None, int] | None = None

    @property
    def for_appends(self) -> tuple[Database, HeadFile] | None:
        """Database and head, if they are open for appends."""
        if self._database is None or self._head is None:
            return None
        return self._database, self._head

    def rebuild_head(self, run_id: str) -> int:
        """Accept a database whose head is gone; see ``stores/repair.py``."""
        from indelible.stores.repair import rebuild_database_head

        return rebuild_database_head(self._path, self._head_path, run_id)

    def write_head(self, row: Row) -> None:
        """Name ``row``, which has just been committed here.  Needs the append lock."""
        assert self._head is not None
        written = write_head(self._head, row)
        if self._acknowledged is not None:
            # What we have added ourselves need not be looked at again.
            self._acknowledged = (written, self._acknowledged[1])

    def readable(self) -> Database | None:
        """The database, if there is one; it has at least what the head says was acknowledged."""
        # Read before the table, so that it cannot be ahead of it.
        head = self._read_head()
        if self._database is not None and self._database.is_stale:
            self.let_go()
        if self._database is None and self._path.exists():
            self._database = Database(self._path, patience=self._patience)
        if self._database is None and head is not None and head.offset > 0:
            raise CorruptLogError(
                f"the database is missing; its head names {head.offset} rows", place=str(self._path)
            )
        if self._database is None:
            return None
        if head is None:
            if self._database.last_row() is None:
                return self._database
            # The first run may have begun since we looked; its head was written before its row.
            head = self._read_head()
        seen = (head, self._database.version())
        if seen != self._acknowledged:
            check_acknowledged(head, self._database)
            self._acknowledged = seen
        return self._database

    def _read_head(self) -> Head | None:
        if self._head is not None:
            return self._head.read()
        try:
            return head_at(self._head_path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk.explained(error, self._head_path, "read") from error

    def writable(self) -> tuple[Database, HeadFile]:
        """The database and its head, ready for appends; made if there are none."""
        if self._database is not None and self._head is not None:
            return self._database, self._head
        self.readable()  # refuses what is damaged, or not ours, before anything is made
        with disk.explain(self._path.parent, "make"):
            disk.make_directory(self._path.parent)
            check_beside(self._path)
        head = HeadFile(self._head_path, create=True)
        try:
            with head.locked():
                database = self._settle(head)
        except BaseException:
            head.close()
            self.abandon()
            raise
        self._head = head
        return database, head

    def _settle(self, head: HeadFile) -> Database:
        """Make durable whatever an earlier process may have left in the page cache only."""
        if self._database is None:
            create(self._path)
            self._database = Database(self._path, patience=self._patience)
        database = self._database
        # Before anything can move a page of it into the database.
        database.renew_wal()
        database.make_writable(is_synced=self._is_synced)
        known = head.read()
        check_acknowledged(known, database)
        # SQLite goes on when it cannot sync the directory, and a checkpoint half done is lost with
        # a -wal file whose name was not durable.
        with disk.explain(self._path.parent, "sync"):
            disk.sync_directory(self._path.parent)
        database.checkpoint()
        last = database.last_row() or NO_ROW
        for _ in SLOT_OFFSETS if known is None else SLOT_OFFSETS[:1]:
            write_head(head, last)
        head.sync()
        database.checkpoint_on_close(True)
        return database

    def abandon(self) -> None:
        """Let go after an error.  The next use opens, and settles, the database anew."""
        if self._database is not None:
            with suppress(IndelibleError):
                # What the disk may not have must not overwrite what it has.
                self._database.checkpoint_on_close(False)
        with suppress(IndelibleError):
            self.let_go()

    def let_go(self) -> None:
        self._acknowledged = None
        database, self._database = self._database, None
        head, self._head = self._head, None
        if head is not None:
            head.close()
        if database is not None:
            database.close()


def write_head(head: HeadFile, row: Row) -> Head:
    """Name ``row`` in ``head``."""
    return head.write(run_id=row.run_id, sequence=row.sequence, offset=row.rowid, digest=row.digest)
