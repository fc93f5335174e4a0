"""Files that survive a power cut, and locks that do not survive their owner.

Everything the stores on disk share below the level of a log: private files, writes that are
finished, syncs that reach the platter, OS locks.  Knows nothing of events.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from indelible.errors import HeldError, StoreError
from indelible.stores.holder import (
    is_signed,
    name_in,
    name_once_written,
    sign,
    this_process,
    unsign,
)

LOCK_PATIENCE = 10.0
"""Seconds that ``lock`` waits.  An append takes milliseconds, so whoever takes longer is stuck."""

PIECE = 1024 * 1024
"""Bytes of a file that are in memory at a time while it is written once more."""

_LOCAL_DISK = "This file system has no working locks. Put the store on a local disk."
_HINTS = {
    errno.ENOSPC: "Free some space, then resume: what was acknowledged is safe.",
    errno.EDQUOT: "Free some of your quota, then resume: what was acknowledged is safe.",
    errno.EACCES: "The store must belong to the user that runs workflows.",
    errno.EROFS: "Mount it writable; reading goes on working.",
    errno.ELOOP: "It is a symbolic link, and a store follows none.",
    errno.EMLINK: "What is written there would also stand in the other file. "
    "Put a copy of it in its place.",
    errno.EMFILE: "Raise the limit of open files: ulimit -n.",
    errno.EIO: "The disk failed. Check it, then resume: the log decides what was kept.",
    errno.ENOLCK: _LOCAL_DISK,
    errno.ETIMEDOUT: "Look for a process of Indelible that is stopped or hangs.",
}

# What file systems answer that have no locks; none of it can mean that somebody else has one.
_LOCKLESS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


@contextmanager
def explain(path: Path, doing: str) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StoreError``: ``{path}: cannot {doing}: {reason}``."""
    try:
        yield
    except OSError as error:
        raise explained(error, path, doing) from error


def explained(error: OSError, path: Path, doing: str) -> StoreError:
    """``error`` in our words, with what to do about it."""
    problem = f"{path}: cannot {doing}: {error.strerror or error}"
    return StoreError(problem, hint=_HINTS.get(error.errno or 0, ""))


def open_private(path: Path | str, flags: int) -> int:
    """A descriptor of the regular file ``path``, made 0600 if ``flags`` make it.

    It follows no symbolic link, is not inherited, and opens a file with a second name (a hard
    link) for reading only.  Raises ``OSError``.
    """
    # Without O_NONBLOCK, a FIFO in the file's place would hang us for ever.
    always = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, flags & ~os.O_TRUNC | always, 0o600)
    try:
        _check_file(os.fstat(fd), is_read_only=flags & os.O_ACCMODE == os.O_RDONLY)
        if flags & os.O_TRUNC:  # not before it is known whose bytes these are
            os.ftruncate(fd, 0)
    except OSError:
        os.close(fd)
        raise
    return fd


def _check_file(found: os.stat_result, *, is_read_only: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if found.st_nlink > 1 and not is_read_only:
        raise OSError(errno.EMLINK, "it has a second name, a hard link")


def check_directory(path: Path) -> Path:
    """``path``, which must be a directory if it is there.  No link is followed out of a store.

    Raises ``StoreError``.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return path
    except OSError as error:
        raise explained(error, path, "open") from error
    if not stat.S_ISDIR(mode):
        raise StoreError(f"{path}: not a directory", hint="Move it out of the store.")
    return path


def check_in_place(fd: int, path: Path) -> os.stat_result:
    """The status of the file behind ``fd``, to which ``path`` must still lead.

    Raises ``StoreError``, or ``OSError``.
    """
    found = os.fstat(fd)
    if _leads_to(path, found):
        return found
    raise StoreError(
        f"{path}: was moved or replaced while it was open",
        hint="Put it back, then resume; nothing was added to either file.",
    )


def make_directory(path: Path) -> None:
    """Make ``path`` (0700) and what is missing above it; their names are durable on return.

    Also syncs the two directories above one that exists: whoever made it may have died first.
    Raises ``OSError``.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        # Nothing is made in a directory whose own name may be lost, so that whoever comes after a
        # crash, or a sync that failed, need not look further up.
        _sync_names(folder.parent.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    for folder in path.parents[: 1 if missing else 2]:
        _sync_names(folder)


def _sync_names(folder: Path) -> None:
    # What we may not write to, we have made no name in.
    if os.access(folder, os.W_OK):
        sync_directory(folder)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``, going on after short writes.  Raises ``OSError``."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def write_all_at(fd: int, data: bytes, offset: int) -> None:
    """The same at ``offset``, for descriptors without ``O_APPEND``.  Raises ``OSError``."""
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, offset)
        rest, offset = rest[written:], offset + written


def rewrite(fd: int, start: int, end: int) -> None:
    """Write the bytes from ``start`` to ``end`` once more, so that a sync counts for them.

    After a failed sync the page cache shows bytes that the disk does not have, and calls them
    clean; writing them makes them dirty.  Raises ``OSError``.
    """
    for offset in range(start, end, PIECE):
        write_all_at(fd, os.pread(fd, min(PIECE, end - offset), offset), offset)


def sync_file(fd: int) -> None:
    """Return when the file's bytes and length are on the disk.  Raises ``OSError``."""
    if sys.platform == "darwin":
        # There, fsync stops at the drive's own cache.
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(fd)


def sync_directory(path: Path) -> None:
    """Return when the names in ``path`` are on the disk.  Raises ``OSError``."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def try_lock(fd: int) -> bool:
    """Lock the file behind ``fd`` against every other descriptor of it, if nobody has it now."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _LOCKLESS:
            raise
        raise OSError(errno.ENOLCK, f"no locks here ({error.strerror})") from error
    return True


def lock(fd: int, *, patience: float = LOCK_PATIENCE) -> None:
    """The same, waiting up to ``patience`` seconds.  Raises ``OSError`` (ETIMEDOUT) after them."""
    deadline = time.monotonic() + patience
    pause = 0.0005
    while not try_lock(fd):
        if time.monotonic() > deadline:
            from indelible.stores.lockers import lockers_of

            who = lockers_of(fd) or "somebody else"
            raise OSError(errno.ETIMEDOUT, f"{who} has held it for {patience:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def unlock(fd: int) -> None:
    """Give the lock back, also for copies of ``fd`` that a fork left in a child."""
    fcntl.flock(fd, fcntl.LOCK_UN)


class Claim:
    """Hold the lock file ``path`` for a whole drive of ``run_id``.  A context manager.

    The lock ends with this process, however that ends, and is never passed to a child.  The file
    says who holds it and stays when it is released: an unlinked lock file could be held twice.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        self._fd = -1

    def __enter__(self) -> None:
        """Raises ``HeldError`` if somebody holds it, also within this process."""
        with explain(self._path, "claim"):
            fd = self._open_locked()
            try:
                os.ftruncate(fd, 0)
                write_all_at(fd, this_process(), 0)
                sign(fd)
            except OSError:
                os.close(fd)
                raise
        self._fd = fd
        _held.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)  # so that nobody is told of us while the next one begins
            unsign(self._fd)
            unlock(self._fd)
        self.forget()

    def forget(self) -> None:
        """Close the descriptor and nothing more: the lock stays with those that have a copy."""
        _held.discard(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open_locked(self) -> int:
        while True:
            fd = open_private(self._path, os.O_RDWR | os.O_CREAT)
            is_free = try_lock(fd)
            if is_free and _leads_to(self._path, os.fstat(fd)):
                return fd
            holder = name_once_written(fd)
            os.close(fd)
            if not is_free:
                raise HeldError(self._run_id, holder)
            # Somebody put another file in its place: that one counts.


_held: set[Claim] = set()


def _forget_all() -> None:
    for claim in tuple(_held):
        claim.forget()


# A forked child has copies of our descriptors, and with one of them it would hold our runs.
os.register_at_fork(after_in_child=_forget_all)


def driver_at(path: Path) -> str:
    """Who holds the claim ``path`` now, as ``HeldError`` names it; empty if nobody does.

    Takes no lock and writes nothing.  Raises ``StoreError``.
    """
    with explain(path, "read"):
        try:
            fd = open_private(path, os.O_RDONLY)
        except FileNotFoundError:
            return ""
        try:
            return (name_in(fd) or "another process") if is_signed(fd) else ""
        finally:
            os.close(fd)


def _leads_to(path: Path, file: os.stat_result) -> bool:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return found.st_ino == file.st_ino and found.st_dev == file.st_dev
