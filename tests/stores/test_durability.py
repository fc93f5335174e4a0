"""What is synced when, under each durability; what is lost when a process is killed: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indelible.errors import StoreError, UsageError
from indelible.events import WorkflowCancelled
from indelible.runtime.config import open_store
from indelible.stores.codec import seal
from indelible.stores.durability import FULL, STRICT, Durability, parse_durability
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.port import IWorkflowStore
from indelible.stores.sqlite import SqliteStore
from indelible.testing.logs import some_log

NEVER = Durability(interval=3600)
"""Batches that nobody waits for."""

Open = Callable[[Path, Durability], IWorkflowStore]


def open_files(folder: Path, durability: Durability) -> IWorkflowStore:
    return FilesystemStore(folder / "runs", durability=durability)


def open_database(folder: Path, durability: Durability) -> IWorkflowStore:
    return SqliteStore(folder / "log.db", durability=durability)


class Syncs:
    """Counts the file syncs of this process; those of SQLite itself are not among them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._really = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def during(self, work: Callable[[], object]) -> int:
        before = self.count
        work()
        return self.count - before

    def _sync(self, fd: int) -> None:
        self.count += 1
        self._really(fd)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("full", FULL),
        ("strict", STRICT),
        ("batch", Durability(interval=0.05)),
        ("batch:200ms", Durability(interval=0.2)),
        ("batch:2s", Durability(interval=2.0)),
    ],
)
def test_a_durability_is_a_word(text: str, meant: Durability) -> None:
    assert parse_durability(text) == meant


@pytest.mark.parametrize("text", ["", "Full", "none", "batch:", "batch:0s", "batch:x", "full:1s"])
def test_other_words_are_refused_with_those_that_there_are(text: str) -> None:
    if text == "batch:":
        assert parse_durability(text) == Durability(interval=0.05)
        return
    with pytest.raises(ValueError, match=r"duration|Write full, strict"):
        parse_durability(text)


def test_a_store_is_opened_with_a_durability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="'sometimes' is no durability"):
        open_store(tmp_path / "runs", durability="sometimes")
    monkeypatch.setenv("INDELIBLE_DURABILITY", "often")
    with pytest.raises(UsageError, match="'often' is no durability"):
        open_store(tmp_path / "runs")
    open_store(tmp_path / "runs", durability="batch").close()


def test_the_configuration_names_a_durability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "indelible.toml").write_text('durability = "now and then"')
    with pytest.raises(UsageError, match="durability must be one of the durabilities"):
        open_store("runs")


@pytest.mark.parametrize(
    ("durability", "expected"),
    [(FULL, 1), (STRICT, 2), (NEVER, 0)],
    ids=["full", "strict", "batch"],
)
def test_an_append_to_files_waits_for_as_many_syncs_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Durability, expected: int
) -> None:
    syncs, log = Syncs(monkeypatch), some_log("r", 8)
    store = open_files(tmp_path, durability)
    store.append("r", log[:1], expected=0)
    assert syncs.during(lambda: store.append("r", log[1:2], expected=1)) == expected
    assert syncs.during(lambda: store.append("r", log[2:5], expected=2)) == expected
    store.close()


@pytest.mark.parametrize("open_it", [open_files, open_database], ids=["files", "SQLite"])
def test_a_batch_is_synced_at_the_end_of_the_run_and_when_the_store_is_closed(
    open_it: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs, log = Syncs(monkeypatch), some_log("r", 4)
    store = open_it(tmp_path, NEVER)
    store.append("r", log[:1], expected=0)
    assert syncs.during(lambda: store.append("r", log[1:], expected=1)) == 0
    last = log[-1]
    ending = seal(
        WorkflowCancelled(reason="enough", by="ann"),
        run_id="r",
        sequence=5,
        timestamp=last.timestamp,
        previous=last.digest,
    )
    assert syncs.during(lambda: store.append("r", [ending], expected=4)) == 2
    other = some_log("s", 2)
    store.append("s", other, expected=0)
    assert syncs.during(store.close) == 2
    with_others = open_it(tmp_path, FULL)
    assert tuple(with_others.read("r")) == (*log, ending)
    assert tuple(with_others.read("s")) == other
    with_others.close()


def test_a_batch_that_cannot_be_synced_makes_the_next_append_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(5, "Input/output error")

    log = some_log("r", 4)
    store = FilesystemStore(tmp_path / "runs", durability=Durability(interval=0.001))
    store.append("r", log[:1], expected=0)
    monkeypatch.setattr(os, "fdatasync", refuse)
    store.append("r", log[1:2], expected=1)
    with pytest.raises(StoreError, match="an append failed before"):
        append_for_ever(store, 2)  # until the thread that syncs has been there
    monkeypatch.undo()
    store.close()


def append_for_ever(store: IWorkflowStore, length: int) -> None:
    while True:
        store.append("r", some_log("r", length + 1)[length:], expected=length)
        length += 1


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.stores.test_durability import NEVER, open_database, open_files
from indelible.testing.logs import some_log
store = {"files": open_files, "SQLite": open_database}[sys.argv[1]](Path(sys.argv[2]), NEVER)
for at, event in enumerate(some_log("r", 6)):
    store.append("r", [event], expected=at)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.real
@pytest.mark.parametrize("kind", ["files", "SQLite"])
def test_a_killed_process_loses_nothing_that_it_had_not_synced(kind: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    command = [sys.executable, "-c", KILLED, kind, str(tmp_path)]
    assert subprocess.run(command, env=env, timeout=60, check=False).returncode == -9
    opened = {"files": open_files, "SQLite": open_database}[kind](tmp_path, FULL)
    with opened.claim("r"):
        assert tuple(opened.read("r")) == some_log("r", 6)
    opened.close()
