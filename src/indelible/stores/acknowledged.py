"""Whether a database has what its head says was acknowledged.

SQLite drops what stands behind a damaged frame of its -wal file without a word, and its own check
finds nothing wrong with what is left.
"""

from __future__ import annotations

from indelible.errors import CorruptLogError
from indelible.stores.database import Database, Row
from indelible.stores.head import Head


def check_acknowledged(head: Head | None, database: Database) -> None:
    """Raise ``CorruptLogError`` if the database lacks what the head says was acknowledged."""
    last = database.last_row()
    if head is None and last is not None:
        raise CorruptLogError(
            "its .head file is missing or has no valid slot",
            place=str(database.path),
            hint="Copy it together with the database, or accept the log as it stands: "
            "indelible repair RUN --rebuild-head",
        )
    if head is not None and head.offset > 0:
        _check_row(head, database, last.rowid if last else 0)
    if last is not None and not database.is_without_gaps(last.rowid):
        raise CorruptLogError(
            "rows have been removed: their numbers have gaps",
            place=str(database.path),
            hint="Only somebody who took the triggers away can do that. Restore a copy.",
        )


def _check_row(head: Head, database: Database, rows: int) -> None:
    found = database.row(head.offset)
    if found == Row(head.offset, head.run_id, head.sequence, head.digest):
        return
    has = f"row {head.offset} is another" if found else f"only {rows} are there"
    raise CorruptLogError(
        f"acknowledged events are lost: {head.offset} rows were written, {has}",
        place=str(database.path),
        hint="Its -wal file was damaged or removed, or an older copy was put in its place.",
    )
