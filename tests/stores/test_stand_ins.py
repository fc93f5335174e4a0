"""What stands in the place of a file of a store is never followed, nor written through."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.stores.places import LOG, MAKERS, RUN, write

from indelible.errors import StoreError
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.port import IWorkflowStore


def stand_in(path: Path, kind: str) -> None:
    """Put something else in the place of ``path``, which leads to where ``path`` led."""
    aside = path.with_name("aside")
    if os.path.lexists(path):
        path.rename(aside)
    match kind:
        case "link":
            path.symlink_to(aside)
        case "hard link":
            path.hardlink_to(aside)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


KINDS = [
    "link",
    "hard link",
    "fifo",
    "folder",
    pytest.param(
        "device", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
    ),
]
FILES = ["runs/r/events.jsonl", "runs/r/head", "runs/r/driver.lock"]
DATABASE_FILES = ["log.db", "log.db.head", "log.db.claims/r.lock"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*FILES, *DATABASE_FILES])
def test_only_a_regular_file_of_its_own_is_written_to(tmp_path: Path, name: str, kind: str) -> None:
    make = MAKERS["filesystem" if name in FILES else "sqlite"]
    write(make(tmp_path))
    path = tmp_path / name
    aside = path.with_name("aside")
    before = path.read_bytes()
    stand_in(path, kind)
    with closing(make(tmp_path)) as store:
        with pytest.raises(StoreError, match=path.name), store.claim(RUN):
            pytest.fail("it was claimed")
        assert aside.read_bytes() == before, "something was written through it"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_database_follows_no_link_to_a_journal(tmp_path: Path, suffix: str, kind: str) -> None:
    write(MAKERS["sqlite"](tmp_path))
    stand_in(tmp_path / f"log.db{suffix}", kind)
    with closing(MAKERS["sqlite"](tmp_path)) as store, pytest.raises(StoreError), store.claim(RUN):
        store.append(RUN, LOG[2:], expected=2)
    assert not (tmp_path / "aside").exists()


@pytest.mark.parametrize("kind", ["link", "fifo", "file"])
@pytest.mark.parametrize("name", ["runs/r", "runs/r/blobs", "runs/r/logs"])
def test_no_folder_of_a_run_leads_out_of_it(tmp_path: Path, name: str, kind: str) -> None:
    store = MAKERS["filesystem"](tmp_path)
    write(store)
    outside = tmp_path / "outside"
    outside.mkdir()
    replace_folder(tmp_path / name, kind, outside)
    with pytest.raises(StoreError, match=f"{name}: not a directory") as caught:
        use_folders(store)
    assert "Move it out of the store" in caught.value.hint
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "fifo", "file"])
@pytest.mark.parametrize("name", ["blobs", "blobs/r", "logs", "logs/r", "claims"])
def test_no_folder_beside_a_database_leads_elsewhere(tmp_path: Path, name: str, kind: str) -> None:
    store = MAKERS["sqlite"](tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    replace_folder(tmp_path / f"log.db.{name}", kind, outside)
    with pytest.raises(StoreError, match=f"{name}: not a directory"):
        use_folders(store)
    assert list(outside.iterdir()) == []
    store.close()


def use_folders(store: IWorkflowStore) -> None:
    store.put_blob(RUN, b"large")
    store.folder(RUN)
    with store.claim(RUN):
        pass


def replace_folder(path: Path, kind: str, outside: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        path.rename(path.with_name("aside"))
    match kind:
        case "link":
            path.symlink_to(outside)
        case "fifo":
            os.mkfifo(path)
        case "file":
            path.touch()


def test_a_backup_of_hard_links_can_be_read_and_stays_as_it_is(tmp_path: Path) -> None:
    store = MAKERS["filesystem"](tmp_path)
    ref = store.put_blob(RUN, b"large")
    write(store)
    backup = tmp_path / "backup"
    subprocess.run(["cp", "-al", tmp_path / "runs", backup], check=True)
    with closing(FilesystemStore(backup)) as copy:
        assert tuple(copy.read(RUN)) == LOG[:2]
        assert copy.get_blob(RUN, ref) == b"large"
        assert copy.put_blob(RUN, b"large") == ref, "a blob is never written again"
        said = "it has a second name, a hard link"
        with pytest.raises(StoreError, match=said), copy.claim(RUN):
            pytest.fail("the backup would have changed with it")
