"""Who holds a claim: the name in its lock file, and a sign that can be seen without taking a lock.

Whether a file is locked by ``flock`` is told only to those who try to lock it, and who tries may
just then keep a driver from starting.  Record locks can be asked about.  So on Linux a claim has
one beside its ``flock``, of the kind that belongs to the descriptor and ends with it; on macOS the
question sees the ``flock`` itself.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

NAMING_PATIENCE = 0.2
"""Seconds that whoever has just taken a claim is given to write its name."""

PAUSE = 0.002


class Holder(msgspec.Struct, frozen=True):
    """What stands in the lock file of a claim."""

    host: str
    pid: int
    since: str


def this_process() -> bytes:
    """The name of this process, as a lock file has it."""
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return msgspec.json.encode(Holder(os.uname().nodename, os.getpid(), since)) + b"\n"


def name_in(fd: int) -> str:
    """``pid 7 on build-3 since …``; empty while nobody alive has written a name."""
    try:
        holder = msgspec.json.decode(os.pread(fd, 4096, 0), type=Holder)
    except ValueError:  # also text that is not UTF-8
        return ""
    if holder.host == os.uname().nodename and not _is_process(holder.pid):
        return ""  # it died with the claim; whoever has it now has not yet written its name
    return f"pid {holder.pid} on {holder.host} since {holder.since}"


def name_once_written(fd: int) -> str:
    """The same, of somebody who may just have begun; empty if no name comes in time."""
    deadline = time.monotonic() + NAMING_PATIENCE
    while not (name := name_in(fd)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return name


def sign(fd: int) -> None:
    """Let others see that the file behind ``fd`` is claimed, as long as ``fd`` is open."""
    if sys.platform == "linux":
        # Where there are no such locks the claim counts all the same; it is only not seen.
        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _record(fcntl.F_WRLCK))


def unsign(fd: int) -> None:
    """Take the sign back, also from copies of ``fd`` that a fork left in a child."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _record(fcntl.F_UNLCK))


def is_signed(fd: int) -> bool:
    """Whether somebody else has signed, or on macOS locked, the file.  Raises ``OSError``."""
    asked = fcntl.F_OFD_GETLK if sys.platform == "linux" else fcntl.F_GETLK
    return _type_of(fcntl.fcntl(fd, asked, _record(fcntl.F_RDLCK))) != fcntl.F_UNLCK


def _record(kind: int) -> bytes:
    """A ``struct flock`` for the whole file."""
    if sys.platform == "linux":
        return struct.pack(_LINUX, kind, os.SEEK_SET, 0, 0, 0)
    return struct.pack(_BSD, 0, 0, 0, kind, os.SEEK_SET)


def _type_of(record: bytes) -> int:
    fields = struct.unpack(_LINUX if sys.platform == "linux" else _BSD, record)
    found: int = fields[0] if sys.platform == "linux" else fields[3]
    return found


_LINUX = "hhqqi4x"
_BSD = "qqihh"


def _is_process(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
