"""What the database is made of, and whether it still is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import apsw

from indelible.errors import CorruptLogError

SCHEMA = Path(__file__).parent / "sql" / "schema.sql"
IN_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema"

SchemaRow = tuple[object, ...]


def check_schema(found: set[SchemaRow], *, place: str) -> None:
    """Raise ``CorruptLogError`` unless the rows of ``IN_SCHEMA`` are those that were made.

    An index more is nobody's harm; a trigger more may be.
    """
    made = _made()
    changes = (
        (made - found, "its table or a trigger is not as it was made"),
        ({row for row in found - made if row[0] == "trigger"}, "a trigger in it is not ours"),
    )
    for rows, what in changes:
        for _, name, _, sql in sorted(rows, key=str)[:1]:
            raise CorruptLogError(
                f"{what}: {str(sql or name).splitlines()[0]}",
                place=place,
                hint="With it as it is, events could be changed or removed. Restore a copy.",
            )


@cache
def _made() -> frozenset[SchemaRow]:
    """The schema as SQLite keeps it."""
    connection = apsw.Connection(":memory:")
    connection.execute(SCHEMA.read_text())
    made = frozenset(connection.execute(IN_SCHEMA))
    connection.close()
    return made
