"""Nodes of kind ``sql``: one statement on a SQLite file.  Values are bound, never written in.

- id: orders
  sql:
    database: shop.db
    query: select id, total from orders where day = :day
    parameters: {day: "${{ inputs.day }}"}
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, TypedDict

import msgspec

import indelible as ink

Value = str | int | float | bool | None

STEPS_BETWEEN_LOOKS = 10_000
"""Steps of SQLite after which a statement looks whether its node is to stop."""


class Sql(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a node."""

    database: Annotated[str, msgspec.Meta(description="The file; a template.", min_length=1)]
    query: Annotated[str, msgspec.Meta(description="One statement.", min_length=1)]
    parameters: Annotated[
        list[Value] | dict[str, Value],
        msgspec.Meta(description="What `?` or `:name` in it stand for; templates."),
    ] = []
    writes: Annotated[
        bool, msgspec.Meta(description="Whether it may change the file. Default false.")
    ] = False


class Result(TypedDict):
    """The output: the rows as objects, and how many rows were changed."""

    rows: list[dict[str, Value]]
    changed: int


def run(context: ink.Context, fields: Sql) -> Result:
    """Run the statement, whole or not at all.  Raises ``sqlite3.Error``."""
    context.logger.info("%s", fields.query)
    mode = "rwc" if fields.writes else "ro"
    place = Path(fields.database).absolute().as_uri()
    with closing(sqlite3.connect(f"{place}?mode={mode}", uri=True)) as connection, connection:
        connection.row_factory = sqlite3.Row
        connection.set_progress_handler(lambda: context.cancelled, STEPS_BETWEEN_LOOKS)
        cursor = connection.execute(fields.query, fields.parameters)
        rows = [dict(row) for row in cursor]
        return {"rows": rows, "changed": max(cursor.rowcount, 0)}


SQL = ink.NodeKind(
    name="sql",
    fields=Sql,
    run=run,
    templates=("database", "parameters"),
    description="A statement on a SQLite file; its output is {rows, changed}.",
)
