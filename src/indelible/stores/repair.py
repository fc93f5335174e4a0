"""Accepting a log whose head is gone: the one repair there is, and only on request.

Without its head nobody can tell whether the end of a log is missing.  Whoever knows that a copy is
whole may say so; then the chain is checked from the first event, and a new head vouches for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from indelible.errors import NotFoundError, UsageError
from indelible.stores import chain, disk
from indelible.stores.head import Head, HeadFile
from indelible.stores.scan import Position, Scan, start_of
from indelible.stores.writer import HEAD_NAME, LOCK_NAME, LOG_NAME

if TYPE_CHECKING:
    from indelible.stores.database import Database


def rebuild_head(folder: Path, run_id: str) -> int:
    """Write a new head for the log in ``folder``; gives the number of events it vouches for.

    Raises ``UsageError`` if the log has its head, ``CorruptLogError`` if the chain does not hold,
    ``HeldError`` if somebody drives the run.
    """
    with disk.Claim(folder / LOCK_NAME, run_id):
        head = HeadFile(folder / HEAD_NAME, create=True)
        try:
            with head.locked():
                if head.read() is not None:
                    raise UsageError(f"run {run_id} has its head; there is nothing to rebuild")
                end = _end_of(folder / LOG_NAME, run_id)
                for _ in range(2):
                    head.write(
                        run_id=run_id, sequence=end.sequence, offset=end.offset, digest=end.digest
                    )
                head.sync()
            with disk.explain(folder, "sync"):
                disk.sync_directory(folder)
        finally:
            head.close()
    return end.sequence


def rebuild_database_head(path: Path, head_path: Path, run_id: str) -> int:
    """Write a new head for the database ``path``, after checking the chain of every run in it.

    Gives the number of events of ``run_id``.  Raises as ``rebuild_head`` does.
    """
    if not path.exists():
        raise NotFoundError(f"{path}: there is no such database")
    from indelible.stores.database import Database

    head = HeadFile(head_path, create=True)
    database = Database(path)
    try:
        with head.locked():
            if head.read() is not None:
                raise UsageError(f"{path} has its head; there is nothing to rebuild")
            lengths = {run: _length_of(database, run) for run in database.runs()}
            last = database.last_row()
            if last is None:
                raise NotFoundError(f"{path}: there is no run in it")
            for _ in range(2):
                head.write(
                    run_id=last.run_id,
                    sequence=last.sequence,
                    offset=last.rowid,
                    digest=last.digest,
                )
            head.sync()
    finally:
        database.close()
        head.close()
    return lengths.get(run_id, 0)


def _length_of(database: Database, run_id: str) -> int:
    events = database.events(run_id, after=0)
    place = f"run {run_id} in {database.path}"
    end = chain.beginning(run_id)
    return sum(1 for _ in chain.verified(events, run_id=run_id, end=end, place=place))


def _end_of(path: Path, run_id: str) -> Position:
    """The end of the last whole event; a torn append behind it is left to the next claim."""
    start = start_of(run_id)
    nothing = Head(0, run_id, 0, 0, start.digest)
    with disk.explain(path, "read"), os.fdopen(disk.open_private(path, os.O_RDONLY), "rb") as file:
        scan = Scan(file, run_id, start, nothing, place=str(path))
        for _ in scan:
            pass
    if scan.tail and not scan.is_torn:
        raise scan.damage()
    return scan.end
