"""A store is made only where nobody else writes, and files in it are never somebody else's."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.stores.places import LOG, MAKERS, RUN, Make, write

from indelible.errors import CorruptLogError, StoreError
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.lockers import lockers_of
from indelible.stores.place import NetworkStoreWarning, check_root, warn_of_network
from indelible.stores.sqlite import SqliteStore

BOTH = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


# Whose it is.


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_store_that_others_may_write_to_takes_no_run(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    root.chmod(mode)
    with pytest.raises(StoreError, match=f"others may write there .mode {mode:04o}") as caught:
        write(FilesystemStore(root))
    assert f"chmod go-w {root}" in caught.value.hint
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o500])
def test_a_store_that_others_may_only_look_at_takes_runs(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "runs"
    root.mkdir(0o700)
    root.chmod(mode)
    check_root(root)


def test_a_database_beside_which_everybody_may_put_files_takes_no_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(StoreError, match="everybody may write there") as caught:
        write(SqliteStore(tmp_path / "log.db"))
    assert "mkdir -m 700" in caught.value.hint
    assert not (tmp_path / "log.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_store_of_another_user_takes_no_run(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    write(FilesystemStore(root))
    os.chown(root, 65534, 65534)
    with pytest.raises(StoreError, match="belongs to user 65534, and this is user 0"):
        write(FilesystemStore(root))
    database = tmp_path / "log.db"
    write(SqliteStore(database))
    os.chown(database, 65534, 65534)
    with pytest.raises(StoreError, match=r"log\.db: belongs to user 65534"):
        write(SqliteStore(database))
    assert tuple(FilesystemStore(root).read(RUN)) == LOG[:2], "reading harms nobody"


@BOTH
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_are_private_whatever_the_umask(tmp_path: Path, make: Make, mask: int) -> None:
    tmp_path.chmod(0o700)
    with umask(mask), closing(make(tmp_path)) as store, store.claim(RUN):
        store.append(RUN, LOG, expected=0)
        store.put_blob(RUN, b"large")
        found = {path: stat.S_IMODE(path.lstat().st_mode) for path in tmp_path.rglob("*")}
        assert len(found) >= 5
        assert found == {path: 0o700 if path.is_dir() else 0o600 for path in found}


# What happens while a run goes on.


@pytest.mark.parametrize("name", ["events.jsonl", "head"])
@pytest.mark.parametrize("how", ["removed", "replaced", "rotated"])
def test_a_log_that_is_moved_under_its_writer_takes_no_more(
    tmp_path: Path, name: str, how: str
) -> None:
    with closing(FilesystemStore(tmp_path / "runs")) as store, store.claim(RUN):
        store.append(RUN, LOG[:2], expected=0)
        path = tmp_path / "runs" / RUN / name
        content = path.read_bytes()
        path.rename(path.with_name("moved"))
        if how != "removed":
            path.write_bytes(content if how == "replaced" else b"")
        with pytest.raises(StoreError, match=f"{name}: was moved or replaced while it was open"):
            store.append(RUN, LOG[2:], expected=2)
        with pytest.raises(StoreError, match="an append failed before"):
            store.append(RUN, LOG[2:], expected=2)
        assert path.with_name("moved").read_bytes() == content


def test_a_directory_that_holds_another_run_is_not_written_to(tmp_path: Path) -> None:
    """As where `r` and `R` are one name, and the directory of one is found for both."""
    write(FilesystemStore(tmp_path))
    (tmp_path / RUN).rename(tmp_path / "R")
    store = FilesystemStore(tmp_path)
    before = (tmp_path / "R" / "events.jsonl").read_bytes()
    with pytest.raises(StoreError, match="R: holds the run r"), store.claim("R"):
        pytest.fail("it was claimed")
    with pytest.raises(CorruptLogError, match="belongs to run r, not R"):
        list(store.read("R"))
    assert (tmp_path / "R" / "events.jsonl").read_bytes() == before


# File systems that cannot.


@BOTH
@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL], ids=errno.errorcode.get
)
def test_a_file_system_without_locks_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make, number: int
) -> None:
    def no_locks(fd: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    said = "cannot claim: .*no locks here"
    with pytest.raises(StoreError, match=said) as caught, make(tmp_path).claim(RUN):
        pytest.fail("it was claimed")
    assert "Put the store on a local disk" in caught.value.hint
    assert caught.value.exit_code == 9


MOUNTINFO = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:40 / /home/ann rw,relatime - {kind} host:/ann rw,vers=4.2
23 22 8:2 / /home/ann/local rw - xfs /dev/sdb1 rw
24 21 0:41 / /with\\040space rw - cifs //host/share rw
25 21 0:42 / /twice rw - nfs host:/x rw
26 21 8:3 / /twice rw - ext4 /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "is_network"),
    [
        ("/home/ann/runs", "nfs4", True),
        ("/home/ann", "nfs", True),
        ("/home/ann/runs", "cifs", True),
        ("/home/ann/runs", "9p", True),
        ("/home/ann/runs", "fuse.sshfs", True),
        ("/home/ann/runs", "vboxsf", True),
        ("/home/ann/runs", "btrfs", False),
        ("/home/ann/runs", "fuseblk", False),
        ("/home/annabel", "nfs4", False),
        ("/home/ann/local/runs", "nfs4", False),
        ("/with space/runs", "ext4", True),
        ("/twice/runs", "ext4", False),
        ("/var", "nfs4", False),
    ],
)
def test_a_network_is_warned_of_as_only_one_host_may_use_it(
    tmp_path: Path, path: str, kind: str, is_network: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTINFO.format(kind=kind))
    if is_network:
        with pytest.warns(NetworkStoreWarning, match=f"{path} is on a network file system"):
            warn_of_network(Path(path), mounts)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_network(Path(path), mounts)


def test_where_nobody_tells_what_is_mounted_nothing_is_said(tmp_path: Path) -> None:
    warn_of_network(tmp_path, tmp_path / "missing")


def test_an_error_names_who_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "head"
    path.touch()
    found = path.stat()
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    locks = tmp_path / "locks"
    locks.write_text(
        f"1: FLOCK  ADVISORY  WRITE 1234 {place} 0 EOF\n"
        f"1: -> FLOCK  ADVISORY  WRITE 99 {place} 0 EOF\n"
        f"2: POSIX  ADVISORY  WRITE 77 {place}9 0 EOF\n"
        f"3: POSIX  ADVISORY  READ 1240 {place} 120 120\n"
    )
    assert lockers_of(path, locks) == "pid 1234, pid 1240"
    assert lockers_of(path, tmp_path / "missing") == ""


# Places where nothing may be written.

READ_AS_NOBODY = """
import os, sys
sys.path[:] = sys.argv[3].split(os.pathsep)
from pathlib import Path
from indelible.stores.filesystem import FilesystemStore
from indelible.stores.sqlite import SqliteStore

os.setgroups([]), os.setgid(65534), os.setuid(65534)
path = Path(sys.argv[2])
store = FilesystemStore(path / "runs") if sys.argv[1] == "filesystem" else SqliteStore(path)
print(list(store.runs()), len(list(store.read("r"))), flush=True)
"""
LEFT = {
    "filesystem": ("runs",),
    "closed": ("log.db", "log.db.head"),
    "crashed": ("log.db", "log.db.head", "log.db-wal", "log.db-shm"),
    "crashed, without its -shm": ("log.db", "log.db.head", "log.db-wal"),
}


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that everybody may look into, for files that are there to be read."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("state", LEFT)
def test_what_may_not_be_written_can_be_read(tmp_path: Path, read_only: Path, state: str) -> None:
    kind = "filesystem" if state == "filesystem" else "sqlite"
    with closing(MAKERS[kind](tmp_path)) as store, store.claim(RUN):
        store.append(RUN, LOG, expected=0)
        if state == "closed":
            store.close()
        for name in LEFT[state]:
            subprocess.run(["cp", "-r", tmp_path / name, read_only], check=True)
    for path in read_only.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)
    done = subprocess.run(
        [
            *(sys.executable, "-c", READ_AS_NOBODY, kind),
            *(read_only / ("" if kind == "filesystem" else "log.db"), os.pathsep.join(sys.path)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "-shm" in state:
        assert "its -wal file cannot be read where nothing may be written" in done.stderr
        assert "Copy log.db, log.db-wal and log.db.head to a folder of yours" in done.stderr
    else:
        assert done.stdout == "['r'] 4\n", done.stderr
