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
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import msgspec

from indelible.errors import HeldError, StoreError

LOCK_PATIENCE = 10.0
"""Seconds that ``lock`` waits.  An append takes milliseconds, so whoever takes longer is stuck."""

_LOCAL_DISK = "This file system has no working locks. Put the store on a local disk."
_HINTS = {
    errno.ENOSPC: "Free some space, then resume: what was acknowledged is safe.",
    errno.EDQUOT: "Free some of your quota, then resume: what was acknowledged is safe.",
    errno.EACCES: "The store must belong to the user that runs workflows.",
    errno.EROFS: "Mount it writable; reading goes on working.",
    errno.ELOOP: "It is a symbolic link, and a store follows none.",
    errno.EMFILE: "Raise the limit of open files: ulimit -n.",
    errno.EIO: "The disk failed. Check it, then resume: the log decides what was kept.",
    errno.ENOLCK: _LOCAL_DISK,
    errno.EOPNOTSUPP: _LOCAL_DISK,
    errno.ETIMEDOUT: "Look for a process of Indelible that is stopped or hangs.",
}


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


def open_private(path: Path, flags: int) -> int:
    """A descriptor of the regular file ``path``, made 0600 if ``flags`` make it.

    It follows no symbolic link and is not inherited.  Raises ``OSError``.
    """
    # Without O_NONBLOCK, a FIFO in the file's place would hang us for ever.
    fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "not a regular file")


def make_directory(path: Path) -> None:
    """Make ``path`` (0700) and what is missing above it; their names are durable on return.

    Also syncs the two directories above one that exists: whoever made it may have died first.
    Raises ``OSError``.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    for folder in dict.fromkeys([*path.parents[:2], *(folder.parent for folder in missing)]):
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
    return True


def lock(fd: int, *, patience: float = LOCK_PATIENCE) -> None:
    """The same, waiting up to ``patience`` seconds.  Raises ``OSError`` (ETIMEDOUT) after them."""
    deadline = time.monotonic() + patience
    pause = 0.0005
    while not try_lock(fd):
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, f"somebody else has held it for {patience:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def unlock(fd: int) -> None:
    """Give the lock back, also for copies of ``fd`` that a fork left in a child."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def refuse_without_locks(directory: Path) -> None:
    """Raise ``StoreError`` if the file system of ``directory`` cannot lock, as some networks'."""
    with explain(directory, "lock"):
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try_lock(fd)
        finally:
            os.close(fd)


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
                write_all_at(fd, _this_process(), 0)
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
            if is_free and _is_at(fd, self._path):
                return fd
            holder = _holder(fd)
            os.close(fd)
            if not is_free:
                raise HeldError(self._run_id, holder)
            # Somebody put another file in its place: that one counts.


class Holder(msgspec.Struct, frozen=True):
    """Who holds a claim: what stands in its lock file."""

    host: str
    pid: int
    since: str


_held: set[Claim] = set()


def _forget_all() -> None:
    for claim in tuple(_held):
        claim.forget()


# A forked child has copies of our descriptors, and with one of them it would hold our runs.
os.register_at_fork(after_in_child=_forget_all)


def _this_process() -> bytes:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.json.encode(Holder(os.uname().nodename, os.getpid(), since)) + b"\n"


def _holder(fd: int) -> str:
    try:
        holder = msgspec.json.decode(os.pread(fd, 4096, 0), type=Holder)
    except msgspec.MsgspecError:
        return ""  # it has just taken the lock and not yet written its name
    return f"pid {holder.pid} on {holder.host} since {holder.since}"


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False
