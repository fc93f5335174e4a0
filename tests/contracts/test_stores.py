"""Every store that comes with Indelible keeps the eight promises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from indelible.stores.durability import STRICT, Durability
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.memory import MemoryStore
from indelible.stores.port import IWorkflowStore
from indelible.stores.sqlite import SqliteStore
from indelible.testing.store_contract import Opener, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[IWorkflowStore]:
        store = MemoryStore()
        yield store
        store.close()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Opener:
        return partial(SqliteStore, tmp_path / "log.db")


class TestFilesystemStore(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Opener:
        return partial(FilesystemStore, tmp_path / "runs")


class TestStrictFilesystemStore(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Opener:
        return partial(FilesystemStore, tmp_path / "runs", durability=STRICT)


class TestBatchingFilesystemStore(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Opener:
        return partial(FilesystemStore, tmp_path / "runs", durability=Durability(interval=0.001))


class TestBatchingSqliteStore(StoreContract):
    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Opener:
        return partial(SqliteStore, tmp_path / "log.db", durability=Durability(interval=0.001))
