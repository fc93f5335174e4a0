"""The SQLite store: readable by anybody, changeable by nobody, and damage is told."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from indelible.errors import (
    ConflictError,
    CorruptLogError,
    NewerLogError,
    StoreError,
)
from indelible.events import Sealed
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log
from indelible.testing.store_cases import resealed

LOG = some_log("r", 6)
COLUMNS = "run_id, sequence, event_type, timestamp, payload, digest"
ROW = f"INSERT INTO workflow_events ({COLUMNS}) VALUES"
GOOD = "'2026-11-23T02:37:01.000000Z', '{}', '" + "0" * 64 + "')"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


@pytest.fixture
def written(path: Path) -> Path:
    """A closed database with six events."""
    write(path, LOG)
    return path


def write(path: Path, log: Sequence[Sealed]) -> None:
    with closing(SqliteStore(path)) as store:
        store.append("r", log, expected=0)


def run_sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What the standard library's client makes of ``statements``, while no store is open here."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement)]


# Anybody can read it.


def test_the_plain_client_reads_the_columns_of_the_issue(written: Path) -> None:
    rows = run_sql(written, f"SELECT {COLUMNS} FROM workflow_events ORDER BY sequence")
    assert [row[:4] + row[5:] for row in rows] == [
        (e.run_id, e.sequence, e.event_type, e.timestamp, e.digest) for e in LOG
    ]
    assert [json.loads(str(row[4])) for row in rows] == [json.loads(e.payload) for e in LOG]


def test_the_file_says_what_it_is(written: Path) -> None:
    marks = run_sql(written, "PRAGMA application_id", "PRAGMA user_version", "PRAGMA journal_mode")
    assert marks == [(int.from_bytes(b"Indl", "big"),), (1,), ("wal",)]


def test_rows_stand_in_the_order_of_their_commits(store: SqliteStore, path: Path) -> None:
    other = some_log("q", 2)
    store.append("r", LOG[:2], expected=0)
    store.append("q", other, expected=0)
    store.append("r", LOG[2:3], expected=2)
    store.close()
    rows = run_sql(path, "SELECT rowid, run_id, sequence FROM workflow_events ORDER BY rowid")
    assert rows == [(1, "r", 1), (2, "r", 2), (3, "q", 1), (4, "q", 2), (5, "r", 3)]


def test_files_are_private(store: SqliteStore, path: Path) -> None:
    ref = store.put_blob("r", b"secret")
    with store.claim("r"):
        store.append("r", LOG, expected=0)
        beside = {
            place.relative_to(path.parent).as_posix(): stat.S_IMODE(place.stat().st_mode)
            for place in sorted(path.parent.rglob("*"))
        }
    folders = ("log.db.blobs", "log.db.blobs/r", "log.db.claims")
    files = (
        *("log.db", "log.db-shm", "log.db-wal", "log.db.head"),
        *("log.db.claims/r.lock", f"log.db.blobs/r/{ref.sha256}"),
    )
    assert beside == dict.fromkeys(folders, 0o700) | dict.fromkeys(files, 0o600)


def test_reading_what_is_not_there_makes_nothing(store: SqliteStore, path: Path) -> None:
    assert (list(store.read("r")), list(store.runs())) == ([], [])
    assert not store.wait("r", after=0, timeout=0)
    store.close()
    assert list(path.parent.iterdir()) == []


def test_reading_changes_no_file(written: Path) -> None:
    def files() -> dict[str, bytes]:
        return {place.name: place.read_bytes() for place in written.parent.iterdir()}

    before = files()
    with closing(SqliteStore(written)) as reader:
        assert tuple(reader.read("r")) == LOG
        assert reader.runs() == ("r",)
    assert {name: files()[name] for name in before} == before


# Nobody can change it.


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE workflow_events SET payload = '{}' WHERE sequence = 1", "an event never changes"),
        ("UPDATE workflow_events SET rowid = 99 WHERE sequence = 6", "an event never changes"),
        ("DELETE FROM workflow_events", "an event is never removed"),
        ("DELETE FROM workflow_events WHERE sequence = 6", "an event is never removed"),
        (f"{ROW} ('r', 8, 'node_started', {GOOD}", "no gaps and no second copies"),
        (f"{ROW} ('r', 6, 'node_started', {GOOD}", "no gaps and no second copies"),
        (f"{ROW} ('new', 2, 'node_started', {GOOD}", "no gaps and no second copies"),
        (
            f"{ROW.replace('INSERT', 'INSERT OR REPLACE')} ('r', 6, 'node_started', {GOOD}",
            "no gaps and no second copies",
        ),
        (
            f"{ROW.replace('INSERT', 'REPLACE').replace('(run_id', '(rowid, run_id')}"
            f" (3, 'new', 1, 'node_started', {GOOD}",
            "an event is never replaced",
        ),
        (
            f"{ROW.replace('(run_id', '(rowid, run_id')} (9, 'new', 1, 'node_started', {GOOD}",
            "added at the end",
        ),
        (
            f"{ROW.replace('(run_id', '(rowid, run_id')} (-1, 'new', 1, 'node_started', {GOOD}",
            "added at the end",
        ),
        (
            f"{ROW} ('r', 6, 'node_started', {GOOD}"
            " ON CONFLICT (run_id, sequence) DO UPDATE SET payload = excluded.payload",
            "no gaps and no second copies",
        ),
        (f"{ROW} ('r', 7, 'node_paused', {GOOD}", "CHECK constraint failed: event_type"),
        (f"{ROW} ('../x', 1, 'node_started', {GOOD}", "CHECK constraint failed"),
        (f"{ROW} ('.x', 1, 'node_started', {GOOD}", "CHECK constraint failed"),
    ],
)
def test_the_table_refuses_whatever_is_not_an_append(
    written: Path, statement: str, said: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=said):
        run_sql(written, statement)
    with closing(SqliteStore(written)) as store:
        assert tuple(store.read("r")) == LOG


@pytest.mark.parametrize("trigger", ["no_update", "no_delete", "in_order", "no_replace"])
def test_a_table_without_its_triggers_is_not_written_to(written: Path, trigger: str) -> None:
    run_sql(written, f"DROP TRIGGER workflow_events_{trigger}")
    with closing(SqliteStore(written)) as store:
        with pytest.raises(CorruptLogError, match=f"not as it was made: .*_{trigger}"):
            store.append("r", some_log("r", 1, after=LOG[-1]), expected=6)
        assert tuple(store.read("r")) == LOG


# Files that are not ours, or not for us.


def test_a_file_that_is_no_database_is_left_alone(store: SqliteStore, path: Path) -> None:
    path.write_bytes(b"These are my notes, please keep them.\n" * 100)
    with pytest.raises(CorruptLogError, match=r"log\.db: .*not a database"):
        store.append("r", LOG, expected=0)
    assert path.read_bytes().startswith(b"These are my notes")
    assert [place.name for place in path.parent.iterdir()] == ["log.db"]


def test_a_database_of_somebody_else_is_left_alone(store: SqliteStore, path: Path) -> None:
    run_sql(path, "CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"log\.db: a SQLite database, but not one of Indelible"):
        store.append("r", LOG, expected=0)
    assert path.read_bytes() == before


def test_a_newer_database_says_so(written: Path) -> None:
    run_sql(written, "PRAGMA user_version = 2")
    with closing(SqliteStore(written)) as store:
        with pytest.raises(NewerLogError, match="written in format 2; this version reads up to 1"):
            list(store.read("r"))
        with pytest.raises(NewerLogError, match="written in format 2"):
            store.append("r", LOG, expected=6)


def test_an_empty_file_becomes_a_store(store: SqliteStore, path: Path) -> None:
    path.touch(0o600)
    assert list(store.read("r")) == []
    store.append("r", LOG, expected=0)
    assert tuple(store.read("r")) == LOG


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_regular_file_is_refused(store: SqliteStore, path: Path, kind: str) -> None:
    if kind == "link":
        path.symlink_to(path.with_name("elsewhere.db"))
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StoreError, match=r"log\.db: cannot "):
        store.append("r", LOG, expected=0)
    assert not path.with_name("elsewhere.db").exists()


# Errors while writing.


def test_after_an_error_the_run_takes_no_append_until_it_is_claimed(
    store: SqliteStore, path: Path
) -> None:
    store.append("r", LOG[:2], expected=0)
    store.append("q", some_log("q", 1), expected=0)
    fill_disk(store)
    with pytest.raises(StoreError, match=r"log\.db: cannot .*full") as caught:
        store.append("r", large(), expected=2)
    assert "Free some space" in caught.value.hint
    with pytest.raises(StoreError, match="an append failed before, so this one was not tried"):
        store.append("r", LOG[2:], expected=2)
    assert tuple(store.read("r")) == LOG[:2]
    store.append("q", some_log("q", 2)[1:], expected=1)
    with store.claim("r"):
        store.append("r", LOG[2:], expected=2)
    assert tuple(store.read("r")) == LOG


def test_a_conflict_is_no_error_to_recover_from(store: SqliteStore) -> None:
    store.append("r", LOG[:2], expected=0)
    with pytest.raises(ConflictError):
        store.append("r", LOG[2:], expected=1)
    store.append("r", LOG[2:], expected=2)
    assert tuple(store.read("r")) == LOG


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_was_moved_away_takes_no_append(
    store: SqliteStore, path: Path, replaced: bool
) -> None:
    store.append("r", LOG[:2], expected=0)
    path.rename(path.with_name("moved.db"))
    if replaced:
        path.touch()
    with pytest.raises(StoreError, match=r"log\.db: was moved or replaced while it was open"):
        store.append("r", LOG[2:], expected=2)


def test_a_database_that_stays_locked_is_an_error_in_the_end(
    written: Path,
) -> None:
    with (
        closing(SqliteStore(written, patience=0.02)) as store,
        closing(apsw.Connection(str(written))) as other,
    ):
        store.append("r", some_log("r", 1, after=LOG[-1]), expected=6)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"log\.db: cannot write: .*locked") as caught:
            store.append("r", some_log("r", 8)[7:], expected=7)
        assert "one that hangs" in caught.value.hint
        assert tuple(store.read("r")) == some_log("r", 7)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(tmp_path / "file" / "log.db")
    with pytest.raises(StoreError, match=r"cannot .*: Not a directory"):
        store.append("r", LOG, expected=0)


def fill_disk(store: SqliteStore) -> None:
    """The database may not grow by a page: what a full disk looks like to SQLite."""
    found = store._opened.for_appends
    assert found is not None
    connection = found[0]._connection
    connection.pragma("max_page_count", connection.pragma("page_count"))


def large() -> tuple[Sealed, ...]:
    return (resealed(LOG[2], payload=b'"' + b"x" * 100_000 + b'"', previous=LOG[1].digest),)
