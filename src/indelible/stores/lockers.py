"""Who has a lock: asked when waiting for one was in vain, so that the error can name somebody."""

from __future__ import annotations

import os
from pathlib import Path

LOCKS = Path("/proc/locks")
"""All locks of this machine.  Linux has it; elsewhere nobody is named."""


def lockers_of(file: int | Path, locks: Path = LOCKS) -> str:
    """The processes that have a lock on ``file``: ``pid 12, pid 13``.  Empty if nobody can tell."""
    try:
        found = os.stat(file)
        lines = locks.read_text().splitlines()
    except OSError:
        return ""
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    # `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 EOF`; who waits has an arrow before the kind.
    rows = [line.split() for line in lines if "->" not in line]
    return ", ".join(sorted({f"pid {row[4]}" for row in rows if row[5] == place}))
