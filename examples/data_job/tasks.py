"""The four steps of the data job: ordinary functions, each safe to run again after a crash."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import indelible as ink

COLUMNS = ("order_id", "day", "region", "product", "quantity", "unit_price")
REGIONS = frozenset({"north", "south", "east", "west"})

Row = dict[str, Any]


def fetch(source: str, into: str) -> dict[str, object]:
    """Copy ``source``, a URL or a file (relative to this folder), to ``into``."""
    content = _content_of(source)
    return {"file": str(_replace(Path(into, "orders.csv"), content)), "bytes": len(content)}


def check(file: str, max_bad: float) -> dict[str, object]:
    """Keep the good rows.  Raises ``ValueError`` if a greater share than ``max_bad`` is bad."""
    good: list[Row] = []
    bad: list[dict[str, object]] = []
    seen: set[str] = set()
    for line, row in _rows(Path(file)):
        problem = _problem(row, seen)
        seen.add(row.get("order_id") or "")
        if problem:
            bad.append({"line": line, "problem": problem})
        else:
            good.append(row)
    _refuse_if_too_bad(file, bad, len(good) + len(bad), max_bad)
    print(f"{len(good)} good rows, {len(bad)} bad")
    clean = _replace(Path(file).with_suffix(".clean.csv"), _as_csv(good))
    return {"file": str(clean), "rows": len(good), "bad": bad}


def load(file: str, into: str) -> dict[str, object]:
    """Upsert the rows by ``order_id``; which load wrote them is told by its idempotency key."""
    database = Path(into, "orders.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, day TEXT, region TEXT,"
            " product TEXT, quantity INTEGER, unit_price REAL, loaded_by TEXT)"
        )
        key = ink.context().idempotency_key
        rows = [(*(row[name] for name in COLUMNS), key) for _, row in _rows(Path(file))]
        connection.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return {"database": str(database), "rows": len(rows)}


def report(database: str, bad: list[dict[str, object]], into: str) -> dict[str, object]:
    """A page of Markdown: revenue by region, and what was left out."""
    with closing(sqlite3.connect(database)) as connection:
        regions = connection.execute(
            "SELECT region, count(*), round(sum(quantity * unit_price), 2) FROM orders"
            " GROUP BY region ORDER BY 3 DESC"
        ).fetchall()
    table = [f"| {region} | {orders} | {revenue:,.2f} |" for region, orders, revenue in regions]
    left_out = [f"* line {row['line']}: {row['problem']}" for row in bad]
    page = ["# Orders", "", "| region | orders | revenue |", "|---|---|---|", *table, ""]
    page += [f"{len(bad)} rows were left out:", "", *left_out, ""]
    file = _replace(Path(into, "report.md"), "\n".join(page).encode())
    return {"file": str(file), "revenue": round(sum(revenue for _, _, revenue in regions), 2)}


def _content_of(source: str) -> bytes:
    if source.startswith(("http://", "https://")):
        with urlopen(source, timeout=30) as response:
            content: bytes = response.read()
        return content
    return (Path(__file__).parent / source).read_bytes()


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{file}: no column {', '.join(sorted(missing))} in the first line")
        for row in reader:
            yield reader.line_num, row


def _problem(row: Row, seen: set[str]) -> str:
    """What is wrong with ``row``; empty if nothing is."""
    absent = [name for name in COLUMNS if not row.get(name)]
    if absent:
        return f"there is no {' and no '.join(absent)}"
    if row["order_id"] in seen:
        return f"order {row['order_id']} stands twice"
    if row["region"] not in REGIONS:
        return f"there is no region {row['region']!r}"
    try:
        date.fromisoformat(row["day"])
        is_positive = int(row["quantity"]) > 0 and float(row["unit_price"]) > 0
    except ValueError as error:
        return str(error)
    return "" if is_positive else "quantity and price must be above zero"


def _refuse_if_too_bad(file: str, bad: list[dict[str, object]], rows: int, limit: float) -> None:
    if not rows:
        raise ValueError(f"{file}: no rows")
    if len(bad) > limit * rows:
        shown = "".join(f"\n  line {row['line']}: {row['problem']}" for row in bad[:5])
        raise ValueError(f"{file}: {len(bad)} of {rows} rows are bad, such as{shown}")


def _as_csv(rows: Iterable[Row]) -> bytes:
    lines = [",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]
    return "\n".join([*lines, ""]).encode()


def _replace(file: Path, content: bytes) -> Path:
    """Write ``file`` whole or not at all: a crash in between leaves the old one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".part")
    draft.write_bytes(content)
    os.replace(draft, file)
    return file
