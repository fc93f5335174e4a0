"""A SQLite log that is not what was acknowledged is refused: SQLite itself would not tell."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from indelible.errors import CorruptLogError
from indelible.events import Sealed
from indelible.stores.head import HeadFile, head_at
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log

LOG = some_log("r", 6)


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
    """What the plain client of the standard library makes of ``statements``."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement)]


DAMAGE = {
    "a changed payload": ("UPDATE workflow_events SET payload='{}' WHERE sequence = 3", "event 3"),
    "a changed time": (
        "UPDATE workflow_events SET timestamp='2030-01-01T00:00:00.000000Z' WHERE sequence = 1",
        "event 1",
    ),
    "a changed digest": (
        f"UPDATE workflow_events SET digest='{'0' * 64}' WHERE sequence = 2",
        "event 2",
    ),
    "a lost event": ("DELETE FROM workflow_events WHERE sequence = 4", "rows have been removed"),
    "invalid UTF-8": (
        "UPDATE workflow_events SET payload=CAST(x'ff' AS TEXT) WHERE sequence = 3",
        "event 3",
    ),
    "invalid UTF-8 in its time": (
        "UPDATE workflow_events SET timestamp="
        "CAST(CAST('2026-11-23T02:37:01.00000' AS BLOB) || x'ff41' AS TEXT) WHERE sequence = 3",
        "utf-8",
    ),
}


@pytest.mark.parametrize(("statement", "said"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_changed_row_is_found_when_it_is_read(written: Path, statement: str, said: str) -> None:
    drop = [f"DROP TRIGGER workflow_events_no_{what}" for what in ("update", "delete")]
    run_sql(written, *drop, statement)
    with closing(SqliteStore(written)) as store, pytest.raises(CorruptLogError, match=said) as all_:
        list(store.read("r"))
    assert str(written) in str(all_.value)


def test_a_row_that_the_head_does_not_know_is_another(written: Path) -> None:
    zeros = "0" * 64
    run_sql(
        written,
        "DROP TRIGGER workflow_events_no_update",
        f"UPDATE workflow_events SET digest='{zeros}' WHERE sequence = 6",
    )
    with closing(SqliteStore(written)) as store:
        with pytest.raises(CorruptLogError, match="6 rows were written, row 6 is another"):
            list(store.read("r"))
        with pytest.raises(CorruptLogError, match="acknowledged events are lost"):
            store.append("r", some_log("r", 1, after=LOG[-1]), expected=6)


def test_a_lost_tail_of_the_wal_file_is_found(store: SqliteStore, path: Path) -> None:
    """SQLite drops what stands behind a damaged frame, and says nothing."""
    store.append("r", LOG[:3], expected=0)
    store.append("r", LOG[3:], expected=3)
    # As after a crash: no connection was closed, and the files are there as they were.
    crashed = path.parent / "crashed"
    crashed.mkdir()
    for name in ("log.db", "log.db-wal", "log.db.head"):
        shutil.copy(path.with_name(name), crashed / name)
    wal = crashed / "log.db-wal"
    content = bytearray(wal.read_bytes())
    content[-100] ^= 1
    wal.write_bytes(content)
    with closing(SqliteStore(crashed / "log.db")) as damaged:
        with pytest.raises(CorruptLogError, match="6 rows were written, only 3 are there"):
            list(damaged.read("r"))
        with pytest.raises(CorruptLogError, match="6 rows were written, only 3 are there"):
            damaged.claim("r").__enter__()
    assert wal.read_bytes() == content, "the evidence was touched"


def test_what_a_crashed_process_committed_is_kept(store: SqliteStore, path: Path) -> None:
    store.append("r", LOG, expected=0)
    crashed = path.parent / "crashed"
    crashed.mkdir()
    for name in ("log.db", "log.db-wal", "log.db.head"):
        shutil.copy(path.with_name(name), crashed / name)
    with closing(SqliteStore(crashed / "log.db")) as again:
        with again.claim("r"):
            assert (crashed / "log.db-wal").stat().st_size == 0
        assert tuple(again.read("r")) == LOG


def test_a_database_without_its_head_says_how_to_accept_it(written: Path) -> None:
    written.with_name("log.db.head").unlink()
    with closing(SqliteStore(written)) as store:
        for call in (lambda: list(store.read("r")), lambda: store.claim("r").__enter__()):
            with pytest.raises(CorruptLogError, match=r"\.head file is missing") as caught:
                call()
            assert "indelible repair RUN --rebuild-head" in caught.value.hint
    assert not written.with_name("log.db.head").exists()


def test_a_head_without_its_database_is_a_lost_log(written: Path) -> None:
    written.unlink()
    with closing(SqliteStore(written)) as store:
        with pytest.raises(CorruptLogError, match="database is missing; its head names 6 rows"):
            list(store.runs())
        with pytest.raises(CorruptLogError, match="database is missing"):
            store.append("r", LOG, expected=0)
    assert not written.exists()


def test_an_older_copy_in_its_place_is_found(path: Path) -> None:
    write(path, LOG[:2])
    shutil.copy(path, path.with_name("older.db"))
    with closing(SqliteStore(path)) as store:
        store.append("r", LOG[2:], expected=2)
    shutil.copy(path.with_name("older.db"), path)
    with closing(SqliteStore(path)) as store, pytest.raises(CorruptLogError, match="only 2 are"):
        list(store.read("r"))


def test_the_head_names_the_last_committed_row(store: SqliteStore, path: Path) -> None:
    store.append("r", LOG[:2], expected=0)
    store.append("q", some_log("q", 1), expected=0)
    head = head_at(path.with_name("log.db.head"))
    assert head is not None
    assert (head.run_id, head.sequence, head.offset) == ("q", 1, 3)
    assert head.digest == some_log("q", 1)[0].digest


def test_a_head_that_a_crash_left_behind_is_brought_up_to_date(written: Path) -> None:
    behind = written.with_name("log.db.head")
    with closing(HeadFile(behind)) as head:
        for _ in range(2):
            head.write(run_id="r", sequence=4, offset=4, digest=LOG[3].digest)
    with closing(SqliteStore(written)) as store, store.claim("r"):
        found = head_at(behind)
        assert found is not None
        assert (found.sequence, found.offset) == (6, 6)


def test_a_lost_head_can_be_rebuilt_over_chains_that_hold(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    store = SqliteStore(path)
    with store.claim("r1"):
        store.append("r1", some_log("r1", 3), expected=0)
    store.close()
    path.with_name("log.db.head").unlink()
    store = SqliteStore(path)
    assert store.rebuild_head("r1") == 3
    assert tuple(store.read("r1")) == some_log("r1", 3)
    store.close()


def test_rows_that_were_removed_with_the_triggers_out_of_the_way_are_missed(
    tmp_path: Path,
) -> None:
    import apsw

    path = tmp_path / "log.db"
    store = SqliteStore(path)
    for run_id in ("r1", "r2"):
        with store.claim(run_id):
            store.append(run_id, some_log(run_id, 3), expected=0)
    store.close()
    connection = apsw.Connection(str(path))
    made = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name = 'workflow_events_no_delete'"
    ).get
    connection.execute("DROP TRIGGER workflow_events_no_delete")
    connection.execute("DELETE FROM workflow_events WHERE run_id = 'r1' AND sequence = 3")
    connection.execute(made)
    connection.close()
    with pytest.raises(CorruptLogError, match="rows have been removed"):
        list(SqliteStore(path).read("r1"))
