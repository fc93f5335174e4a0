"""Every write and sync of SQLite goes wrong once; nothing acknowledged is lost.

The faults come from a VFS of SQLite's own kind, put between it and the system.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from indelible.errors import StoreError
from indelible.stores.sqlite import SqliteStore
from tests.faults.logs import LOG, RUN, Trial

FAULTS = {"EIO": apsw.IOError, "ENOSPC": apsw.FullError}


class Disk:
    """What of each file is on the disk: what was written before a sync that came through.

    After a sync that failed the pages count as clean, though the disk does not have them.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self._dirty: dict[str, list[tuple[int, bytes | None]]] = {}

    def wrote(self, name: str, offset: int, data: bytes) -> None:
        self._dirty.setdefault(name, []).append((offset, bytes(data)))

    def cut(self, name: str, size: int) -> None:
        self._dirty.setdefault(name, []).append((size, None))

    def forget(self, name: str) -> None:
        self._dirty.pop(name, None)

    def synced(self, name: str) -> None:
        kept = self.files.setdefault(name, bytearray())
        for offset, data in self._dirty.pop(name, []):
            if data is None:
                del kept[offset:]
                continue
            kept.extend(bytes(max(0, offset + len(data) - len(kept))))
            kept[offset : offset + len(data)] = data


class Faults:
    """Counts the calls; number ``at`` fails, and with ``is_lasting`` all after it."""

    def __init__(
        self, at: int, error: type[apsw.Error], *, is_lasting: bool, disk: Disk | None = None
    ) -> None:
        self.calls = 0
        self.order: list[str] = []
        self.disk = disk or Disk()
        self._at = at
        self._error = error
        self._is_lasting = is_lasting

    @property
    def is_reached(self) -> bool:
        return self.calls >= self._at

    def next_call(self, name: str) -> None:
        self.calls += 1
        self.order.append(name)
        if self.calls == self._at or (self._is_lasting and self.calls > self._at):
            raise self._error(f"call {self.calls} fails")


class FaultyFile(apsw.VFSFile):
    def __init__(self, name: apsw.URIFilename | str | None, flags: list[int], faults: Faults):
        super().__init__("unix", name, flags)
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._faults = faults

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._faults.next_call(f"write {self._name}")
        super().xWrite(data, offset)
        self._faults.disk.wrote(self._name, offset, data)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._faults.next_call(f"truncate {self._name}")
        super().xTruncate(newsize)
        self._faults.disk.cut(self._name, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        try:
            self._faults.next_call(f"sync {self._name}")
        except apsw.Error:
            self._faults.disk.forget(self._name)
            raise
        super().xSync(flags)
        self._faults.disk.synced(self._name)


class FaultyVFS(apsw.VFS):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        super().__init__("faulty", "unix", makedefault=True)

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> FaultyFile:  # noqa: N802
        return FaultyFile(name, flags, self._faults)


@contextmanager
def installed(faults: Faults) -> Iterator[None]:
    vfs = FaultyVFS(faults)
    try:
        yield
    finally:
        vfs.unregister()


class DatabaseTrial(Trial):
    """A database behind a VFS that fails."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        super().__init__()
        self.folder = folder
        self.faults = faults

    def run(self) -> None:
        with installed(self.faults):
            self.write(SqliteStore(self.folder / "runs.db"))

    def go_on(self, at: int) -> None:
        """Another process drives the run to its end, but at call ``at`` the power goes."""
        self.faults = Faults(at, apsw.IOError, is_lasting=True, disk=self.faults.disk)
        with installed(self.faults):
            store = SqliteStore(self.folder / "runs.db")
            with suppress(StoreError), store.claim(RUN):
                found = len(tuple(store.read(RUN)))
                store.append(RUN, LOG[found:], expected=found)
                self.acknowledged = len(LOG)
            with suppress(StoreError):
                store.close()

    def after_a_power_cut(self) -> SqliteStore:
        """Of the database and its -wal file only what was synced; all else as it is now."""
        left = Path(shutil.copytree(self.folder, self.folder.with_name("left")))
        for file in (left / "runs.db", left / "runs.db-wal"):
            if file.exists():
                file.write_bytes(self.faults.disk.files.get(str(self.folder / file.name), b""))
        (left / "runs.db-shm").unlink(missing_ok=True)
        return SqliteStore(left / "runs.db")


def trials(
    folder: Path, error: type[apsw.Error], *, is_lasting: bool = False
) -> Iterator[DatabaseTrial]:
    at = 0
    while True:
        at += 1
        work = folder / str(at) / "disk"
        work.mkdir(parents=True)
        trial = DatabaseTrial(work, Faults(at, error, is_lasting=is_lasting))
        trial.run()
        if not trial.faults.is_reached:
            assert trial.is_whole
            assert at > 20
            return
        yield trial
        shutil.rmtree(work.parent)


@pytest.mark.parametrize("is_lasting", [False, True], ids=["once", "for ever"])
@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_call_of_sqlite_fails_nothing_acknowledged_is_lost(
    tmp_path: Path, kind: str, is_lasting: bool
) -> None:
    for trial in trials(tmp_path, FAULTS[kind], is_lasting=is_lasting):
        if trial.error is not None:
            assert isinstance(trial.error, StoreError)
            assert "runs.db: cannot" in str(trial.error)
        trial.assert_kept(SqliteStore(trial.folder / "runs.db"))


def test_a_power_cut_at_any_call_of_sqlite_takes_nothing_acknowledged(tmp_path: Path) -> None:
    for trial in trials(tmp_path, apsw.IOError, is_lasting=True):
        trial.assert_kept(trial.after_a_power_cut())


def test_the_name_of_the_wal_file_is_durable_before_a_page_of_it_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite goes on when it cannot sync the directory, so the store has to do it itself."""
    trial = DatabaseTrial(tmp_path, Faults(0, apsw.IOError, is_lasting=False))
    order = trial.faults.order
    real = os.fsync

    def synced(fd: int) -> None:
        real(fd)
        order.append("sync " + os.readlink(f"/proc/self/fd/{fd}"))

    monkeypatch.setattr(os, "fsync", synced)
    trial.run()
    assert trial.is_whole
    name_made = order.index(f"write {tmp_path}/runs.db-wal")
    page_moved = order.index(f"write {tmp_path}/runs.db", name_made)
    assert f"sync {tmp_path}" in order[name_made:page_moved]


def test_after_a_failed_sync_of_the_wal_file_it_is_written_again_before_a_page_of_it_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by ``make crash``: the next to open trusted frames that only the page cache had, and
    the power went while it moved them into the database."""
    calls = calls_of_a_whole_run(tmp_path / "counted")
    failing = [number for number, call in enumerate(calls, 1) if call.endswith("sync runs.db-wal")]
    assert len(failing) > 4
    for number in failing:
        at = 0
        is_over = False
        while not is_over:
            at += 1
            folder = tmp_path / f"{number}-{at}" / "disk"
            folder.mkdir(parents=True)
            trial = DatabaseTrial(folder, Faults(number, apsw.IOError, is_lasting=False))
            with own_writes(monkeypatch, trial.faults.disk):
                trial.run()
                trial.go_on(at)
            is_over = not trial.faults.is_reached
            trial.assert_kept(trial.after_a_power_cut())
            shutil.rmtree(folder.parent)


def calls_of_a_whole_run(folder: Path) -> list[str]:
    folder.mkdir()
    trial = DatabaseTrial(folder, Faults(0, apsw.IOError, is_lasting=False))
    trial.run()
    assert trial.is_whole
    return [call.replace(f"{folder}/", "") for call in trial.faults.order]


@contextmanager
def own_writes(monkeypatch: pytest.MonkeyPatch, disk: Disk) -> Iterator[None]:
    """Inside, what the store itself writes to a -wal file is followed too."""
    pwrite, fdatasync = os.pwrite, os.fdatasync

    def written(fd: int, data: bytes, offset: int) -> int:
        length = pwrite(fd, data, offset)
        disk.wrote(os.readlink(f"/proc/self/fd/{fd}"), offset, bytes(data[:length]))
        return length

    def synced(fd: int) -> None:
        fdatasync(fd)
        disk.synced(os.readlink(f"/proc/self/fd/{fd}"))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", written)
        patch.setattr(os, "fdatasync", synced)
        yield
