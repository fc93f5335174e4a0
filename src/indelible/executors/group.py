"""A process group from the outside: signal it, see whether it lives, end it if its driver dies.

Two things stay when a driver is killed.  A watchdog ends the groups that the driver can no longer
end; and a lock that every process of an attempt inherits tells the next driver that one is left.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from indelible.executors.log import at_path, make_private
from indelible.stores import disk

if TYPE_CHECKING:
    from subprocess import Popen

WATCHDOG = """
groups=
while read -r sign group ticks; do
    case $sign in
    +) groups="$groups $group:$ticks" ;;
    -) kept=
       for each in $groups; do [ "${each%:*}" = "$group" ] || kept="$kept $each"; done
       groups=$kept ;;
    esac
done
end() {
    kill -s TERM -- "-$1" || return
    ticks=$2
    while [ "$ticks" -gt 0 ] && kill -s 0 -- "-$1"; do
        sleep 0.1 || sleep 1
        ticks=$((ticks - 1))
    done
    kill -s KILL -- "-$1"
}
for each in $groups; do end "${each%:*}" "${each#*:}" & done
wait
"""
"""For any POSIX shell, which starts in a millisecond where a Python takes fifteen."""

TICKS = 10
"""Times in a second that the watchdog looks whether a group has ended."""

LAST_WAIT = 1.0
"""Seconds that a closing executor waits for its watchdog, which mostly has nothing left to do."""


def signal_group(group: int, signal: int) -> bool:
    """Whether there was anybody to signal; a zombie counts."""
    try:
        os.killpg(group, signal)
    except (ProcessLookupError, PermissionError):  # macOS: a group of zombies is not permitted
        return False
    return True


def is_alive(group: int) -> bool:
    """Whether any process of the group still runs.

    Orphans are reaped by process 1, which in a container may take its time or never do it; so
    where ``/proc`` can tell a zombie from the living, it is asked.
    """
    if not signal_group(group, 0):
        return False
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return True
    return not pids or any(_runs_in(pid, group) for pid in pids)


class Watchdog:
    """Ends the groups it was told of when this process ends in any way, or at ``close``.

    A shell in a session of its own, started with the first group, reads a pipe that only this
    process can write to; when nobody can any more, it sends what is left TERM, and KILL after the
    grace time.  May be used from any thread.
    """

    def __init__(self) -> None:
        self._groups: dict[int, int] = {}
        self._pipe = -1
        self._shell: Popen[bytes] | None = None
        self._lock = Lock()

    def open(self) -> None:
        """Start it, unless it runs.  Raises ``OSError`` if the system gives no process."""
        with self._lock:
            if self._pipe < 0:
                self._start()

    @contextmanager
    def watching(self, group: int, grace: float) -> Iterator[None]:
        """End ``group`` if this process dies inside, with ``grace`` seconds between the signals."""
        with self._lock:
            self._groups[group] = math.ceil(grace * TICKS)
            self._tell(_watch_for(group, self._groups[group]))
        try:
            yield
        finally:
            # Said after its end: a moment in which its number could be another's, but none in
            # which it could be forgotten.
            with self._lock:
                del self._groups[group]
                self._tell(b"- %d\n" % group)

    def close(self) -> None:
        """End what is left, and then the watchdog itself."""
        with self._lock:
            self._let_go()

    def _tell(self, line: bytes) -> None:
        try:
            if self._pipe >= 0:
                os.write(self._pipe, line)
                return
        except BrokenPipeError:  # somebody killed it; the next one must know of all
            self._let_go()
        if self._groups:
            self._start()

    def _start(self) -> None:
        import subprocess

        read, self._pipe = os.pipe()
        _not_for_forks.add(self._pipe)
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", WATCHDOG],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath)},
                start_new_session=True,  # so that no Ctrl-C and no closed terminal reaches it
            )
            for group, ticks in self._groups.items():
                os.write(self._pipe, _watch_for(group, ticks))
        except OSError:
            self._let_go()
            raise
        finally:
            os.close(read)

    def _let_go(self) -> None:
        if self._pipe >= 0:
            _not_for_forks.discard(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
        shell, self._shell = self._shell, None
        if shell is not None:
            import subprocess

            try:
                shell.wait(LAST_WAIT)
            except subprocess.TimeoutExpired:  # it has groups to end yet, and each its grace time
                Thread(target=shell.wait, name="indelible-watchdog", daemon=True).start()


class AttemptLock:
    """Keeps ``path`` locked while any process lives that inherited ``fds``.

    This process lets go of its own copy once the attempt's has begun, so that a lock that is held
    always means a process of the attempt.  None as ``path`` locks nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._fd = -1

    @property
    def fds(self) -> tuple[int, ...]:
        return (self._fd,) if self._fd >= 0 else ()

    def open(self) -> None:
        """Take it, making the file.  Raises ``OSError`` with the path in it."""
        if self.path is None:
            return
        try:
            self._fd = _open_in_private(self.path)
            _not_for_forks.add(self._fd)
            if not disk.try_lock(self._fd):
                raise BlockingIOError(errno.EWOULDBLOCK, "another process holds it")
        except OSError as error:
            self._let_go()
            raise at_path(error, self.path) from error

    def hand_over(self, pid: int) -> None:
        """Only the process ``pid``, and what it starts, has the lock from now on."""
        if self._fd >= 0:
            with suppress(OSError):  # the pid is for people to read
                disk.write_all(self._fd, b"%d\n" % pid)
            self._let_go()

    def close(self) -> None:
        """Remove the file, unless some process of the attempt outlives it."""
        self._let_go()
        if self.path is not None:
            with suppress(OSError):  # left behind it does no harm
                is_free(self.path)

    def _let_go(self) -> None:
        if self._fd >= 0:
            _not_for_forks.discard(self._fd)
            os.close(self._fd)
            self._fd = -1


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of an attempt; one that nobody holds is removed.

    To be asked by the run's driver only.  Raises ``OSError``.
    """
    try:
        fd = disk.open_private(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        found = disk.try_lock(fd)
        if found:
            path.unlink(missing_ok=True)
    finally:
        os.close(fd)
    return found


_not_for_forks: set[int] = set()


def _close_copies() -> None:
    while _not_for_forks:
        os.close(_not_for_forks.pop())


# A node's os.fork() copies our descriptors, and its child would keep the watchdog from noticing
# our end, and locks of other nodes held.
os.register_at_fork(after_in_child=_close_copies)


def _watch_for(group: int, ticks: int) -> bytes:
    return b"+ %d %d\n" % (group, ticks)


def _open_in_private(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT
    try:
        return disk.open_private(path, flags)
    except FileNotFoundError:
        make_private(path.parent)
        return disk.open_private(path, flags)


def _runs_in(pid: str, group: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name, in brackets, may hold anything; state, parent and group follow it.
            state, _, of_group = stat.read().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):  # it ended while we looked
        return False
    return int(of_group) == group and state not in (b"Z", b"X")
