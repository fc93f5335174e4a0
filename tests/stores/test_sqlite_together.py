"""One SQLite file and many who use it: writers, readers with other clients, and damage between."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import apsw
import pytest

from indelible.errors import ConflictError, CorruptLogError
from indelible.stores.database import WAL_PAGES
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log

LOG = some_log("r", 6)
PROCESSES = 8
EACH = 10
FRAME = 4096 + 24
"""Bytes that a page takes in a -wal file."""


def append_own(path: Path, number: int) -> None:
    """A run of its own, one event at a time."""
    run_id = f"own-{number}"
    with closing(SqliteStore(path)) as store, store.claim(run_id):
        for event in some_log(run_id, EACH):
            store.append(run_id, [event], expected=event.sequence - 1)


def append_shared(path: Path, number: int) -> None:
    """The same run for all: whoever is first appends, the others look again."""
    log = some_log("shared", EACH * PROCESSES)
    with closing(SqliteStore(path)) as store:
        for _ in range(EACH):
            while True:
                length = sum(1 for _ in store.read("shared"))
                try:
                    store.append("shared", log[length : length + 1], expected=length)
                except ConflictError:
                    continue
                break


@pytest.mark.real
def test_eight_processes_append_to_one_file_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    context = get_context("spawn")
    processes = [
        context.Process(target=work, args=(path, number), daemon=True)
        for number in range(PROCESSES)
        for work in ((append_own,) if number % 2 else (append_shared,))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with closing(SqliteStore(path)) as store:
        shared = EACH * PROCESSES // 2
        assert tuple(store.read("shared")) == some_log("shared", EACH * PROCESSES)[:shared]
        for number in range(1, PROCESSES, 2):
            assert tuple(store.read(f"own-{number}")) == some_log(f"own-{number}", EACH)


LOOK = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    print(connection.execute("SELECT count(*), max(sequence) FROM workflow_events").fetchone())
"""


@pytest.mark.real
def test_the_plain_client_reads_while_a_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqliteStore(path)) as store, store.claim("r"):
        for length in (2, 4, 6):
            store.append("r", LOG[length - 2 : length], expected=length - 2)
            # In another process: two SQLite libraries in one undo each other's locks.
            look = [sys.executable, "-c", LOOK, str(path)]
            said = subprocess.run(look, capture_output=True, text=True, timeout=60, check=True)
            assert said.stdout == f"({length}, {length})\n"
        assert tuple(store.read("r")) == LOG


def test_the_wal_file_stays_small_however_much_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = some_log("r", 3_000)
    with closing(SqliteStore(path)) as store, closing(SqliteStore(path)) as reader:
        largest = 0
        for first in range(0, len(log), 3):
            store.append("r", log[first : first + 3], expected=first)
            if first % 300 == 0:
                assert reader.wait("r", after=first, timeout=0)
                largest = max(largest, path.with_name("log.db-wal").stat().st_size)
        assert 0 < largest <= 2 * WAL_PAGES * FRAME


def test_a_wal_file_that_a_reader_let_grow_is_cut_back_when_it_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    wal = path.with_name("log.db-wal")
    log = some_log("r", 4_000)
    with closing(SqliteStore(path)) as store:
        store.append("r", log[:1], expected=0)
        with closing(apsw.Connection(str(path))) as slow:
            slow.execute("BEGIN; SELECT count(*) FROM workflow_events").fetchall()
            for first in range(1, 3_700, 3):
                store.append("r", log[first : first + 3], expected=first)
            grown = wal.stat().st_size
            assert grown > WAL_PAGES * FRAME, "the reader held nothing up, so this proves nothing"
        for first in range(3_700, 3_730, 3):
            store.append("r", log[first : first + 3], expected=first)
        assert wal.stat().st_size <= WAL_PAGES * FRAME


@pytest.mark.parametrize("change", ["flip", "zero", "cut"])
def test_damage_to_a_wal_file_left_behind_never_loses_an_event_in_silence(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "log.db"
    crashed = tmp_path / "crashed"
    crashed.mkdir(mode=0o700)
    refused = 0
    with closing(SqliteStore(path)) as store:
        for event in LOG:
            store.append("r", [event], expected=event.sequence - 1)
        wal = bytearray(path.with_name("log.db-wal").read_bytes())
        shutil.copy(path.with_name("log.db.head"), crashed)
        for place in range(0, len(wal), 509):
            shutil.copy(path, crashed)
            crashed.joinpath("log.db-shm").unlink(missing_ok=True)
            crashed.joinpath("log.db-wal").write_bytes(changed(wal, change, place))
            refused += is_refused(crashed / "log.db")
    assert refused > 0, "no change mattered, so this proves nothing"


def changed(wal: bytearray, change: str, place: int) -> bytes:
    match change:
        case "flip":
            return bytes([*wal[:place], wal[place] ^ 0xFF, *wal[place + 1 :]])
        case "zero":
            return bytes(wal[:place]) + bytes(512) + bytes(wal[place + 512 :])
    return bytes(wal[:place])


def is_refused(path: Path) -> bool:
    """Whether the log is told to be damaged; if it is not, it is whole."""
    with closing(SqliteStore(path)) as store:
        try:
            found = tuple(store.read("r"))
        except CorruptLogError:
            return True
        assert found == LOG
        return False
