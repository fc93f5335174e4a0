"""Locks that end with their owner, files that are finished, errors that say what to do."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from indelible.errors import HeldError, StoreError
from indelible.stores import disk

HOLD_AND_FORK = """
import os, sys, time
from pathlib import Path
from indelible.stores.disk import Claim

with Claim(Path(sys.argv[1]), "r"):
    # A child, and a program started by it, as nodes are; both outlive the holder.
    if os.fork() == 0:
        os.execvp("sh", ["sh", "-c", "echo $$; exec sleep 600"])
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(600)
    time.sleep(600)
"""


def test_a_claim_is_held_by_one_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    said = rf"run r is held by pid {os.getpid()} on {os.uname().nodename} since 2\d{{3}}-.*Z"
    with disk.Claim(path, "r"), pytest.raises(HeldError, match=said) as caught:
        disk.Claim(path, "r").__enter__()
    assert "indelible cancel r" in caught.value.hint
    assert path.exists()
    with disk.Claim(path, "r"):
        pass


def test_a_holder_that_has_not_yet_written_its_name_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    with disk.Claim(path, "r"):
        path.write_bytes(b"")
        with pytest.raises(HeldError, match="run r is held by another process"):
            disk.Claim(path, "r").__enter__()


def test_a_lock_file_that_was_replaced_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    with disk.Claim(path, "r"):
        path.unlink()
        with disk.Claim(path, "r"), pytest.raises(HeldError):
            disk.Claim(path, "r").__enter__()


def test_a_long_name_left_behind_is_not_mixed_with_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    path.write_bytes(b"x" * 4096)
    with disk.Claim(path, "r"), pytest.raises(HeldError, match=f"pid {os.getpid()} on"):
        disk.Claim(path, "r").__enter__()


@pytest.mark.real
def test_no_child_keeps_the_claim_of_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_FORK, path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None
    children = [int(holder.stdout.readline()) for _ in range(2)]
    try:
        with pytest.raises(HeldError, match=f"pid {holder.pid} on"):
            disk.Claim(path, "r").__enter__()
        holder.kill()
        holder.wait()
        with disk.Claim(path, "r"):
            assert all(is_running(child) for child in children)
    finally:
        holder.stdout.close()
        for child in children:
            os.kill(child, 9)


def test_a_lock_that_is_not_given_back_is_an_error_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "head"
    first, second = (disk.open_private(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
    disk.lock(first)
    said = "head: cannot lock: (pid [0-9]+|somebody else) has held it for 0 s"
    with pytest.raises(StoreError, match=said) as caught, disk.explain(path, "lock"):
        disk.lock(second, patience=0.01)
    assert "stopped or hangs" in caught.value.hint
    disk.unlock(first)
    disk.lock(second, patience=0)
    os.close(first)
    os.close(second)


@pytest.mark.parametrize(
    ("number", "said", "hint"),
    [
        (errno.ENOSPC, "cannot write: No space left on device", "Free some space"),
        (errno.EROFS, "cannot write: Read-only file system", "reading goes on working"),
        (errno.ENOLCK, "cannot write: No locks available", "on a local disk"),
        (errno.EMLINK, "cannot write: Too many links", "Put a copy of it in its place"),
        (errno.EMFILE, "cannot write: Too many open files", "ulimit -n"),
    ],
)
def test_an_error_says_where_what_and_what_to_do(number: int, said: str, hint: str) -> None:
    path = Path("/x/y")
    with pytest.raises(StoreError, match=f"^/x/y: {said}") as caught, disk.explain(path, "write"):
        raise OSError(number, os.strerror(number))
    assert hint in caught.value.hint


def test_a_full_device_is_told() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")
    fd = os.open(full, os.O_WRONLY)
    said = "/dev/full: cannot write: No space left on device"
    with pytest.raises(StoreError, match=said), disk.explain(full, "write"):
        disk.write_all(fd, b"x")
    os.close(fd)


@pytest.mark.parametrize("at", [False, True])
def test_a_short_write_is_never_taken_for_a_whole_one(tmp_path: Path, at: bool) -> None:
    """At a limit of 100 bytes the system writes the first 100, and says so; then it refuses."""
    path = tmp_path / "file"
    fd = disk.open_private(path, os.O_RDWR | os.O_CREAT)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            disk.write_all_at(fd, bytes(200), 0) if at else disk.write_all(fd, bytes(200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == 100
    disk.write_all_at(fd, bytes(200), 0)
    os.close(fd)
    assert path.stat().st_size == 200


def test_bytes_written_at_an_offset_leave_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    fd = disk.open_private(path, os.O_RDWR)
    disk.write_all_at(fd, b"abc", 4)
    disk.sync_file(fd)
    os.close(fd)
    assert path.read_bytes() == b"0123abc789"


def test_directories_are_private_and_made_with_all_above(tmp_path: Path) -> None:
    disk.make_directory(tmp_path / "a" / "b" / "c")
    disk.make_directory(tmp_path / "a" / "b" / "c")
    for folder in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        (tmp_path / "target").touch()
        path.symlink_to(tmp_path / "target")
    else:
        path.mkdir()
    with pytest.raises(OSError, match=r"regular file|symbolic links|directory"):
        disk.open_private(path, os.O_RDWR)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_lock_file_that_somebody_spoiled_names_nobody_and_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "driver.lock"
    with disk.Claim(path, "r"):
        path.write_bytes(b'{"host":"\x80","pid":1,"since":""}\n')
        with pytest.raises(HeldError, match="another process"):
            disk.Claim(path, "r").__enter__()
